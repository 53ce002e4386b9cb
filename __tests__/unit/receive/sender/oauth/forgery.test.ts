/** Tokens that are not signed with the issuer's key, and known forgeries of the header. */
import { createHmac } from 'node:crypto'
import { encode, goodClaims, KeyServer, makeKey, setUp, sign, verdict, type TestKey } from './issuer'

const key = makeKey('first')
const second = makeKey('second')
const attacker = makeKey('first')
const ec = makeKey('ec', 'ES256', 'P-256')
const context = setUp()
const { verifier } = context

beforeEach(() => {
  context.server.keys = [key.publicJwk, second.publicJwk, ec.publicJwk]
})

const parts = async (signer: TestKey = key): Promise<[string, string, string]> =>
  (await sign(signer)).split('.') as [string, string, string]

function hs256(secret: string | Buffer, header: object = {}): string {
  const input = `${encode({ alg: 'HS256', kid: 'first', ...header })}.${encode(goodClaims())}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

async function expectNo(token: string, options: Record<string, unknown> = {}): Promise<void> {
  expect(await verdict(verifier(options), token)).toBe('no')
  expect(context.server.fetches).toBe(0)
}

describe('a token without a signature', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', ''])('and with alg %j', async (alg) => {
    const [, claims, signature] = await parts()
    const header = encode({ alg, kid: 'first' })
    await expectNo(`${header}.${claims}.`)
    await expectNo(`${header}.${claims}`)
    await expectNo(`${header}.${claims}.${signature}`)
  })

  it('and with an honest alg', async () => {
    const [header, claims] = await parts()
    await expectNo(`${header}.${claims}.`)
  })

  it('and without alg', async () => {
    const [, claims, signature] = await parts()
    await expectNo(`${encode({ kid: 'first' })}.${claims}.${signature}`)
    await expectNo(`${encode({ alg: ['RS256'], kid: 'first' })}.${claims}.${signature}`)
  })
})

describe('HS256 with the public key as the secret', () => {
  it.each([
    ['its PEM', key.publicPem],
    ['its PEM without the last line break', key.publicPem.trim()],
    ['its DER', Buffer.from(key.publicPem.replace(/-----.*-----|\n/g, ''), 'base64')],
    ['its JWK', JSON.stringify(key.publicJwk)],
    ['its modulus', Buffer.from(key.publicJwk.n ?? '', 'base64url')],
    ['nothing', ''],
  ])('%s', async (_what, secret) => {
    await expectNo(hs256(secret))
    await expectNo(hs256(secret, { kid: undefined }))
  })

  it('does not help where the key set holds the secret', async () => {
    context.server.keys.push({ kty: 'oct', kid: 'shared', k: encode('a secret'), alg: 'HS256' })
    await expectNo(hs256('a secret', { kid: 'shared' }))
  })
})

describe('algorithms', () => {
  it.each([
    ['RS384 where RS256 is asked for', key, 'RS384', undefined],
    ['PS256 where RS256 is asked for', key, 'PS256', undefined],
    ['ES256 where RS256 is asked for', ec, 'ES256', undefined],
    ['RS256 where another is asked for', key, 'RS256', ['ES256', 'PS256']],
  ])('%s', async (_what, signer, alg, algorithms) => {
    await expectNo(await sign(signer, {}, { alg }), { algorithms })
  })

  it.each([
    ['RS512', key, ['RS256', 'RS512']],
    ['PS384', key, ['PS384']],
    ['ES256', ec, ['ES256']],
    ['ES384', makeKey('ec-384', 'ES384', 'P-384'), ['ES384']],
    ['ES512', makeKey('ec-521', 'ES512', 'P-521'), ['ES512']],
  ])('%s where it is asked for', async (alg, signer, algorithms) => {
    context.server.keys.push(signer.publicJwk)
    expect(await verdict(verifier({ algorithms }), await sign(signer, {}, { alg }))).toBe('yes')
  })

  it('a key that says what it is for is for nothing else', async () => {
    context.server.keys = [{ ...key.publicJwk, alg: 'RS512' }]
    expect(await verdict(verifier({ algorithms: ['RS256', 'RS512'] }), await sign(key))).toBe('no')
  })

  it('a curve does not stand in for another', async () => {
    const header = encode({ alg: 'ES384', kid: 'ec' })
    const [, claims, signature] = await parts(ec)
    expect(await verdict(verifier({ algorithms: ['ES256', 'ES384'] }), `${header}.${claims}.${signature}`)).toBe('no')
  })
})

describe('a token that brings its own key', () => {
  let theirs: KeyServer
  beforeEach(async () => {
    theirs = await new KeyServer().start()
    theirs.keys = [attacker.publicJwk]
  })
  afterEach(() => theirs.stop())

  it.each(['jku', 'x5u', 'jwk', 'x5c'])('in %s', async (name) => {
    const values = { jku: theirs.uri, x5u: theirs.uri, jwk: attacker.publicJwk, x5c: [encode('certificate')] }
    const header = { [name]: values[name as keyof typeof values] }
    await expectNo(await sign(attacker, {}, header))
    // A token with such a header field is refused even if the right key has signed it, because no issuer needs the
    // field.
    await expectNo(await sign(key, {}, header))
    expect(theirs.fetches).toBe(0)
  })

  it('in its claims is not asked there', async () => {
    await expectNo(await sign(attacker, { iss: theirs.uri.replace('/discovery/keys', '') }))
    expect(await verdict(verifier(), await sign(attacker, { jku: theirs.uri, jwks_uri: theirs.uri }))).toBe('no')
    expect(theirs.fetches).toBe(0)
  })
})

describe('a header', () => {
  it.each([
    ['with extensions that must be understood', { crit: ['exp'], exp: 1 }],
    ['with an empty list of them', { crit: [] }],
    ['whose kid is a number', { kid: 1 }],
    ['whose kid is a list', { kid: ['first'] }],
    ['whose kid is null', { kid: null }],
  ])('%s', async (_what, header) => {
    const [, claims, signature] = await parts()
    await expectNo(`${encode({ alg: 'RS256', kid: 'first', ...header })}.${claims}.${signature}`)
  })

  it('of Microsoft, with x5t, is let in', async () => {
    const token = await sign(key, {}, { x5t: 'NGTFvdK-fythEuLwjpwAJOM9n-A', nonce: 'abc' })
    expect(await verdict(verifier(), token)).toBe('yes')
  })
})

describe('what is no token', () => {
  it.each([
    ['a word', () => 'secret'],
    ['two parts', ([header, claims]: string[]) => `${header}.${claims}`],
    ['four parts', (all: string[]) => [...all, 'x'].join('.')],
    ['five parts, as encrypted tokens have', (all: string[]) => [...all, 'x', 'y'].join('.')],
    ['something in front', (all: string[]) => `.${all.join('.')}`],
    ['a part in plain base64', ([header, claims]: string[]) => `${header}.${claims}.ab+/`],
    ['a part with padding', ([header, claims, signature]: string[]) => `${header}=.${claims}.${signature}`],
    ['a header that is no JSON', ([, claims, signature]: string[]) => `${encode('{')}.${claims}.${signature}`],
    ['a header that is a list', ([, claims, signature]: string[]) => `${encode([])}.${claims}.${signature}`],
    ['a header that is null', ([, claims, signature]: string[]) => `${encode('null')}.${claims}.${signature}`],
    ['claims that are no JSON', ([header, , signature]: string[]) => `${header}.${encode('{')}.${signature}`],
    ['claims that are a text', ([header, , signature]: string[]) => `${header}.${encode('"x"')}.${signature}`],
    ['claims that are null', ([header, , signature]: string[]) => `${header}.${encode('null')}.${signature}`],
    ['claims that are a list', ([header, , signature]: string[]) => `${header}.${encode('[]')}.${signature}`],
    ['claims that are no UTF-8', ([header, , signature]: string[]) => `${header}.gICA.${signature}`],
    ['deep claims', ([header, , sig]: string[]) => `${header}.${encode('['.repeat(2_000) + ']'.repeat(2_000))}.${sig}`],
  ])('%s', async (_what, make) => {
    await expectNo(make(await parts()))
  })

  it('a token that is longer than 16 KiB', async () => {
    await expectNo(await sign(key, { padding: 'x'.repeat(12_300) }))
    expect(await verdict(verifier(), await sign(key, { padding: 'x'.repeat(11_000) }))).toBe('yes')
  })
})

describe('a signature', () => {
  it.each([
    ['of another key under the same ID', () => sign(attacker)],
    ['of another key of the set', () => sign(second, {}, { kid: 'first' })],
    ['of another token', async () => [...(await parts()).slice(0, 2), (await parts(second))[2]].join('.')],
    ['cut', async () => (await sign(key)).slice(0, -4)],
    [
      'of other claims',
      async () => {
        const [header, , signature] = await parts()
        return [header, encode({ ...goodClaims(), roles: ['Admin'] }), signature].join('.')
      },
    ],
    [
      'of another header',
      async () => {
        const [, claims, signature] = await parts()
        return [encode({ alg: 'RS256', kid: 'first', typ: 'at+jwt' }), claims, signature].join('.')
      },
    ],
    ['of no key of the set, and no kid', () => sign(attacker, {}, { kid: undefined })],
  ] as Array<[string, () => Promise<string>]>)('%s', async (_what, make) => {
    const checked = verifier()
    expect(await verdict(checked, await make())).toBe('no')
    // After a valid token, the keys are cached. The forgery is refused with the cached keys as well.
    expect(await verdict(checked, await sign(key))).toBe('yes')
    expect(await verdict(checked, await make())).toBe('no')
    expect(context.server.fetches).toBe(1)
  })

  it.each([
    ['the first', key],
    ['the second', second],
  ])('of %s key that fits is found without kid', async (_which, signer) => {
    expect(await verdict(verifier(), await sign(signer, {}, { kid: undefined }))).toBe('yes')
  })

  it('without kid fits the only key there is', async () => {
    context.server.keys = [{ ...key.publicJwk, kid: undefined }]
    expect(await verdict(verifier(), await sign(key, {}, { kid: undefined }))).toBe('yes')
  })

  it('of the second key under one ID is found', async () => {
    context.server.keys = [attacker.publicJwk, key.publicJwk]
    expect(await verdict(verifier(), await sign(key))).toBe('yes')
  })

  it('whose claims are signed but no JWT is refused', async () => {
    expect(await verdict(verifier(), await sign(key, { iat: 'yesterday' }))).toBe('no')
  })
})

describe('keys that are not for this', () => {
  it.each([
    ['for encryption', { use: 'enc' }],
    ['for signing only', { key_ops: ['sign'] }],
    ['of another type', { kty: 'oct', k: 'AAAA' }],
  ])('%s', async (_what, more) => {
    context.server.keys = [{ ...key.publicJwk, ...more }, second.publicJwk]
    const checked = verifier()
    expect(await verdict(checked, await sign(key))).toBe('no')
    expect(await verdict(checked, await sign(second))).toBe('yes')
  })

  it('private ones are not used', async () => {
    context.server.keys = [{ ...key.publicJwk, d: 'AAAA' }, second.publicJwk]
    expect(await verdict(verifier(), await sign(key))).toBe('no')
  })

  it.each([
    ['null', null],
    ['a text', 'first'],
    ['an empty one', {}],
    ['one of an unknown type', { kty: 'AKP', kid: 'x' }],
  ])('%s among them does no harm', async (_what, broken) => {
    context.server.keys = [broken, key.publicJwk]
    expect(await verdict(verifier(), await sign(key))).toBe('yes')
  })

  const weak = makeKey('weak', 'RS256', 2048)
  const broken = { ...weak.publicJwk, n: 'AQAB', kid: 'weak' }

  it('one that is too weak or broken is the fault of the key server: the sender may come again', async () => {
    context.server.keys = [broken, key.publicJwk]
    const checked = verifier()
    await expect(checked.check(await sign(weak))).rejects.toThrow('cannot be read or is too weak')
    expect(await verdict(checked, await sign(key))).toBe('yes')
  })

  it('one without its numbers as well', async () => {
    context.server.keys = [{ kty: 'RSA', kid: 'weak' }, key.publicJwk]
    const checked = verifier()
    expect(await verdict(checked, await sign(weak))).toBe('unable')
    expect(await verdict(checked, await sign(key, {}, { kid: undefined }))).toBe('yes')
  })

  it.each([
    ['before', (good: unknown) => [broken, good]],
    ['behind', (good: unknown) => [good, broken]],
  ])('one that is too weak %s one that fits does not count', async (_where, make) => {
    context.server.keys = make(key.publicJwk)
    expect(await verdict(verifier(), await sign(key, {}, { kid: undefined }))).toBe('yes')
    // The weak key may be the one that signed this token, so the token is neither valid nor invalid.
    expect(await verdict(verifier(), await sign(attacker, {}, { kid: undefined }))).toBe('unable')
  })
})

test('a token for another audience causes no fetch of keys', async () => {
  const checked = verifier({ audience: 'https://mine.example.com' })
  for (let i = 0; i < 20; i++) expect(await verdict(checked, await sign(attacker, {}, { kid: `${i}` }))).toBe('no')
  expect(context.server.fetches).toBe(0)
})
