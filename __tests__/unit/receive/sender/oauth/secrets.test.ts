/** No token, and no part of one, appears in errors, debug lines, or a verifier that is logged. */
import createDebug from 'debug'
import { inspect } from 'node:util'
import { makeKey, setUp, sign, type KeyServer } from './issuer'

const first = makeKey('first')
const context = setUp()
const { verifier } = context

beforeEach(() => {
  context.server.keys = [first.publicJwk]
})

afterEach(() => {
  createDebug.disable()
  jest.restoreAllMocks()
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
    ['another audience', () => undefined, { aud: 'canary-aud' }, {}, 'aud does not match'],
    ['another issuer', () => undefined, { iss: 'canary-iss' }, {}, 'iss does not match'],
    ['another algorithm', () => undefined, {}, { alg: 'RS512' }, 'alg is not allowed'],
    ['a key of its own', () => undefined, {}, { jku: 'https://canary.example.com' }, 'jku is not allowed'],
    ['a token that is over', () => undefined, { exp: 1 }, {}, 'exp has passed or is missing'],
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
