/**
 * A valid signature is remembered, so that it is not verified again. It is remembered for a limited number of tokens,
 * and only while the key of the token is kept.
 */
import { createLocalJWKSet } from 'jose'
import type { Keys } from '../../../../../lib/receive/sender/oauth/key-set'
import { resolveOAuth } from '../../../../../lib/receive/sender/oauth/options'
import { judge } from '../../../../../lib/receive/sender/oauth/signature'
import type { TokenHeader } from '../../../../../lib/receive/sender/oauth/token'
import { BoundedMap } from '../../../../../lib/bytes/bounded-map'
import { sha256 } from '../../../../../lib/bytes/digest'
import { AUDIENCE, ISSUER, makeKey, seconds, sign, type TestKey } from './issuer'

const key = makeKey('first')
const options = resolveOAuth('auth', { issuer: ISSUER, jwksUri: 'https://x.example/keys', audience: AUDIENCE })
const header = { alg: 'RS256', kid: 'first' }

/** Creates keys that count how often they are looked up. */
function keysOf(given: TestKey): Keys & { asked: number } {
  const find = createLocalJWKSet({ keys: [given.publicJwk] })
  const keys = {
    asked: 0,
    since: 0,
    verified: new BoundedMap<true>(1_000),
    find: (one: TokenHeader) => {
      keys.asked++
      return find(one)
    },
  }
  return keys
}

it('a signature is checked once', async () => {
  const keys = keysOf(key)
  const token = await sign(key)
  for (let i = 0; i < 5; i++) expect(await judge(token, header, keys, options)).toBe('signed')
  expect(keys.asked).toBe(1)
  expect(keys.verified.has(sha256(token))).toBe(true)
})

it('a wrong signature is checked each time, and nothing is kept', async () => {
  const keys = keysOf(key)
  const forged = await sign(makeKey('first'))
  for (let i = 0; i < 3; i++) expect(await judge(forged, header, keys, options)).toBe('wrong-signature')
  expect(await judge(forged, { ...header, kid: 'second' }, keys, options)).toBe('unknown-key')
  expect(keys.asked).toBe(4)
  expect(keys.verified.has(sha256(forged))).toBe(false)
})

it('other keys know nothing of it', async () => {
  const token = await sign(key)
  expect(await judge(token, header, keysOf(key), options)).toBe('signed')
  expect(await judge(token, header, keysOf(makeKey('first')), options)).toBe('wrong-signature')
})

it('is checked again after a thousand others', async () => {
  const keys = keysOf(key)
  const token = await sign(key)
  expect(await judge(token, header, keys, options)).toBe('signed')
  for (let i = 0; i < 1_000; i++) keys.verified.set(`${i}`, true)
  expect(await judge(token, header, keys, options)).toBe('signed')
  expect(keys.asked).toBe(2)
})

it.each([
  ['another issuer', { iss: 'https://other.example.com' }],
  ['another audience', { aud: 'https://other.example.com' }],
  ['that has expired', { exp: seconds() - 61 }],
  ['without an end', { exp: undefined }],
  ['that is valid later', { nbf: seconds() + 120 }],
])('jose looks at the claims too: one of %s', async (_what, claims) => {
  expect(await judge(await sign(key, claims), header, keysOf(key), options)).toBe('refused')
})

it('jose allows no more than the tolerance, and no less', async () => {
  expect(await judge(await sign(key, { exp: seconds() - 50 }), header, keysOf(key), options)).toBe('signed')
  expect(await judge(await sign(key, { nbf: seconds() + 50 }), header, keysOf(key), options)).toBe('signed')
})

it('jose looks at the algorithm too', async () => {
  const token = await sign(key, {}, { alg: 'RS384' })
  expect(await judge(token, header, keysOf(key), options)).toBe('refused')
})
