/**
 * Tokens together with other credentials: any valid credential is accepted, and a request whose credential cannot be
 * checked is not refused.
 */
import type { IncomingMessage } from 'node:http'
import {
  createAuthenticator,
  type Authenticator,
  type Credential,
} from '../../../../../lib/receive/sender/authenticate'
import { AUDIENCE, ISSUER, KeyServer, makeKey, setUp, sign } from './issuer'

const first = makeKey('first')
const second = makeKey('second')
const context = setUp()
let other: KeyServer
const made: Authenticator[] = []

const BASIC = { type: 'basic', username: 'tradecloud', password: 'secret' } as const
const BEARER = { type: 'bearer', token: 'static-token' } as const

beforeEach(async () => {
  context.server.keys = [first.publicJwk]
  other = await new KeyServer().start()
  other.keys = [second.publicJwk]
})

afterEach(async () => {
  for (const authenticator of made.splice(0)) authenticator.close()
  await other.stop()
})

function oauth(more: object = {}): Credential {
  return { type: 'oauth', issuer: ISSUER, jwksUri: context.server.uri, audience: AUDIENCE, ...more }
}

function make(...auth: Credential[]): Authenticator {
  const authenticator = createAuthenticator(auth)
  made.push(authenticator)
  return authenticator
}

async function check(authenticator: Authenticator, authorization: string | undefined): Promise<unknown> {
  // Each token arrives one millisecond after everything before it.
  await context.advance(1)
  try {
    return await authenticator.check({ headers: { authorization } } as unknown as IncomingMessage)
  } catch (error) {
    return (error as Error | undefined)?.message
  }
}

const basic = `Basic ${Buffer.from('tradecloud:secret').toString('base64')}`

describe('a token', () => {
  it.each(['Bearer', 'bearer', 'BEARER'])('comes in after %s', async (scheme) => {
    expect(await check(make(oauth()), `${scheme} ${await sign(first)}`)).toBe(true)
  })

  it('comes in by no other way', async () => {
    const authenticator = make(oauth())
    const token = await sign(first)
    expect(await check(authenticator, undefined)).toBe(false)
    expect(await check(authenticator, token)).toBe(false)
    expect(await check(authenticator, `Basic ${token}`)).toBe(false)
    expect(await check(authenticator, `Basic ${Buffer.from(token).toString('base64')}`)).toBe(false)
    expect(await check(authenticator, `DPoP ${token}`)).toBe(false)
    expect(await check(authenticator, `Bearer ${token} more`)).toBe(false)
    expect(context.server.fetches).toBe(0)
  })
})

describe('beside others', () => {
  const all = () => make(BASIC, oauth(), BEARER)

  it('each lets in its own', async () => {
    const authenticator = all()
    expect(await check(authenticator, basic)).toBe(true)
    expect(await check(authenticator, 'Bearer static-token')).toBe(true)
    expect(context.server.fetches).toBe(0)
    expect(await check(authenticator, `Bearer ${await sign(first)}`)).toBe(true)
    expect(await check(authenticator, 'Bearer other')).toBe(false)
    expect(await check(authenticator, basic.replace('=', ''))).toBe(true)
    expect(await check(authenticator, `Basic ${Buffer.from('tradecloud:x').toString('base64')}`)).toBe(false)
  })

  it('a key server that is away is in the way of its own tokens only', async () => {
    await context.server.stop()
    const authenticator = all()
    expect(await check(authenticator, basic)).toBe(true)
    expect(await check(authenticator, 'Bearer static-token')).toBe(true)
    expect(await check(authenticator, 'Bearer other')).toBe(false)
    expect(await check(authenticator, `Bearer ${await sign(first)}`)).toContain('could not be fetched')
  })

  it.each([
    ['bearer', [BEARER], 'Bearer realm="tradecloud-webhook"'],
    ['nothing', [], 'Bearer realm="tradecloud-webhook"'],
    ['another', [oauth({ jwksUri: 'https://x.example/keys' })], 'Bearer realm="tradecloud-webhook"'],
    ['basic', [BASIC], 'Bearer realm="tradecloud-webhook", Basic realm="tradecloud-webhook", charset="UTF-8"'],
  ] as Array<[string, Credential[], string]>)('%s, one bearer token is asked for', (_what, others, challenge) => {
    expect(make(oauth({ jwksUri: 'https://x.example/keys' }), ...others).challenge).toBe(challenge)
  })
})

describe('two issuers', () => {
  const OTHER = 'https://other.example.com/'
  const both = () => make(oauth(), oauth({ issuer: OTHER, jwksUri: other.uri }))

  it('each has its own keys', async () => {
    const authenticator = both()
    expect(await check(authenticator, `Bearer ${await sign(first)}`)).toBe(true)
    expect(await check(authenticator, `Bearer ${await sign(second, { iss: OTHER })}`)).toBe(true)
    expect(await check(authenticator, `Bearer ${await sign(first, { iss: OTHER })}`)).toBe(false)
    // Each token causes requests only to the key server of its own issuer.
    expect([context.server.fetches, other.fetches]).toEqual([1, 2])
  })

  it('one that is away is in the way of its own tokens only', async () => {
    await context.server.stop()
    const authenticator = both()
    expect(await check(authenticator, `Bearer ${await sign(second, { iss: OTHER })}`)).toBe(true)
    expect(await check(authenticator, `Bearer ${await sign(first)}`)).toContain('could not be fetched')
    expect(await check(authenticator, `Bearer ${await sign(first, { iss: 'x' })}`)).toBe(false)
  })
})

describe('two key servers of one issuer', () => {
  it.each([
    ['the first', 0],
    ['the second', 1],
  ])('%s is unreachable: the other accepts, and no request is refused', async (_which, away) => {
    const servers = [context.server, other]
    other.keys = context.server.keys
    await servers[away]!.stop()
    const authenticator = make(oauth(), oauth({ jwksUri: other.uri }))
    expect(await check(authenticator, `Bearer ${await sign(first)}`)).toBe(true)
    expect(await check(authenticator, `Bearer ${await sign(second)}`)).toContain('could not be fetched')
  })

  it('one that hangs does not hold up what the other lets in', async () => {
    context.server.script = () => undefined
    other.keys = [first.publicJwk]
    const authenticator = make(oauth(), oauth({ jwksUri: other.uri }))
    // The clock is stopped, so no time-out can have ended a wait.
    expect(await check(authenticator, `Bearer ${await sign(first)}`)).toBe(true)
  })
})

describe('a check of one’s own that fails', () => {
  it.each([
    ['with an error', new Error('directory is down'), 'directory is down'],
    ['with nothing', undefined, undefined],
    ['with false', false, undefined],
  ])('%s refuses no request', async (_how, thrown, expected) => {
    const checkClaims = (): boolean => {
      throw thrown
    }
    const authenticator = make(oauth({ checkClaims }), oauth({ checkClaims: () => false }))
    expect(await check(authenticator, `Bearer ${await sign(first)}`)).toBe(expected)
  })
})
