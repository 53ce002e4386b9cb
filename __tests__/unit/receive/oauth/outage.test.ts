/** A key server that is away, hangs, or answers nonsense: nobody is refused for it, and it is asked again soon. */
import createDebug from 'debug'
import { Agent, createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import type { OAuthVerifier } from '../../../../lib/receive/oauth/verifier'
import { certificate, privateKey } from './certificate'
import { KeyServer, makeKey, pause, setUp, sign, verdict, type Script } from './issuer'

const first = makeKey('first')
const second = makeKey('second')
const context = setUp()
const { verifier } = context

beforeEach(() => {
  context.server.keys = [first.publicJwk]
})

afterEach(() => {
  createDebug.disable()
  jest.restoreAllMocks()
})

const hang: Script = () => undefined
const answer =
  (status: number, body: string | Buffer = '', headers: Record<string, string> = {}): Script =>
  (_req, res) =>
    res.writeHead(status, headers).end(body)

/** Milliseconds until a token is let in. */
async function untilYes(checked: OAuthVerifier, token: string): Promise<number> {
  const began = performance.now()
  for (;;) {
    const given = await verdict(checked, token)
    if (given === 'yes') return performance.now() - began
    expect(given).toBe('unable')
    if (performance.now() - began > 5_000) throw new Error('waited in vain')
    await pause(20)
  }
}

describe('away from the start', () => {
  it('is answered 503, and keys are there within a second of its return', async () => {
    await context.server.stop()
    const checked = verifier()
    const token = await sign(first)
    for (let i = 0; i < 5; i++) {
      expect(await verdict(checked, token)).toBe('unable')
      await pause(30)
    }
    await context.server.start()
    expect(await untilYes(checked, token)).toBeLessThan(1_000)
    expect(context.server.fetches).toBe(1)
  })

  it('is not asked more than twice a second', async () => {
    context.server.script = answer(503)
    const checked = verifier()
    const token = await sign(first)
    const began = performance.now()
    while (performance.now() - began < 700) {
      expect(await verdict(checked, token)).toBe('unable')
      await pause(5)
    }
    expect(context.server.fetches).toBeGreaterThan(1)
    expect(context.server.fetches).toBeLessThanOrEqual(1 + Math.floor((performance.now() - began) / 500))
  })

  it('is asked once for many tokens at a time', async () => {
    context.server.script = answer(503)
    const checked = verifier()
    const token = await sign(first)
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verdict(checked, token)))
    expect(new Set(verdicts)).toEqual(new Set(['unable']))
    expect(context.server.fetches).toBe(1)
  })

  it('is answered 401 only where the token cannot get in anyway', async () => {
    await context.server.stop()
    expect(await verdict(verifier(), await sign(first, { aud: 'x' }))).toBe('no')
  })
})

describe('away later', () => {
  it('does no harm to tokens whose key is known', async () => {
    const checked = verifier()
    expect(await verdict(checked, await sign(first))).toBe('yes')
    await context.server.stop()
    expect(await verdict(checked, await sign(first, { jti: 'other' }))).toBe('yes')
  })

  it('lets nobody in whose key is not known, and refuses nobody', async () => {
    const checked = verifier()
    expect(await verdict(checked, await sign(first))).toBe('yes')
    await context.server.stop()
    for (let i = 0; i < 3; i++) expect(await verdict(checked, await sign(second))).toBe('unable')
    context.server.keys = [second.publicJwk]
    await context.server.start()
    expect(await untilYes(checked, await sign(second))).toBeLessThan(1_000)
  })

  it('keeps keys usable that are no longer fresh, for a while', async () => {
    const checked = verifier({}, { freshMs: 50, staleMs: 1_000, retryMs: 0 })
    const token = await sign(first)
    expect(await verdict(checked, token)).toBe('yes')
    await context.server.stop()
    await pause(60)
    for (let i = 0; i < 5; i++) expect(await verdict(checked, token)).toBe('yes')
    await pause(1_000)
    expect(await verdict(checked, token)).toBe('unable')
    await context.server.start()
    expect(await verdict(checked, token)).toBe('yes')
  })

  it('holds up one token only while it hangs', async () => {
    const checked = verifier({}, { freshMs: 50, timeoutMs: 300, retryMs: 0 })
    const token = await sign(first)
    expect(await verdict(checked, token)).toBe('yes')
    context.server.script = hang
    await pause(60)
    expect(await verdict(checked, token)).toBe('yes')
    const began = performance.now()
    for (let i = 0; i < 5; i++) expect(await verdict(checked, token)).toBe('yes')
    expect(performance.now() - began).toBeLessThan(1_000)
    // Found again by the tokens that do not wait for it.
    context.server.script = undefined
    context.server.keys = [second.publicJwk]
    await pause(320)
    await verdict(checked, token)
    await pause(100)
    expect(await verdict(checked, await sign(second))).toBe('yes')
  })
})

describe('hanging', () => {
  it('is answered 503 after the time that is allowed', async () => {
    context.server.script = hang
    const checked = verifier({}, { timeoutMs: 150 })
    const began = performance.now()
    await expect(checked.check(await sign(first))).rejects.toThrow('no answer within 150 ms')
    expect(performance.now() - began).toBeLessThan(1_500)
    await context.server.idle()
  })

  it('is asked anew beside what hangs: keys are there within a second of its return', async () => {
    context.server.script = hang
    const checked = verifier()
    const waiting = verdict(checked, await sign(first))
    await pause(100)
    context.server.script = undefined
    const began = performance.now()
    expect(await waiting).toBe('yes')
    expect(performance.now() - began).toBeLessThan(1_000)
    expect(context.server.fetches).toBeGreaterThan(1)
    await context.server.idle()
  })

  it.each([
    ['after the headers', (_req, res) => res.writeHead(200).flushHeaders()],
    ['in the body', (_req, res) => res.write('{"keys":[')],
    [
      'by single bytes',
      (_req, res) => {
        const timer = setInterval(() => res.write(' '), 10)
        res.on('close', () => clearInterval(timer))
      },
    ],
  ] as Array<[string, Script]>)('%s', async (_where, script) => {
    context.server.script = script
    expect(await verdict(verifier({}, { timeoutMs: 150 }), await sign(first))).toBe('unable')
    await context.server.idle()
  })
})

const keySet = () => JSON.stringify({ keys: context.server.keys })

describe('answers that are none', () => {
  it.each([
    ['a redirect', 'the status is 302', answer(302, '', { Location: '/elsewhere' })],
    ['500', 'the status is 500', answer(500, '{}')],
    ['404', 'the status is 404', answer(404)],
    ['204', 'the status is 204', answer(204)],
    ['keys with another status', 'the status is 203', (_req, res) => res.writeHead(203).end(keySet())],
    ['HTML', 'the answer is no key set', answer(200, '<!doctype html><title>Maintenance</title>')],
    ['broken JSON', 'the answer is no key set', answer(200, '{"keys":[')],
    ['nothing', 'the answer is no key set', answer(200)],
    ['null', 'the answer is no key set', answer(200, 'null')],
    ['a text', 'the answer is no key set', answer(200, '"keys"')],
    ['a list', 'the answer is no key set', answer(200, '[]')],
    ['no keys', 'the answer is no key set', answer(200, '{}')],
    ['keys that are no list', 'the answer is no key set', answer(200, '{"keys":{"length":1}}')],
    ['an empty list', 'or one without keys for signatures', answer(200, '{"keys":[]}')],
    ['only nonsense in it', 'or one without keys for signatures', answer(200, '{"keys":[null,1,"x",{},[]]}')],
    ['a huge answer', 'larger than 1048576 bytes', answer(200, `{"keys":[],"x":"${'x'.repeat(1_100_000)}"}`)],
    ['compressed bytes', 'the answer is no key set', answer(200, Buffer.from([0x1f, 0x8b, 8, 0]))],
    [
      'a body that breaks off',
      'aborted',
      (_req, res) => {
        res.writeHead(200, { 'Content-Length': '1000' }).write('{"keys":[')
        setTimeout(() => res.destroy(), 20)
      },
    ],
    ['a connection that breaks', 'socket hang up', (req) => req.socket.destroy()],
    ['bytes that are no HTTP', 'Parse Error', (req) => void req.socket.end('nonsense\r\n\r\n')],
  ] as Array<[string, string, Script]>)('%s', async (_what, reason, script) => {
    const checked = verifier({}, { freshMs: 0, retryMs: 0, pauseMs: 0 })
    context.server.script = script
    await expect(checked.check(await sign(first))).rejects.toThrow(reason)
    // And where keys are known, they stay.
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

describe('the end', () => {
  it('does not wait for a fetch, and its sockets are closed', async () => {
    context.server.script = hang
    const checked = verifier()
    const waiting = verdict(checked, await sign(first))
    await pause(50)
    const began = performance.now()
    checked.close()
    expect(await waiting).toBe('unable')
    expect(performance.now() - began).toBeLessThan(500)
    await context.server.idle()
  })

  it('fetches nothing afterwards, and lets in whose key is known', async () => {
    const checked = verifier()
    expect(await verdict(checked, await sign(first))).toBe('yes')
    checked.close()
    expect(await verdict(checked, await sign(first, { jti: 'x' }))).toBe('yes')
    expect(await verdict(checked, await sign(second))).toBe('unable')
    const unused = verifier()
    unused.close()
    await expect(unused.check(await sign(first))).rejects.toThrow('shutting down')
    expect(context.server.fetches).toBe(1)
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

  it('a certificate of nobody known is not trusted', async () => {
    await expect(verifier({ jwksUri: jwksUri() }).check(await sign(first))).rejects.toThrow('self-signed certificate')
  })

  it('an agent with its own authority trusts it', async () => {
    const httpsAgent = new Agent({ ca: certificate })
    expect(await verdict(verifier({ jwksUri: jwksUri(), httpsAgent }), await sign(first))).toBe('yes')
    httpsAgent.destroy()
  })
})

describe('what is told of a token', () => {
  const lines: string[] = []
  beforeEach(() => {
    lines.length = 0
    createDebug.enable('tradecloud-webhook:*')
    jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0)
  })

  const CANARY = { jti: 'canary-claim', sub: 'canary-sub', name: 'canary' }

  it.each([
    ['a key server that is away', (server: KeyServer) => server.stop(), {}, {}, 'could not be fetched'],
    ['an unknown key', () => undefined, {}, { kid: 'canary-kid' }, 'its key is not known'],
    ['another audience', () => undefined, { aud: 'canary-aud' }, {}, 'aud is another'],
    ['another issuer', () => undefined, { iss: 'canary-iss' }, {}, 'iss is another'],
    ['another algorithm', () => undefined, {}, { alg: 'RS512' }, 'alg is not allowed'],
    ['a key of its own', () => undefined, {}, { jku: 'https://canary.example.com' }, 'jku is not allowed'],
    ['a token that is over', () => undefined, { exp: 1 }, {}, 'exp is over or missing'],
    ['a weak key', (server: KeyServer) => (server.keys = [{ ...first.publicJwk, n: 'AQAB' }]), {}, {}, ''],
  ] as Array<[string, (server: KeyServer) => unknown, object, object, string]>)(
    '%s: which check it failed, and nothing of it',
    async (_what, prepare, claims, header, line) => {
      await prepare(context.server)
      const token = await sign(first, { ...CANARY, ...claims }, header)
      const checked = verifier({ jwksUri: `${context.server.uri}?secret=canary` })
      const error: unknown = await checked.check(token).catch((thrown: unknown) => thrown)
      const told = inspect(error, { depth: Infinity, showHidden: true }) + lines.join('')
      expect(told).toContain(line)
      expect(told).not.toMatch(/canary|eyJ/)
      for (const part of token.split('.')) expect(told).not.toContain(part.slice(0, 20))
      expect(Reflect.ownKeys(checked)).toEqual([])
      expect(inspect(checked, { depth: Infinity, showHidden: true })).not.toMatch(/canary|eyJ/)
    },
  )
})
