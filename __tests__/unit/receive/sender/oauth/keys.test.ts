/** When keys are fetched: once for many tokens, again if no key matches, but rarely for guessed key IDs. */
import { encode, goodClaims, makeKey, setUp, sign, until, verdict, type Script } from './issuer'

const first = makeKey('first')
const second = makeKey('second')
const third = makeKey('third')
/** Another key with the ID of the first one. */
const replaced = makeKey('first')
const context = setUp()
const { advance, verifier } = context

beforeEach(() => {
  context.server.keys = [first.publicJwk]
})

const verdictsOf = (checked: ReturnType<typeof verifier>, tokens: string[]) =>
  Promise.all(tokens.map((token) => verdict(checked, token)))
const many = (count: number, make: (i: number) => Promise<string>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)))
/** Tokens with unknown key IDs. Their signature does not matter, because it is never checked. */
const unknown = (i: number) =>
  Promise.resolve(`${encode({ alg: 'RS256', kid: `unknown-${i}` })}.${encode(goodClaims())}.c2lnbmF0dXJl`)

/** Creates a script that sends the keys at the time of the request, but only when `release` is called. */
function held(): { script: Script; release: () => void } {
  const answers: Array<() => void> = []
  return {
    script: (_req, res) => {
      const answer = JSON.stringify({ keys: context.server.keys })
      answers.push(() => res.end(answer))
    },
    release: () => answers.forEach((send) => send()),
  }
}
const asked = (times: number) => until(() => context.server.fetches === times)

describe('keys that are known', () => {
  it('are not fetched before a token comes', async () => {
    verifier()
    await advance(3_600_000)
    expect(context.server.fetches).toBe(0)
  })

  it('are fetched once, however many tokens come at a time', async () => {
    const { script, release } = held()
    context.server.script = script
    const verdicts = verdictsOf(verifier(), await many(20, (i) => sign(first, { jti: `${i}` })))
    await asked(1)
    release()
    expect(new Set(await verdicts)).toEqual(new Set(['yes']))
    expect(context.server.fetches).toBe(1)
  })

  it('are not fetched again for further tokens', async () => {
    const checked = verifier()
    for (const token of await many(10, (i) => sign(first, { jti: `${i}` })))
      expect(await verdict(checked, token)).toBe('yes')
    expect(context.server.fetches).toBe(1)
  })

  it('are fetched again once they are no longer fresh: a key that was taken back does not fit any more', async () => {
    const checked = verifier({}, { freshMs: 300, pauseMs: 0 })
    const token = await sign(first)
    expect(await verdict(checked, token)).toBe('yes')
    context.server.keys = [second.publicJwk]
    expect(await verdict(checked, token)).toBe('yes')
    await advance(310)
    expect(await verdict(checked, token)).toBe('no')
    expect(await verdict(checked, await sign(second))).toBe('yes')
  })

  it('belong to one verifier', async () => {
    expect(await verdict(verifier(), await sign(first))).toBe('yes')
    expect(await verdict(verifier(), await sign(first))).toBe('yes')
    expect(context.server.fetches).toBe(2)
  })

  it('are asked for without a token, and the connection ends', async () => {
    const seen: Array<[string | undefined, unknown]> = []
    context.server.script = (req, res) => {
      seen.push([req.url, req.headers])
      res.end(JSON.stringify({ keys: context.server.keys }))
    }
    const checked = verifier({ jwksUri: `${context.server.uri}?p=b2c_1_hooks#part` })
    expect(await verdict(checked, await sign(first))).toBe('yes')
    expect(seen).toEqual([
      ['/discovery/keys?p=b2c_1_hooks', expect.not.objectContaining({ authorization: expect.anything() })],
    ])
    await context.server.idle()
  })
})

describe('a token whose key is not known', () => {
  it('is refused after a look that was made for it', async () => {
    const checked = verifier()
    expect(await verdict(checked, await unknown(1))).toBe('no')
    // The first token caused the only fetch, which returned all keys.
    expect(context.server.fetches).toBe(1)
    expect(await verdict(checked, await unknown(2))).toBe('no')
    expect(context.server.fetches).toBe(2)
  })

  it('is not refused while no new fetch is allowed', async () => {
    const checked = verifier({}, { pauseMs: 400 })
    expect(await verdict(checked, await sign(first))).toBe('yes')
    expect(await verdict(checked, await unknown(1))).toBe('no')
    expect(await verdict(checked, await unknown(2))).toBe('unable')
    await expect(checked.check(await unknown(3))).rejects.toThrow('looked up a moment ago')
    expect(context.server.fetches).toBe(2)
    // Meanwhile, tokens with a known key are accepted.
    expect(await verdict(checked, await sign(first, { jti: 'x' }))).toBe('yes')
    await advance(410)
    expect(await verdict(checked, await unknown(2))).toBe('no')
    expect(context.server.fetches).toBe(3)
  })

  it('costs one look for many at a time', async () => {
    const checked = verifier()
    expect(await verdict(checked, await sign(first))).toBe('yes')
    const { script, release } = held()
    context.server.script = script
    const verdicts = verdictsOf(checked, await many(50, unknown))
    await asked(2)
    release()
    expect(new Set(await verdicts)).toEqual(new Set(['no']))
    expect(context.server.fetches).toBe(2)
  })

  it('costs one look in a while, however many are sent', async () => {
    const checked = verifier({}, { pauseMs: 200 })
    const began = performance.now()
    for (let i = 0; i < 150; i++) {
      await advance(10)
      const given = await verdictsOf(checked, [
        await unknown(3 * i),
        await unknown(3 * i + 1),
        await unknown(3 * i + 2),
      ])
      expect(given).not.toContain('yes')
    }
    expect(context.server.fetches).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - began) / 200))
    expect(await verdict(checked, await sign(first))).toBe('yes')
  })

  it('is not refused for keys that were asked for before it came', async () => {
    const checked = verifier()
    expect(await verdict(checked, await sign(first))).toBe('yes')
    const { script, release } = held()
    context.server.script = script
    const late = await sign(second)
    const early = verdict(checked, await unknown(1))
    await asked(2)
    // The response that is on its way does not contain the second key.
    context.server.keys = [second.publicJwk]
    const waiting = verdict(checked, late)
    release()
    expect(await waiting).toBe('unable')
    expect(await early).toBe('no')
  })
})

describe('a rotation', () => {
  it('is followed at once, and costs one fetch', async () => {
    const checked = verifier()
    expect(await verdict(checked, await sign(first))).toBe('yes')
    context.server.keys = [second.publicJwk, first.publicJwk]
    const verdicts = await verdictsOf(checked, await many(10, (i) => sign(second, { jti: `${i}` })))
    expect(new Set(verdicts)).toEqual(new Set(['yes']))
    expect(await verdict(checked, await sign(first))).toBe('yes')
    expect(context.server.fetches).toBe(2)
  })

  it('that takes the old key away takes its tokens out', async () => {
    const checked = verifier({}, { pauseMs: 300 })
    const old = await sign(first)
    expect(await verdict(checked, old)).toBe('yes')
    context.server.keys = [second.publicJwk]
    expect(await verdict(checked, await sign(second))).toBe('yes')
    expect(await verdict(checked, old)).toBe('unable')
    await advance(310)
    expect(await verdict(checked, old)).toBe('no')
  })

  it('twice in a row is followed after the pause', async () => {
    const checked = verifier({}, { pauseMs: 50 })
    for (const key of [first, second, third]) {
      context.server.keys = [key.publicJwk]
      await advance(60)
      expect(await verdict(checked, await sign(key))).toBe('yes')
    }
    expect(context.server.fetches).toBe(3)
  })

  it('under the same ID is followed', async () => {
    const checked = verifier({}, { pauseMs: 50 })
    expect(await verdict(checked, await sign(first))).toBe('yes')
    context.server.keys = [replaced.publicJwk]
    await advance(60)
    expect(await verdict(checked, await sign(replaced))).toBe('yes')
    expect(await verdict(checked, await sign(first))).toBe('no')
  })
})

describe('a wrong signature', () => {
  it('is refused without a look while the keys are young', async () => {
    const checked = verifier()
    expect(await verdict(checked, await sign(first))).toBe('yes')
    for (let i = 0; i < 20; i++) expect(await verdict(checked, await sign(replaced, { jti: `${i}` }))).toBe('no')
    expect(context.server.fetches).toBe(1)
  })

  it('is refused after a look where they are older, and only one is made', async () => {
    const checked = verifier({}, { pauseMs: 300 })
    expect(await verdict(checked, await sign(first))).toBe('yes')
    const forged = await many(10, (i) => sign(replaced, { jti: `${i}` }))
    await advance(310)
    for (const token of forged) expect(await verdict(checked, token)).toBe('no')
    expect(context.server.fetches).toBe(2)
  })

  it('is not refused where that look fails', async () => {
    const checked = verifier({}, { pauseMs: 50 })
    expect(await verdict(checked, await sign(first))).toBe('yes')
    await advance(60)
    await context.server.stop()
    expect(await verdict(checked, await sign(replaced))).toBe('unable')
  })
})

describe('a token that came before', () => {
  it('is let in again, but not by another signature', async () => {
    const checked = verifier()
    const token = await sign(first)
    const forged = await sign(replaced)
    for (let i = 0; i < 3; i++) {
      expect(await verdict(checked, token)).toBe('yes')
      expect(await verdict(checked, forged)).toBe('no')
    }
  })
})
