/**
 * A key server that is unreachable or hangs: no request is refused because of it, and the keys are soon fetched again.
 */
import type { OAuthVerifier } from '../../../../../lib/receive/sender/oauth/verifier'
import { answer, makeKey, setUp, sign, until, verdict, type Script } from './issuer'

const first = makeKey('first')
const second = makeKey('second')
const context = setUp()
const { advance, verifier } = context

beforeEach(() => {
  context.server.keys = [first.publicJwk]
})

const hang: Script = () => undefined
const asked = (times: number) => until(() => context.server.fetches === times)
/** Milliseconds until a token is accepted. */
async function untilYes(checked: OAuthVerifier, token: string): Promise<number> {
  const began = performance.now()
  for (;;) {
    const given = await verdict(checked, token)
    if (given === 'yes') return performance.now() - began
    expect(given).toBe('unable')
    if (performance.now() - began > 5_000) throw new Error('waited in vain')
    await advance(20)
  }
}

describe('away from the start', () => {
  it('is answered 503, and keys are there within a second of its return', async () => {
    await context.server.stop()
    const checked = verifier()
    const token = await sign(first)
    for (let i = 0; i < 5; i++) {
      expect(await verdict(checked, token)).toBe('unable')
      await advance(30)
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
      await advance(5)
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

  it('accepts no request whose key is not known, and refuses none', async () => {
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
    await advance(60)
    for (let i = 0; i < 5; i++) expect(await verdict(checked, token)).toBe('yes')
    await advance(1_000)
    expect(await verdict(checked, token)).toBe('unable')
    await context.server.start()
    expect(await verdict(checked, token)).toBe('yes')
  })

  it('holds up one token only while it hangs', async () => {
    const checked = verifier({}, { freshMs: 50, timeoutMs: 300, retryMs: 0 })
    const token = await sign(first)
    expect(await verdict(checked, token)).toBe('yes')
    context.server.script = hang
    await advance(60)
    const waiting = verdict(checked, token)
    await asked(2)
    await advance(300)
    expect(await waiting).toBe('yes')
    // The clock is stopped, so this proves that none of these requests waits.
    for (let i = 0; i < 5; i++) expect(await verdict(checked, token)).toBe('yes')
    // Tokens that do not wait for the server still cause a fetch of the keys.
    context.server.script = undefined
    context.server.keys = [second.publicJwk]
    await advance(320)
    await verdict(checked, token)
    expect(await verdict(checked, await sign(second))).toBe('yes')
  })
})

describe('hanging', () => {
  it('is answered 503 after the time that is allowed', async () => {
    context.server.script = hang
    const checked = verifier({}, { timeoutMs: 150 })
    const refused = expect(checked.check(await sign(first))).rejects.toThrow('no answer within 150 ms')
    await asked(1)
    await advance(150)
    await refused
    await context.server.idle()
  })

  it('is asked anew beside what hangs: keys are there within a second of its return', async () => {
    context.server.script = hang
    const checked = verifier()
    const waiting = verdict(checked, await sign(first))
    await asked(1)
    context.server.script = undefined
    await advance(1_000)
    expect(await waiting).toBe('yes')
    expect(context.server.fetches).toBe(2)
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
    const waiting = verdict(verifier({}, { timeoutMs: 150 }), await sign(first))
    await asked(1)
    await advance(150)
    expect(await waiting).toBe('unable')
    await context.server.idle()
  })
})

describe('the end', () => {
  it('does not wait for a fetch, and its sockets are closed', async () => {
    context.server.script = hang
    const checked = verifier()
    const waiting = verdict(checked, await sign(first))
    await asked(1)
    checked.close()
    expect(await waiting).toBe('unable')
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
