/**
 * The claims that a token needs. A token that lacks one is refused without a request to the key server; `checkClaims`
 * is called only after the signature was checked.
 */
import { AUDIENCE, goodClaims, ISSUER, makeKey, seconds, setUp, sign, verdict } from './issuer'

const key = makeKey('first')
const context = setUp()
const { verifier } = context

beforeEach(() => {
  context.server.keys = [key.publicJwk]
})

afterEach(() => jest.useRealTimers())

/** Returns the verdict on a token, and checks that a refusal causes no request to the key server. */
async function verdictOf(options: Record<string, unknown>, claims: object): Promise<string> {
  const given = await verdict(verifier(options), await sign(key, claims))
  expect(context.server.fetches).toBe(given === 'no' ? 0 : 1)
  return given
}

const TENANT = '3f2b8c1e-7a54-4d09-b6e8-91c0d2a4f573'
const V1 = `https://sts.windows.net/${TENANT}/`
const V2 = `https://login.microsoftonline.com/${TENANT}/v2.0`
const OTHER = TENANT.replace('3', '4')
const CLIENT = 'b8d7a6c5-1e2f-4a3b-9c8d-7e6f5a4b3c2d'

describe('the issuer', () => {
  const tenant = { tenantId: TENANT, issuer: undefined }
  const two = { issuer: [ISSUER, 'https://login.example.com/second/'] }

  it.each([
    ['of version 2.0 of the tenant', tenant, V2, 'yes'],
    ['of version 1.0 of the tenant', tenant, V1, 'yes'],
    ['of a tenant that was written in upper case', { ...tenant, tenantId: TENANT.toUpperCase() }, V2, 'yes'],
    ['of version 2.0 of another tenant', tenant, V2.replace(TENANT, OTHER), 'no'],
    ['of version 1.0 of another tenant', tenant, V1.replace(TENANT, OTHER), 'no'],
    ['of version 2.0 with a slash at the end', tenant, `${V2}/`, 'no'],
    ['of version 1.0 without its slash', tenant, V1.slice(0, -1), 'no'],
    ['of all tenants', tenant, V2.replace(TENANT, 'common'), 'no'],
    ['over http', tenant, V2.replace('https', 'http'), 'no'],
    ['as given', {}, ISSUER, 'yes'],
    ['with a slash more than given', {}, `${ISSUER}/`, 'no'],
    ['in another case', {}, ISSUER.toUpperCase(), 'no'],
    ['the first of a list', two, ISSUER, 'yes'],
    ['the second of a list', two, 'https://login.example.com/second/', 'yes'],
    ['none of a list', two, 'https://login.example.com/third/', 'no'],
    ['in a list of its own', {}, [ISSUER], 'no'],
    ['missing', {}, undefined, 'no'],
    ['a number', {}, 1, 'no'],
  ])('%s', async (_what, options, iss, expected) => {
    expect(await verdictOf(options, { iss })).toBe(expected)
  })
})

describe('the audience', () => {
  const two = { audience: [CLIENT, AUDIENCE] }

  it.each([
    ['as given', {}, AUDIENCE, 'yes'],
    ['in a list with others', {}, ['https://other.example.com', AUDIENCE], 'yes'],
    ['the first of those given', two, CLIENT, 'yes'],
    ['the last of those given', two, AUDIENCE, 'yes'],
    ['one of those given, in a list', two, ['x', CLIENT], 'yes'],
    ['another', {}, 'https://other.example.com', 'no'],
    ['others in a list', {}, ['x', 'y'], 'no'],
    ['with a slash more', {}, `${AUDIENCE}/`, 'no'],
    ['in which it is a part', {}, `${AUDIENCE}.evil.example`, 'no'],
    ['an empty list', {}, [], 'no'],
    ['missing', {}, undefined, 'no'],
    ['an object', {}, { 0: AUDIENCE }, 'no'],
  ])('%s', async (_what, options, aud, expected) => {
    expect(await verdictOf(options, { aud })).toBe(expected)
  })
})

describe('times', () => {
  const exact = { clockToleranceMs: 5_000 }
  const none = { clockToleranceMs: 0 }

  // The clock is stopped, because a single second decides here.
  beforeEach(() => {
    jest.useFakeTimers({
      now: 1_800_000_000_900,
      doNotFake: ['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'].concat([
        'setInterval',
        'clearInterval',
        'setTimeout',
        'clearTimeout',
      ]) as never,
    })
  })

  it.each([
    ['expires in a second', none, { exp: 1 }, 'yes'],
    ['expires now', none, { exp: 0 }, 'no'],
    ['has expired within the tolerance', exact, { exp: -4 }, 'yes'],
    ['has expired beyond the tolerance', exact, { exp: -5 }, 'no'],
    ['has expired within the default tolerance', {}, { exp: -59 }, 'yes'],
    ['has expired beyond the default tolerance', {}, { exp: -60 }, 'no'],
    ['is valid from now on', none, { nbf: 0 }, 'yes'],
    ['is valid in a second', none, { nbf: 1 }, 'no'],
    ['is valid within the tolerance', exact, { nbf: 5 }, 'yes'],
    ['is valid beyond the tolerance', exact, { nbf: 6 }, 'no'],
    ['is valid beyond the default tolerance', {}, { nbf: 61 }, 'no'],
  ])('a token that %s', async (_what, options, offsets, expected) => {
    const claims = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, seconds() + offset]))
    expect(await verdictOf(options, claims)).toBe(expected)
  })

  it.each([
    ['without exp', { exp: undefined }, 'no'],
    ['whose exp is a text', { exp: '9999999999' }, 'no'],
    ['without nbf', { nbf: undefined }, 'yes'],
    ['whose nbf is a text', { nbf: '1' }, 'no'],
    ['whose nbf is null', { nbf: null }, 'no'],
  ])('a token %s', async (_what, claims, expected) => {
    expect(await verdictOf({}, claims)).toBe(expected)
  })

  it('a token that was let in is refused once it has expired', async () => {
    const once = verifier(none)
    const token = await sign(key, { exp: seconds() + 2 })
    expect(await verdict(once, token)).toBe('yes')
    jest.setSystemTime(Date.now() + 1_000)
    expect(await verdict(once, token)).toBe('yes')
    jest.setSystemTime(Date.now() + 1_000)
    expect(await verdict(once, token)).toBe('no')
  })
})

describe('the application', () => {
  const two = { clientIds: ['other', CLIENT] }
  const v1 = { azp: undefined, appid: CLIENT }

  it.each([
    ['of version 2.0', two, { azp: CLIENT }, 'yes'],
    ['of version 1.0', two, v1, 'yes'],
    ['in both', two, { azp: CLIENT, appid: 'other' }, 'yes'],
    ['another in version 2.0', two, { azp: 'tradecloud' }, 'no'],
    ['another in version 1.0', two, { ...v1, appid: 'x' }, 'no'],
    ['right in one place only', two, { azp: CLIENT, appid: 'x' }, 'no'],
    ['right in the other place only', two, { azp: 'x', appid: CLIENT }, 'no'],
    ['missing', two, { azp: undefined }, 'no'],
    ['in a list', two, { azp: [CLIENT] }, 'no'],
    ['any, where none is asked for', {}, { azp: 'whoever' }, 'yes'],
    ['missing, where none is asked for', {}, { azp: undefined }, 'yes'],
  ])('%s', async (_what, options, claims, expected) => {
    expect(await verdictOf(options, claims)).toBe(expected)
  })
})

describe('roles', () => {
  const one = { roles: ['Events.Send'] }
  const two = { roles: ['Events.Send', 'Orders.Send'] }

  it.each([
    ['the one', one, ['Events.Send'], 'yes'],
    ['the one as text', one, 'Events.Send', 'yes'],
    ['the one among others', one, ['a', 'Events.Send', 'b'], 'yes'],
    ['both', two, ['Orders.Send', 'Events.Send'], 'yes'],
    ['the first of two', two, ['Events.Send'], 'no'],
    ['the second of two', two, ['Orders.Send'], 'no'],
    ['another case', one, ['events.send'], 'no'],
    ['an empty list', one, [], 'no'],
    ['none', one, undefined, 'no'],
    ['some, where none is asked for', {}, ['a'], 'yes'],
  ])('%s', async (_what, options, roles, expected) => {
    expect(await verdictOf(options, { roles })).toBe(expected)
  })
})

describe('a check of one’s own', () => {
  const token = () => sign(key, { roles: ['a'], extra: { nested: 1 } })
  const checkedBy = async (checkClaims: unknown) => verdict(verifier({ checkClaims }), await token())

  it.each([
    ['true', () => true, 'yes'],
    ['a promise of true', async () => true, 'yes'],
    ['a promise of another library', () => ({ then: (done: (value: boolean) => void) => done(true) }), 'yes'],
    ['false', () => false, 'no'],
    ['a promise of false', async () => false, 'no'],
    ['something truthy', () => 'yes', 'no'],
    ['nothing', () => undefined, 'no'],
    [
      'an error',
      () => {
        throw new Error('directory is down')
      },
      'unable',
    ],
    ['a rejection', async () => Promise.reject(new Error('directory is down')), 'unable'],
  ])('%s', async (_what, checkClaims, expected) => {
    expect(await checkedBy(checkClaims)).toBe(expected)
  })

  it('passes its failure on', async () => {
    const failure = new Error('directory is down')
    const failing = verifier({ checkClaims: () => Promise.reject(failure) })
    await expect(failing.check(await token())).rejects.toBe(failure)
  })

  it('gets the claims as they are in the token, each time', async () => {
    const seen: unknown[] = []
    const checked = verifier({
      checkClaims: (claims: Record<string, unknown>) => {
        seen.push(structuredClone(claims))
        claims.aud = 'changed'
        return seen.length === 1
      },
    })
    const claims = { ...goodClaims(), extra: { nested: 1 } }
    const given = await sign(key, claims)
    expect(await verdict(checked, given)).toBe('yes')
    // The token is cached now, but `checkClaims` may return another result.
    expect(await verdict(checked, given)).toBe('no')
    expect(seen).toEqual([claims, claims])
  })

  it('is not asked about tokens that fail otherwise', async () => {
    const checkClaims = jest.fn(() => true)
    const checked = verifier({ checkClaims })
    expect(await verdict(checked, await sign(key, { aud: 'x' }))).toBe('no')
    expect(await verdict(checked, (await sign(key)).slice(0, -8) + 'AAAAAAAA')).toBe('no')
    expect(checkClaims).not.toHaveBeenCalled()
  })
})
