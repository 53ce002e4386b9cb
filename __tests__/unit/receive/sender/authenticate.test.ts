/** Credentials: which requests are accepted, and which settings are refused at creation. */
import type { IncomingMessage } from 'node:http'
import { createAuthenticator, type AuthOption } from '../../../../lib/receive/sender/authenticate'
import { refusalOf } from '../refusal'

const BASIC = { type: 'basic', username: 'tradecloud', password: 'pa:ss wörd€' } as const
const BEARER = { type: 'bearer', token: 'abc.DEF-123~+/=' } as const

function request(authorization?: string): IncomingMessage {
  return { headers: { authorization } } as unknown as IncomingMessage
}

function basic(text: string, scheme = 'Basic'): string {
  return `${scheme} ${Buffer.from(text, 'utf8').toString('base64')}`
}

const refusal = (auth: unknown): string => refusalOf(() => createAuthenticator(auth as AuthOption))

describe('the usual header', () => {
  const long = { type: 'bearer', token: 't'.repeat(700) } as const
  const authenticator = createAuthenticator([BASIC, BEARER, long])
  const headers = [basic('tradecloud:pa:ss wörd€'), `Bearer ${BEARER.token}`, `Bearer ${long.token}`]

  it('lets in exactly itself, one request after the other', () => {
    for (const header of [...headers, ...headers].reverse()) {
      expect(authenticator.check(request(header))).toBe(true)
      for (const other of [
        header.slice(0, -3),
        `${header}\0`,
        `${header}x`,
        `${header}${'x'.repeat(1000)}`,
        header.replace('B', '\u0142'),
        `${header.slice(0, -3)}\u0174${header.slice(-2)}`,
        '\0'.repeat(256),
        '',
      ])
        expect(authenticator.check(request(other))).toBe(false)
    }
  })

  it('is not shared by two authenticators', () => {
    const other = createAuthenticator({ type: 'bearer', token: 'another' })
    expect(authenticator.check(request(headers[0]))).toBe(true)
    expect(other.check(request(headers[0]))).toBe(false)
  })
})

describe('Basic credentials', () => {
  const make = () => createAuthenticator(BASIC)
  const good = basic('tradecloud:pa:ss wörd€')

  it.each([
    ['as RFC 7617 says, in UTF-8 and with colons in the password', good],
    ['with the scheme in lower case', good.replace('Basic', 'basic')],
    ['with the scheme in upper case', good.replace('Basic', 'BASIC')],
    ['with more than one space', good.replace(' ', '   ')],
    ['without padding', good.replace(/=+$/, '')],
  ])('let in %s', (_how, header) => {
    expect(make().check(request(header))).toBe(true)
  })

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['the scheme alone', 'Basic'],
    ['the scheme and a space', 'Basic '],
    ['another password', basic('tradecloud:other')],
    ['an empty password', basic('tradecloud:')],
    ['a longer password', basic('tradecloud:pa:ss wörd€!')],
    ['a shorter password', basic('tradecloud:pa:ss wörd')],
    ['another case of the name', basic('Tradecloud:pa:ss wörd€')],
    ['no colon', basic('tradecloudpa:ss wörd€'.replace(':', ''))],
    ['another scheme', basic('tradecloud:pa:ss wörd€', 'Bearer')],
    ['a scheme that only begins so', basic('tradecloud:pa:ss wörd€', 'Basics')],
    ['a scheme that only ends so', basic('tradecloud:pa:ss wörd€', 'xBasic')],
    ['something after the value', `${good} more`],
    ['something before the scheme', `x ${good}`],
    ['the text itself', 'Basic tradecloud:pa:ss wörd€'],
    ['no scheme', good.replace('Basic ', '')],
    ['a tab between', good.replace(' ', '\t')],
  ])('keep out %s', (_what, header) => {
    expect(make().check(request(header))).toBe(false)
  })

  it('are base64 in the alphabet that RFC 7617 names, not in that of URLs', () => {
    const authenticator = createAuthenticator({ ...BASIC, password: 'w>w?w' })
    const [right, url] = (['base64', 'base64url'] as const).map(
      (encoding) => `Basic ${Buffer.from('tradecloud:w>w?w').toString(encoding)}`,
    )
    expect(right?.replace(/=+$/, '')).not.toBe(url)
    expect([right, url].map((header) => authenticator.check(request(header)))).toEqual([true, false])
  })

  it('are asked for in UTF-8', () => {
    expect(make().challenge).toBe('Basic realm="tradecloud-webhook", charset="UTF-8"')
  })
})

describe('bearer tokens', () => {
  const make = () => createAuthenticator(BEARER)

  it.each(['Bearer', 'bearer', 'BEARER'])('let in the token after %s', (scheme) => {
    expect(make().check(request(`${scheme} ${BEARER.token}`))).toBe(true)
  })

  it.each([
    ['another case of the token', `Bearer ${BEARER.token.toLowerCase()}`],
    ['a longer token', `Bearer ${BEARER.token}a`],
    ['a shorter token', `Bearer ${BEARER.token.slice(0, -1)}`],
    ['the token in base64', `Bearer ${Buffer.from(BEARER.token).toString('base64')}`],
    ['the token as Basic', `Basic ${BEARER.token}`],
    ['the base64 of the token as Basic', basic(BEARER.token)],
    ['a scheme that only begins so', `Bearers ${BEARER.token}`],
    ['a scheme that only ends so', `xBearer ${BEARER.token}`],
    ['no scheme', BEARER.token],
    ['nothing', undefined],
  ])('keep out %s', (_what, header) => {
    expect(make().check(request(header))).toBe(false)
  })

  it('are asked for', () => {
    expect(make().challenge).toBe('Bearer realm="tradecloud-webhook"')
  })

  it('compare bytes above 127 as they came', () => {
    expect(make().check(request(`Bearer ${BEARER.token}\u00ff`))).toBe(false)
  })
})

describe('a list', () => {
  const other = { type: 'basic', username: 'second', password: 'two' } as const
  const make = () => createAuthenticator([BASIC, BEARER, other])

  it.each([
    ['the first', basic('tradecloud:pa:ss wörd€')],
    ['one in the middle', `Bearer ${BEARER.token}`],
    ['the last', basic('second:two')],
  ])('lets in %s', (_which, header) => {
    expect(make().check(request(header))).toBe(true)
  })

  it('does not mix the entries', () => {
    expect(make().check(request(basic('second:pa:ss wörd€')))).toBe(false)
    expect(make().check(request(basic('tradecloud:two')))).toBe(false)
  })

  it('asks for each scheme once', () => {
    const basicChallenge = 'Basic realm="tradecloud-webhook", charset="UTF-8"'
    expect(make().challenge).toBe(`${basicChallenge}, Bearer realm="tradecloud-webhook"`)
  })

  it('may hold one entry', () => {
    expect(createAuthenticator([BEARER]).check(request(`Bearer ${BEARER.token}`))).toBe(true)
  })
})

describe("'none'", () => {
  it('lets anybody in', () => {
    const anyone = createAuthenticator('none')
    expect(anyone.check(request())).toBe(true)
    expect(anyone.challenge).toBe('')
  })
})

describe('a function', () => {
  it.each([
    ['true', true, true],
    ['false', false, false],
    ['something truthy', 'yes', false],
    ['an object', {}, false],
    ['nothing', undefined, false],
    ['null', null, false],
    ['a promise of true', Promise.resolve(true), true],
    ['a promise of false', Promise.resolve(false), false],
    ['a promise of something truthy', Promise.resolve(1), false],
  ])('that answers %s', async (_what, verdict, expected) => {
    const own = createAuthenticator((() => verdict) as never)
    expect(await own.check(request())).toBe(expected)
  })

  it('may answer with a promise of any library', async () => {
    const foreign = { then: (resolve: (value: boolean) => void) => resolve(true) }
    expect(await createAuthenticator((() => foreign) as never).check(request())).toBe(true)
  })

  it('gets the request, and its failures are passed on', async () => {
    const seen: unknown[] = []
    const sync = createAuthenticator((req) => {
      seen.push(req)
      throw new Error('directory is down')
    })
    const given = request('x')
    expect(() => sync.check(given)).toThrow('directory is down')
    expect(seen).toEqual([given])
    const rejects = createAuthenticator(() => Promise.reject(new Error('down')))
    await expect(rejects.check(given)).rejects.toThrow('down')
  })

  it('asks for either scheme', () => {
    const { challenge } = createAuthenticator(() => true)
    expect(challenge).toBe('Basic realm="tradecloud-webhook", charset="UTF-8", Bearer realm="tradecloud-webhook"')
  })
})

describe('settings that are refused', () => {
  const basicWith = (more: object) => ({ type: 'basic', username: 'user', password: 'secret-1', ...more })
  const bearerWith = (token: unknown) => ({ type: 'bearer', token })

  it.each([
    ['nothing', undefined, '`auth` is required: '],
    ['an empty list', [], '`auth` is an empty list'],
    ['null', null, '`auth` is not a credential object'],
    ['a text', 'secret-1', '`auth` is not a credential object'],
    ['null in a list', [BASIC, null], '`auth[1]` is not a credential object'],
    ['null alone in a list', [null], '`auth` is not a credential object'],
    ['another type', { type: 'digest' }, "`auth.type` is \"digest\"; allowed: 'basic', 'bearer', 'oauth'"],
    ['no type', { token: 'secret-1' }, '`auth.type`'],
    ['an unknown key', basicWith({ user: 'secret-1' }), '`auth` has the unknown key "user"'],
    ['no user name', basicWith({ username: undefined }), '`auth.username` is missing'],
    ['a null password', basicWith({ password: null }), '`auth.password` is missing; is its environment variable set?'],
    ['no password', basicWith({ password: undefined }), '`auth.password` is missing; is its environment variable set?'],
    ['an empty user name', basicWith({ username: '' }), '`auth.username` is empty'],
    ['an empty password', basicWith({ password: '' }), '`auth.password` is empty'],
    ['a number', basicWith({ password: 12345 }), '`auth.password` is of type number, not a string'],
    ['a line break at the end', basicWith({ password: 'secret-1\n' }), '`auth.password` has white space'],
    ['a space at the start', basicWith({ password: ' secret-1' }), '`auth.password` has white space'],
    ['a blank user name', basicWith({ username: '  ' }), '`auth.username` has white space'],
    ['a colon in the user name', basicWith({ username: 'us:er' }), '`auth.username` contains a colon'],
    ['no token', bearerWith(undefined), '`auth.token` is missing'],
    ['an empty token', bearerWith(''), '`auth.token` is empty'],
    ['a token with a space', bearerWith('secret-1 x'), '`auth.token` contains a character'],
    ['a token with a space in front', bearerWith(' secret-1'), '`auth.token` has white space'],
    ['a token that begins with a wrong character', bearerWith('üsecret-1'), '`auth.token` contains a character'],
    ['a token that ends with a wrong character', bearerWith('secret-1ü'), '`auth.token` contains a character'],
    ['a bad entry among good ones', [BASIC, bearerWith('')], '`auth[1].token` is empty'],
    ['a bad first entry', [bearerWith(''), BASIC], '`auth[0].token` is empty'],
  ])('%s', (_what, auth, expected) => {
    const message = refusal(auth)
    expect(message).toContain(`Option ${expected}`)
    expect(message).not.toContain('secret-1')
  })

  it('shows what is allowed where nothing was given', () => {
    for (const word of ["type: 'basic'", "type: 'bearer'", 'a list', 'a function', "'none'"]) {
      expect(refusal(undefined)).toContain(word)
    }
  })

  it('names itself whatever stands as the type', () => {
    expect(refusal({ type: 1n })).toContain('`auth.type`')
  })
})
