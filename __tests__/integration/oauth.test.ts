/** OAuth tokens over HTTP: responses, records, errors and log lines. */
import createDebug from 'debug'
import { inspect } from 'node:util'
import { encode, goodClaims, ISSUER, AUDIENCE, KeyServer, makeKey, sign } from '../unit/receive/sender/oauth/issuer'
import {
  authorization,
  closeAll,
  credential,
  orderEvent,
  pause,
  startRig,
  until,
  type Rig,
  type RigOptions,
} from './harness'

const key = makeKey('first')
const next = makeKey('next')
let server: KeyServer

beforeEach(async () => {
  server = await new KeyServer().start()
  server.keys = [key.publicJwk]
})

afterEach(async () => {
  createDebug.disable()
  jest.restoreAllMocks()
  await closeAll()
  await server.stop()
})

const oauth = (more: object = {}) =>
  ({ type: 'oauth', issuer: ISSUER, jwksUri: server.uri, audience: AUDIENCE, ...more }) as const
const rigOf = (options: RigOptions = {}) => startRig({ auth: oauth(), ...options })
const post = async (rig: Rig, token: string) => rig.post(orderEvent(), { auth: `Bearer ${token}` })

it('a good token brings its event to the callback', async () => {
  const rig = await rigOf()
  for (let i = 0; i < 3; i++) expect((await post(rig, await sign(key))).status).toBe(200)
  expect(rig.calls).toHaveLength(3)
  expect(server.fetches).toBe(1)
})

it('a wrong one is answered 401 with one challenge, and the loss is logged', async () => {
  const rig = await rigOf()
  const answer = await post(rig, await sign(key, { aud: 'x' }))
  expect(answer.status).toBe(401)
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="tradecloud-webhook"')
  expect(rig.calls).toEqual([])
  expect(rig.records).toMatchObject([{ outcome: 'unauthorized', givenUp: true }])
  expect(rig.log).toMatchObject([{ level: 'error' }])
  expect((await rig.post(orderEvent(), { auth: null })).status).toBe(401)
  expect((await rig.post(orderEvent())).status).toBe(401)
})

it.each([
  ['without a signature', async () => `${encode({ alg: 'none' })}.${encode(goodClaims())}.`],
  ['of another key', async () => sign({ ...next, kid: 'first' })],
  ['of an unknown key', async () => sign(next)],
] as Array<[string, () => Promise<string>]>)('one %s is answered 401', async (_what, make) => {
  const rig = await rigOf()
  expect((await post(rig, await make())).status).toBe(401)
  expect(rig.calls).toEqual([])
})

it('Basic credentials beside it come in as before', async () => {
  const rig = await rigOf({ auth: [credential, oauth()] })
  expect((await rig.post(orderEvent(), { auth: authorization })).status).toBe(200)
  expect((await post(rig, await sign(key))).status).toBe(200)
  const refused = await post(rig, 'x')
  expect(refused.headers['www-authenticate']).toBe(
    'Basic realm="tradecloud-webhook", charset="UTF-8", Bearer realm="tradecloud-webhook"',
  )
})

it('a key server that is away is answered 503 and keeps the event; within a second of its return 200', async () => {
  await server.stop()
  const rig = await rigOf()
  const token = await sign(key)
  const answer = await post(rig, token)
  expect(answer.status).toBe(503)
  expect(answer.headers['retry-after']).toBeDefined()
  expect(rig.records).toMatchObject([{ outcome: 'unavailable', givenUp: false }])
  expect(rig.errors[0]?.error.cause).toMatchObject({ message: expect.stringContaining('could not be fetched') })
  await server.start()
  await pause(600)
  expect((await post(rig, token)).status).toBe(200)
  // While the key server is down, tokens are checked with the known keys.
  await server.stop()
  expect((await post(rig, await sign(key))).status).toBe(200)
  expect((await post(rig, await sign(next))).status).toBe(503)
})

it('a rotation is followed without a loss', async () => {
  const rig = await rigOf()
  expect((await post(rig, await sign(key))).status).toBe(200)
  server.keys = [next.publicJwk]
  const tokens = await Promise.all(Array.from({ length: 5 }, (_, i) => sign(next, { jti: `${i}` })))
  const answers = await Promise.all(tokens.map((token) => post(rig, token)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect(server.fetches).toBe(2)
})

it('a flood of unknown keys is not passed on to the key server', async () => {
  const rig = await rigOf()
  expect((await post(rig, await sign(key))).status).toBe(200)
  const unknown = (i: number) => `${encode({ alg: 'RS256', kid: `${i}` })}.${encode(goodClaims())}.c2lnbmF0dXJl`
  const statuses = new Set<number>()
  for (let i = 0; i < 40; i++) statuses.add((await post(rig, unknown(i))).status)
  expect([...statuses].every((status) => status === 401 || status === 503)).toBe(true)
  expect(server.fetches).toBe(2)
  expect((await post(rig, await sign(key))).status).toBe(200)
})

it('a key server that hangs does not hold the answer beyond its time, nor the end', async () => {
  server.script = () => undefined
  const rig = await rigOf({ answerTimeoutMs: 200, closeTimeoutMs: 4_000 })
  expect((await post(rig, await sign(key))).status).toBe(504)
  // If `close()` awaited the fetch, the test would time out.
  const other = await rigOf({ closeTimeoutMs: 600_000, answerTimeoutMs: 600_000 })
  const fetches = server.fetches
  const waiting = post(other, await sign(key))
  await until(() => server.fetches > fetches)
  await other.webhook.close()
  expect((await waiting).status).toBe(503)
})

it('a check of one’s own that fails is answered 503', async () => {
  const failure = new Error('directory is down')
  const rig = await rigOf({ auth: oauth({ checkClaims: () => Promise.reject(failure) }) })
  expect((await post(rig, await sign(key))).status).toBe(503)
  expect(rig.errors[0]?.error.cause).toBe(failure)
})

it('no token is told of, whatever becomes of it', async () => {
  const lines: string[] = []
  createDebug.enable('tradecloud-webhook:*')
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0)
  const rig = await rigOf()
  const secret = { sub: 'canary' }
  const tokens = [await sign(key, secret), await sign(next, secret), await sign(key, { ...secret, exp: 1 })]
  const answers: string[] = []
  for (const token of tokens) answers.push((await post(rig, token)).text)
  await server.stop()
  answers.push((await post(rig, await sign({ ...next, kid: 'x' }, secret))).text)
  const { records, errors, log } = rig
  const seen = inspect({ records, errors, log, answers, lines }, { depth: Infinity, showHidden: true })
  expect(records.map(({ status }) => status)).toEqual([200, 401, 401, 503])
  expect(lines.join('')).toContain('oauth: a token was refused: exp has passed or is missing')
  expect(seen).not.toMatch(/canary|eyJ/)
  for (const token of tokens) expect(seen).not.toContain(token.slice(-30))
})
