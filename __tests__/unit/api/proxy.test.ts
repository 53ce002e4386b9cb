/** A proxy is used only if it is configured. Only the proxy gets its credentials, and it cannot read https traffic. */
import createDebug from 'debug'
import { createServer, type Server } from 'node:http'
import { Agent } from 'node:https'
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { TradecloudClient } from '../../../lib/api'
import { errorOf, setUp, until } from './fake-api'

// Registered before the hooks of `setUp`, so that the closing of the client is not logged.
afterEach(() => void createDebug.disable())

const { api, client } = setUp()

let proxy: Server
let connects: Array<{ target: string; authorization: string | undefined }>
let answer: string | undefined
/** The port to which tunnels lead instead of their target. */
let detour: number | undefined
const sockets = new Set<Socket>()

const portOf = (server: { address: () => unknown }) => (server.address() as AddressInfo).port

beforeEach(async () => {
  connects = []
  answer = detour = undefined
  proxy = createServer((_req, res) => res.writeHead(500).end())
  proxy.on('connect', (req, socket: Socket) => {
    sockets.add(socket)
    connects.push({ target: req.url ?? '', authorization: req.headers['proxy-authorization'] })
    if (answer !== undefined) {
      if (answer !== '') socket.end(answer)
      return
    }
    const [host = '', port] = (req.url ?? '').split(':')
    const target = connect(detour ?? Number(port), detour === undefined ? host : '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    for (const end of [socket, target]) end.on('error', () => [socket, target].forEach((other) => other.destroy()))
    socket.on('close', () => target.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => proxy.close(resolve))
})

const proxyUrl = (user = '') => `http://${user}127.0.0.1:${portOf(proxy)}`

test('goes through the proxy, over one kept connection, with its credentials in the CONNECT alone', async () => {
  const tradecloud = client({ proxy: proxyUrl('canary-user:canary%3Apass@') })
  await tradecloud.getOrder('1')
  await tradecloud.getOrder('2')
  const authorization = `Basic ${Buffer.from('canary-user:canary:pass').toString('base64')}`
  expect(connects).toEqual([{ target: new URL(api().baseUrl).host, authorization }])
  expect(api().seen).toHaveLength(3)
  for (const { headers } of api().seen) expect(headers['proxy-authorization']).toBeUndefined()
  await tradecloud.close()
  await until(() => [...sockets].every(({ destroyed }) => destroyed))
})

test('sends no credentials to a proxy without any', async () => {
  await client({ proxy: proxyUrl() }).getOrder('1')
  expect(connects[0]?.authorization).toBeUndefined()
})

test('speaks TLS with the target, end to end, under its own name', async () => {
  const heard: Buffer[] = []
  const target = createNetServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (bytes: Buffer) => {
      heard.push(bytes)
      socket.destroy()
    })
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  detour = portOf(target)
  const baseUrl = 'https://api.canary.example/v2'
  const tradecloud = new TradecloudClient({ baseUrl, username: 'a', password: 'b', proxy: proxyUrl() })
  const failed = errorOf(tradecloud.getOrder('1'))
  await until(() => heard.length > 0)
  await tradecloud.close()
  await failed
  await new Promise((resolve) => target.close(resolve))
  expect(connects[0]?.target).toBe('api.canary.example:443')
  // The proxy received a TLS handshake that names the target.
  expect(heard[0]?.[0]).toBe(0x16)
  expect(heard[0]?.includes('api.canary.example')).toBe(true)
})

test.each([
  ['refuses', 'HTTP/1.1 407 canary\r\nContent-Length: 6\r\n\r\ncanary', '407'],
  ['does not answer', '', 'in time'],
  ['talks nonsense', 'canary\r\n\r\n', 'could not be reached'],
])('fails, and shows nothing of it, when the proxy %s', async (_what, text, expected) => {
  const lines: string[] = []
  createDebug.enable('tradecloud-webhook:*')
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0)
  jest.spyOn(Math, 'random').mockReturnValue(0.9)
  answer = text
  const tradecloud = client({ proxy: proxyUrl('canary-user:canary-pass@'), requestTimeoutMs: 100, fetchTimeoutMs: 180 })
  const error = await errorOf(tradecloud.getOrder('1'))
  expect(['fetch_failed', 'fetch_timeout']).toContain(error.code)
  if (text !== '') expect(error.message).toContain(expected)
  const shown = inspect([error, tradecloud], { depth: Infinity, showHidden: true }) + lines.join('')
  expect(shown).not.toMatch(/canary|Y2FuYXJ5/)
  expect(api().seen).toHaveLength(0)
})

test('environment variables do not bring a proxy', async () => {
  const before = { ...process.env }
  Object.assign(process.env, { HTTP_PROXY: proxyUrl(), http_proxy: proxyUrl(), HTTPS_PROXY: proxyUrl(), NO_PROXY: '' })
  try {
    await client().getOrder('1')
  } finally {
    process.env = before
  }
  expect(connects).toEqual([])
})

test('uses an httpsAgent of the user, and leaves it open', async () => {
  const agent = new Agent()
  const asked: string[] = []
  Object.assign(agent, {
    createConnection: (options: { host: string }, done: (error: Error) => void) => {
      asked.push(options.host)
      done(new Error('no way'))
    },
  })
  const destroy = jest.spyOn(agent, 'destroy')
  const options = {
    baseUrl: 'https://api.example.com',
    username: 'a',
    password: 'b',
    httpsAgent: agent,
    fetchTimeoutMs: 100,
  }
  const tradecloud = new TradecloudClient(options)
  expect((await errorOf(tradecloud.getOrder('1'))).message).toContain('no way')
  await tradecloud.close()
  expect(asked[0]).toBe('api.example.com')
  expect(destroy).not.toHaveBeenCalled()
})
