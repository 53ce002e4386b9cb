/**
 * Neither the list of processes nor any output shows the secrets of a command; `doctor` and `simulate` have tests of
 * their own.
 */
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createServer as createTcp, type AddressInfo } from 'node:net'
import { EVIL } from '../integration/evil-ids'
import { cleanUp, cli, commandLines, onClose } from './cli'

afterEach(cleanUp)

const SECRET = 's3cr3t-canary-7'
const BASE64 = Buffer.from(`me:${SECRET}`).toString('base64')
const env = { WEBHOOK_PASSWORD: SECRET, WEBHOOK_TOKEN: SECRET, PGPASSWORD: SECRET }

function expectNone(texts: string[]): void {
  for (const text of texts) for (const secret of [SECRET, BASE64]) expect(text).not.toContain(secret)
}

test('trigger', async () => {
  const seen: string[] = []
  const server = createHttp((req, res) => {
    seen.push(commandLines())
    req.resume().on('end', () => res.writeHead(401).end('no'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onClose(() => void server.close())
  const words = ['trigger', 'OrderIssuedByBuyer', '--to', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`]
  const outputs = [
    await cli([...words, '--basic', 'me'], { env }),
    await cli([...words, '--bearer', '--json'], { env }),
  ]
  expect(seen.map((text) => text.includes('OrderIssuedByBuyer'))).toEqual([true, true])
  expectNone([...seen, ...outputs.flatMap(({ out, err }) => [out, err])])
})

test.each([
  ['inbox', 'list', `postgres://me:${SECRET}@h/db`],
  ['inbox', 'check', `postgres://me:${SECRET}@h/db`],
  ['inbox', './a.db', `postgres://me:${SECRET}@h/db`, 'list'],
  ['inbox', './a.db', 'list', '--limit', `postgres://me:${SECRET}@h/db`],
  ['inbox', `--postgres://me:${SECRET}@h/db`, 'list'],
  [`postgres://me:a b:@${SECRET}@h/db`],
  [`postgres:me:${SECRET}@h/db`],
  ['simulate', `http://me:${SECRET}@localhost/`, '--to', 'http://localhost'],
])('a URL with a password at a wrong place is not repeated: %j', async (...words) => {
  const { code, out, err } = await cli(words)
  expect(code).toBe(2)
  expectNone([out, err])
})

test('a server that repeats the request in its response', async () => {
  const server = createHttp((req, res) => {
    req.resume().on('end', () => res.end(`${String(req.headers.authorization)} ${SECRET}`))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onClose(() => void server.close())
  const words = ['trigger', 'OrderIssuedByBuyer', '--to', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`]
  for (const how of [
    ['--basic', 'me'],
    ['--bearer', '--json'],
  ]) {
    const { code, out, err } = await cli([...words, ...how], { env })
    expect([code, out]).toEqual([0, expect.stringMatching(/(Basic|Bearer) \*{3}/)])
    expectNone([out, err])
  }
})

test('inbox', async () => {
  const seen: string[] = []
  // A server that is not PostgreSQL: the command fails, and names the address.
  const server = createTcp((socket) => {
    seen.push(commandLines())
    socket.on('error', () => undefined).end('no')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onClose(() => void server.close())
  const { port } = server.address() as AddressInfo
  const ways = [
    { words: [`postgres://me@127.0.0.1:${port}/db`], env },
    { words: [], env: { INBOX_URL: `postgres://me:${SECRET}@127.0.0.1:${port}/db` } },
  ]
  for (const way of ways) {
    const ran = await cli(['inbox', ...way.words, 'list'], { env: way.env })
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining(`127.0.0.1:${port}`)])
    expectNone([ran.out, ran.err])
  }
  expect(seen.length).toBeGreaterThanOrEqual(2)
  expectNone(seen)
})

test('hostile texts in a response to trigger are made printable', async () => {
  const texts = [...EVIL.filter((text) => text.length < 1_000), 'a\u200bb\u2067']
  let at = 0
  const server = createHttp((req, res) => {
    const text = texts[at++ % texts.length] ?? ''
    req
      .resume()
      .on('end', () => res.writeHead(400).end(at % 2 === 0 ? text : JSON.stringify({ code: text, detail: text })))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onClose(() => void server.close())
  const words = ['trigger', 'OrderIssuedByBuyer', '--to', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`]
  for (const more of [[], ['--json']]) {
    const { out, err } = await cli([...words, '--times', String(2 * texts.length), ...more])
    for (const line of `${out}${err}`.split('\n')) expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
  }
  expect(at).toBe(4 * texts.length)
})
