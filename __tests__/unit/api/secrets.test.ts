/** No credentials and no token appear in errors, debug lines, or a client that is logged. */
import axios from 'axios'
import createDebug from 'debug'
import { inspect } from 'node:util'
import { body, errorOf, hang, PASSWORD, reset, setUp, status, USERNAME, withoutJitter } from './fake-api'

// Registered before the hooks of `setUp`, so that the closing of the client is not logged.
afterEach(() => void createDebug.disable())

const { api, client } = setUp()
const BASIC = Buffer.from(`${USERNAME}:${PASSWORD}`).toString('base64')

const lines: string[] = []

beforeEach(() => {
  lines.length = 0
  createDebug.enable('tradecloud-webhook:*')
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0)
})

function expectNoSecret(text: string): void {
  expect(text).not.toMatch(/canary/i)
  expect(text).not.toContain(BASIC)
  // The header and the payload of any JWT begin with `eyJ`.
  expect(text).not.toMatch(/eyJ/)
  expect(text).not.toMatch(/authorization|refresh-token/i)
}

const show = (value: unknown) => inspect(value, { depth: Infinity, showHidden: true, getters: true })

test.each([
  ['a refused login', 'login', status(401, {}, 'canary-body')],
  ['a 403 with a body', 'order', status(403, {}, 'canary-body')],
  ['a redirect', 'order', status(302, { Location: 'http://canary' })],
  ['a broken connection', 'order', reset],
  ['a broken login', 'login', reset],
  ['nonsense', 'order', body('canary-body')],
  ['a token refused twice', 'order', status(401)],
  ['a time-out', 'order', hang],
] as const)('shows no secret after %s', async (_what, endpoint, script) => {
  withoutJitter()
  api().always(endpoint, script)
  const tradecloud = client({ fetchTimeoutMs: 100 })
  const error = await errorOf(tradecloud.getOrder('1'))
  expectNoSecret(`${show(error)}${JSON.stringify(error)}${error.stack ?? ''}${error.message}`)
  await tradecloud.close()
  expect(lines.length).toBeGreaterThan(0)
  expectNoSecret(lines.join('').replaceAll('/authentication/', ''))
})

test('the client shows no secret when it is logged', async () => {
  const tradecloud = client()
  expectNoSecret(show(tradecloud))
  await tradecloud.getOrder('1')
  expectNoSecret(show(tradecloud) + JSON.stringify({ tradecloud }))
  expect(Reflect.ownKeys(tradecloud)).toEqual([])
})

test('what the app has set on its own axios does not see the requests', async () => {
  const seen = jest.fn((config) => config)
  const id = axios.interceptors.request.use(seen)
  axios.defaults.headers.common['X-App'] = 'yes'
  try {
    await client().getOrder('1')
  } finally {
    axios.interceptors.request.eject(id)
    delete axios.defaults.headers.common['X-App']
  }
  expect(seen).not.toHaveBeenCalled()
  expect(api().seen.some(({ headers }) => 'x-app' in headers)).toBe(false)
})

test('debug lines quote IDs, and cut them', async () => {
  await client().getOrder(`\u202ePO"${'x'.repeat(200)}`)
  const line = lines.find((text) => text.includes('/order/'))
  expect(line).toContain('…')
  expect(line).not.toContain('\u202e')
  expect(line).not.toContain('x'.repeat(150))
})
