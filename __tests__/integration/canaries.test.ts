/**
 * Requests contain secrets and contents of orders, and end in every possible way. No secret and no content of an order
 * appears in a response, log line, error or record, or in the metadata of a stored event.
 */
import createDebug from 'debug'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { TradecloudWebhookOptions } from 'tradecloud-webhook'
import type { ApiFault } from 'tradecloud-webhook/testing'
import { createTradecloudSimulator } from 'tradecloud-webhook/testing'
import { cli } from '../cli/cli'
import { startClock } from '../clock'
import { basic, closeAll, startRig, temporaryFolder, temporaryInbox, until, type Rig } from './harness'

/** Secrets with characters that look different in other encodings, such as base64, hex or URLs. */
const SECRETS = {
  username: 'hookuser?zq~1',
  password: 'hookpass:ü/zq~2',
  token: 'hooktoken~zq~3',
  wrongPassword: 'strangerpass?zq~4',
  wrongToken: 'strangertoken~zq~5',
  apiUsername: 'apiuser+zq~6@example.com',
  apiPassword: 'apipass?zq~7ü',
  query: 'querysecret?zq~8',
  proxy: 'proxysecret?zq~9',
  cookie: 'cookiesecret~zq~10',
  location: 'locationsecret~zq~11',
}
/** A value in bodies, such as a price or a name. In the inbox it may appear only in the stored body. */
const PRIVATE = 'privateprice?zq~12ü'

const DEBUG = createDebug.log
const debugged: string[] = []
const written: string[] = []

beforeEach(() => {
  debugged.length = written.length = 0
  createDebug.log = (...line: unknown[]) => void debugged.push(line.map(String).join(' '))
  createDebug.enable('tradecloud-webhook:*')
  for (const stream of [process.stdout, process.stderr])
    jest.spyOn(stream, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0)
})
afterEach(async () => {
  jest.restoreAllMocks()
  createDebug.disable()
  createDebug.log = DEBUG
  await closeAll()
})

/** All encodings in which a secret could appear. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  // The base64 form of the secret depends on how many bytes precede the secret. The first and last characters of this
  // form also depend on the neighbouring bytes, so these characters are cut off.
  const encoded = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
      .slice(shift === 0 ? 0 : shift + 1, -2),
  )
  const latin1 = bytes.toString('latin1')
  return [
    secret,
    latin1,
    encodeURIComponent(secret),
    encodeURI(secret),
    bytes.toString('hex'),
    ...encoded,
    JSON.stringify(secret).slice(1, -1),
  ]
}

function leaksIn(text: string, secrets: Record<string, string>): string[] {
  const lower = text.toLowerCase()
  return Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret)
      .filter((form) => lower.includes(form.toLowerCase()))
      .map(
        (form) =>
          `${name} as ${form}: …${text.slice(Math.max(0, lower.indexOf(form.toLowerCase()) - 200), lower.indexOf(form.toLowerCase()) + 100)}`,
      ),
  )
}

const show = (value: unknown): string =>
  `${inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: Infinity, maxArrayLength: Infinity })}${JSON.stringify(value)}`

const FAULTS: ApiFault[] = [
  { type: 'status', status: 401, body: SECRETS.location },
  { type: 'status', status: 403, body: SECRETS.location },
  { type: 'status', status: 500, body: SECRETS.location, endpoint: 'order' },
  {
    type: 'status',
    status: 302,
    headers: { Location: `http://127.0.0.1:1/?a=${SECRETS.location}` },
    endpoint: 'order',
  },
  { type: 'hang', endpoint: 'order' },
  { type: 'drip', endpoint: 'login' },
  { type: 'cut', when: 'middle', endpoint: 'order' },
  { type: 'cut', when: 'before' },
  { type: 'nonsense', body: 'truncated', endpoint: 'order' },
  { type: 'nonsense', body: 'not-utf8', endpoint: 'order' },
  { type: 'nonsense', body: 'html', endpoint: 'login' },
  { type: 'huge', bytes: 3_000_000, endpoint: 'order' },
]

const RIGHT = basic(SECRETS.username, SECRETS.password)
const AROUND = {
  'Content-Type': 'application/json',
  'Proxy-Authorization': `Basic ${Buffer.from(SECRETS.proxy).toString('base64')}`,
  Cookie: `session=${SECRETS.cookie}`,
}

/** Sends requests that end in every possible way, and resolves with the responses as text. */
async function driveAll(rig: Rig): Promise<string[]> {
  const order = (more: object = {}): object => ({
    eventName: 'OrderIssuedByBuyer',
    orderEvent: { orderId: 'PO-1', note: PRIVATE, ...more },
  })
  const query = `?apiKey=${encodeURIComponent(SECRETS.query)}`
  const text = JSON.stringify(order())
  const post = { method: 'POST', path: `/order${query}`, auth: RIGHT, headers: AROUND } as const
  const answers = [
    await rig.send({ ...post, auth: basic(SECRETS.username, SECRETS.wrongPassword), body: text }),
    await rig.send({ ...post, auth: `Bearer ${SECRETS.wrongToken}`, body: text }),
    await rig.send({ ...post, auth: `Digest ${SECRETS.wrongToken}`, body: text }),
    await rig.send({ ...post, auth: null, body: text }),
    await rig.send({ ...post, auth: `Bearer ${SECRETS.token}`, body: text }),
    await rig.send({ ...post, body: text }),
    await rig.send({ ...post, body: text.slice(0, -5) }),
    await rig.send({ ...post, body: PRIVATE }),
    await rig.send({ ...post, body: JSON.stringify([PRIVATE]) }),
    await rig.send({ ...post, body: JSON.stringify(order({ orderId: { of: PRIVATE } })) }),
    await rig.send({ ...post, body: JSON.stringify(order({ lines: PRIVATE, version: PRIVATE, status: PRIVATE })) }),
    await rig.send({ ...post, body: JSON.stringify({ eventName: 'Tomorrow', tomorrowEvent: PRIVATE }) }),
    await rig.send({ ...post, body: text.padEnd(60_000) }),
    await rig.send({ ...post, body: text, headers: { ...AROUND, 'Content-Type': 'text/plain' } }),
    await rig.send({ ...post, body: text, headers: { ...AROUND, 'Content-Encoding': 'gzip' } }),
    await rig.send({ ...post, body: JSON.stringify(order({ orderId: 'fails' })) }),
    await rig.send({ ...post, body: JSON.stringify(order({ orderId: 'slow' })) }),
    await rig.send({ ...post, method: 'DELETE' }),
    await rig.send({ ...post, method: 'GET', path: `/order/%${query}` }),
    await rig.send({ ...post, method: 'GET', path: `/order/unknown${query}` }),
    await rig
      .send({ ...post, chunks: [text.slice(0, 60)], headers: { ...AROUND, 'Content-Length': '60000' } })
      .catch((error: unknown) => error),
  ]
  const hungUp = rig.open()
  hungUp.write(
    `POST ${rig.mount}/order${query} HTTP/1.1\r\nHost: a\r\nAuthorization: ${RIGHT}\r\nContent-Length: 999\r\n\r\n${text}`,
  )
  await pause(20)
  hungUp.destroy()
  return answers.map(show)
}

function optionsFor(tradecloud: { baseUrl: string }): Partial<TradecloudWebhookOptions> {
  const { username, password, token, apiUsername, apiPassword } = SECRETS
  return {
    auth: [
      { type: 'basic', username, password },
      { type: 'bearer', token },
    ],
    api: {
      baseUrl: tradecloud.baseUrl,
      username: apiUsername,
      password: apiPassword,
      notFoundRetryMs: 0,
      maxResponseBytes: 2_000_000,
    },
    onOrder: async ({ orderId }) => {
      if (orderId === 'fails') throw new Error('the ERP system is down')
      if (orderId === 'slow') await pause(600)
    },
    bodyLimit: 50_000,
    answerTimeoutMs: 500,
    limits: { uploadIdleTimeoutMs: 150 },
    fetchTimeoutMs: 200,
  }
}

/** Unlike the `pause` of `wait.ts`, waits on the fake clock if the test has one. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function startApi() {
  return createTradecloudSimulator({ username: SECRETS.apiUsername, password: SECRETS.apiPassword, rateLimit: false })
}

function allSecrets({ api }: Awaited<ReturnType<typeof startApi>>): Record<string, string> {
  const tokens = api.requests.flatMap(({ headers }) =>
    [headers.authorization?.replace(/^Bearer /, ''), headers['refresh-token']].filter(
      (value): value is string => typeof value === 'string' && !value.startsWith('Basic '),
    ),
  )
  return { ...SECRETS, ...Object.fromEntries(tokens.map((token, i) => [`API token ${i}`, token])) }
}

const shownOf = (rig: Rig): string =>
  [
    ...rig.records.map(show),
    ...rig.errors.flatMap(({ error, context }) => [
      show(error),
      error.stack ?? '',
      show({ ...context, rawBody: undefined }),
    ]),
    ...rig.log.map(({ line }) => line),
    ...debugged,
    ...written,
    show(rig.webhook),
  ].join('\n')

test('without an inbox', async () => {
  const clock = startClock()
  const tradecloud = await startApi()
  const rig = await startRig({ ...optionsFor(tradecloud), fetch: 'always' })
  try {
    tradecloud.api.setOrder('PO-1', { id: 'PO-1', note: PRIVATE })
    const answers = await driveAll(rig)
    for (const fault of FAULTS) {
      const handle = tradecloud.api.fault(fault)
      tradecloud.api.expireTokens()
      answers.push(show(await rig.send({ path: '/order/PO-1', auth: RIGHT, headers: AROUND })))
      handle.clear()
    }
    await until(() => rig.records.length >= answers.length)
    const outcomes = new Set(rig.records.map(({ outcome }) => outcome))
    for (const outcome of [
      'unauthorized',
      'malformed_body',
      'invalid_body',
      'handler_failed',
      'answer_timeout',
      'fetch_failed',
      'fetch_timeout',
      'delivered',
    ])
      expect([...outcomes]).toContain(outcome)
    expect(debugged.length).toBeGreaterThan(20)
    const secrets = allSecrets(tradecloud)
    expect(Object.keys(secrets).length).toBeGreaterThan(13)
    expect(leaksIn([...answers, shownOf(rig)].join('\n'), { ...secrets, PRIVATE })).toEqual([])
  } finally {
    await rig.close()
    await tradecloud.close()
    clock.stop()
  }
})

test('with an inbox: the database and the command line show the bodies, and nothing else that is secret', async () => {
  const tradecloud = await startApi()
  const folder = temporaryFolder()
  const file = join(folder, 'inbox.db')
  const inbox = temporaryInbox({ file })
  const rig = await startRig({ ...optionsFor(tradecloud), inbox })
  const run = async (...words: string[]): Promise<string> => {
    const { out, err } = await cli(['inbox', file, ...words])
    return out + err
  }
  try {
    const answers = await driveAll(rig)
    await until(() => rig.log.some(({ line }) => line.includes('Will be delivered again')))
    const contents = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
    const secrets = allSecrets(tradecloud)
    expect(contents.some((content) => content.includes(PRIVATE))).toBe(true)
    expect(leaksIn(contents.map(String).join('\n'), secrets)).toEqual([])
    // The metadata of a stored event does not repeat the content of its body.
    const { entries } = await inbox.list({ limit: 1000 })
    const stored = await Promise.all(entries.map(({ id }) => inbox.show(id)))
    const known = stored.map((one) => JSON.stringify({ ...one, bytes: undefined })).join('\n')
    expect(stored.length).toBeGreaterThan(0)
    expect(leaksIn(known, { ...secrets, PRIVATE })).toEqual([])
    const [first] = (await inbox.list({ state: 'waiting' })).entries
    const listed = await run('list', '--json')
    expect(listed).toContain(first?.id)
    expect(leaksIn(listed, { ...secrets, PRIVATE })).toEqual([])
    const shown = await run('show', first?.id ?? '')
    expect(shown).toContain(PRIVATE)
    expect(leaksIn(shown, secrets)).toEqual([])
    expect(leaksIn([...answers, shownOf(rig)].join('\n'), { ...secrets, PRIVATE })).toEqual([])
  } finally {
    await rig.close()
    await tradecloud.close()
  }
})

test('the search finds a secret in each form', () => {
  for (const text of [
    PRIVATE,
    encodeURIComponent(PRIVATE),
    Buffer.from(`ab${PRIVATE}c`).toString('base64'),
    Buffer.from(PRIVATE).toString('hex').toUpperCase(),
  ])
    expect(leaksIn(`x${text}y`, { PRIVATE })).not.toEqual([])
  for (const [name, secret] of Object.entries(SECRETS))
    expect(leaksIn(basic('u', secret) + basic('ue', secret) + basic('use', secret), { [name]: secret })).toHaveLength(3)
})
