/** Responses of a key server: an invalid one has no effect, and no request is refused because of it. */
import { Agent, createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { certificate, privateKey } from '../../../../certificate'
import { answer, KeyServer, makeKey, setUp, sign, verdict, type Script } from './issuer'

const first = makeKey('first')
const second = makeKey('second')
const context = setUp()
const { verifier } = context

beforeEach(() => {
  context.server.keys = [first.publicJwk]
})

const keySet = () => JSON.stringify({ keys: context.server.keys })

describe('answers that are none', () => {
  it.each([
    ['a redirect', 'the status is 302', answer(302, '', { Location: '/elsewhere' })],
    ['500', 'the status is 500', answer(500, '{}')],
    ['404', 'the status is 404', answer(404)],
    ['204', 'the status is 204', answer(204)],
    ['keys with another status', 'the status is 203', (_req, res) => res.writeHead(203).end(keySet())],
    ['HTML', 'the response is not a key set', answer(200, '<!doctype html><title>Maintenance</title>')],
    ['broken JSON', 'the response is not a key set', answer(200, '{"keys":[')],
    ['nothing', 'the response is not a key set', answer(200)],
    ['null', 'the response is not a key set', answer(200, 'null')],
    ['a text', 'the response is not a key set', answer(200, '"keys"')],
    ['a list', 'the response is not a key set', answer(200, '[]')],
    ['no keys', 'the response is not a key set', answer(200, '{}')],
    ['keys that are no list', 'the response is not a key set', answer(200, '{"keys":{"length":1}}')],
    ['an empty list', 'or has no keys for signatures', answer(200, '{"keys":[]}')],
    ['only nonsense in it', 'or has no keys for signatures', answer(200, '{"keys":[null,1,"x",{},[]]}')],
    ['a huge answer', 'larger than 1048576 bytes', answer(200, `{"keys":[],"x":"${'x'.repeat(1_100_000)}"}`)],
    ['compressed bytes', 'the response is not a key set', answer(200, Buffer.from([0x1f, 0x8b, 8, 0]))],
    [
      'a body that breaks off',
      'aborted',
      (_req, res) => {
        res.writeHead(200, { 'Content-Length': '1000' }).write('{"keys":[', () => res.destroy())
      },
    ],
    ['a connection that breaks', 'socket hang up', (req) => req.socket.destroy()],
    ['bytes that are no HTTP', 'Parse Error', (req) => void req.socket.end('nonsense\r\n\r\n')],
  ] as Array<[string, string, Script]>)('%s', async (_what, reason, script) => {
    const checked = verifier({}, { freshMs: 0, retryMs: 0, pauseMs: 0 })
    context.server.script = script
    await expect(checked.check(await sign(first))).rejects.toThrow(reason)
    // An invalid response does not remove known keys.
    context.server.script = undefined
    expect(await verdict(checked, await sign(first))).toBe('yes')
    context.server.script = script
    expect(await verdict(checked, await sign(first, { jti: 'x' }))).toBe('yes')
    expect(await verdict(checked, await sign(second))).toBe('unable')
  })

  it('an answer of almost the size that is allowed is read', async () => {
    context.server.script = (_req, res) =>
      void res.end(JSON.stringify({ x: 'x'.repeat(1_000_000), keys: context.server.keys }))
    expect(await verdict(verifier(), await sign(first))).toBe('yes')
  })

  it('a redirect is not followed', async () => {
    const other = await new KeyServer().start()
    other.keys = [first.publicJwk]
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        context.server.script = answer(status, '', { Location: other.uri })
        expect(await verdict(verifier(), await sign(first))).toBe('unable')
      }
      expect(other.fetches).toBe(0)
    } finally {
      await other.stop()
    }
  })

  it('no key server at all', async () => {
    await context.server.stop()
    await expect(verifier().check(await sign(first))).rejects.toThrow('ECONNREFUSED')
  })
})

describe('over https', () => {
  let server: Server
  beforeEach(async () => {
    server = createServer({ key: privateKey, cert: certificate }, (_req, res) => void res.end(keySet()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const jwksUri = () => `https://127.0.0.1:${(server.address() as AddressInfo).port}/keys`

  it('a certificate of an unknown authority is not trusted', async () => {
    await expect(verifier({ jwksUri: jwksUri() }).check(await sign(first))).rejects.toThrow('self-signed certificate')
  })

  it('an agent with its own authority trusts it', async () => {
    const httpsAgent = new Agent({ ca: certificate })
    expect(await verdict(verifier({ jwksUri: jwksUri(), httpsAgent }), await sign(first))).toBe('yes')
    httpsAgent.destroy()
  })
})
