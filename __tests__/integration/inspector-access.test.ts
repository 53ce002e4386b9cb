/** Who may read in the inspector, who may change something, and the headers of its responses. */
import express from 'express'
import { createTradecloudWebhook, createTradecloudWorker, RejectEvent } from 'tradecloud-webhook'
import { createInspector, type InspectorOptions } from 'tradecloud-webhook/inspector'
import { closeAll, closeLater, credential, orderEvent, startServer, temporaryInbox } from './harness'
import { operator, send, startInspectorRig } from './inspector-rig'

afterEach(closeAll)

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}
const silent = { warn: () => undefined, error: () => undefined }
const ID = '00000000-0000-8000-8000-000000000000'
const PATHS = [
  '/',
  '',
  '/?state=dead',
  '/inspector.js',
  '/inspector.css',
  '/nowhere',
  `/event/${ID}`,
  `/event/${ID}/body`,
  '/event/%',
  '/event/%2f/x/y',
  '//',
  '/event',
]

/** Starts a webhook with an order that its callback has rejected, so that its event is dead. */
async function startWithDeadOrder(inspector: Partial<InspectorOptions> = { access: 'operate' }) {
  const inbox = temporaryInbox()
  const rig = await startInspectorRig({
    ...{ inbox, inspector },
    onOrder: () => {
      throw new RejectEvent('the supplier is blocked')
    },
  })
  await rig.post(orderEvent())
  let id: string | undefined
  while (id === undefined) id = (await inbox.list({ state: 'dead' })).entries[0]?.id
  return { ...rig, inbox, id }
}

describe('credentials', () => {
  const wrong: Array<[string, string | null]> = [
    ['none', null],
    ['wrong ones', `Basic ${Buffer.from('Älice:wrong').toString('base64')}`],
    ['a token', 'Bearer inspector:påss'],
  ]
  test.each(wrong)('%s: 401 before anything else, whatever is asked for', async (_what, auth) => {
    const { ask } = await startInspectorRig({ inspector: { access: 'operate', host: 'ops.example.com' } })
    for (const path of [...PATHS, '/live'])
      for (const method of ['GET', 'POST', 'PUT', 'OPTIONS']) {
        const { status, headers, text } = await ask(path, { auth, method, headers: { 'Sec-Fetch-Site': 'cross-site' } })
        expect([method, path, status, text]).toEqual([method, path, 401, 'Credentials are required.'])
        expect(headers).toMatchObject({ ...HEADERS, 'www-authenticate': expect.stringMatching(/^Basic /) })
      }
  })

  test('the same credentials as of a webhook: also a list, and tokens', async () => {
    const auth = [operator, { type: 'bearer', token: 'secret' }] as const
    const { ask } = await startInspectorRig({ inspector: { auth } })
    expect((await ask('/')).status).toBe(200)
    expect((await ask('/', { auth: 'Bearer secret' })).status).toBe(200)
    expect((await ask('/', { auth: null })).status).toBe(401)
  })

  test('a function: true, or the name of a user', async () => {
    const verdicts: Record<string, unknown> = { yes: true, user: { user: 'bob' }, promise: Promise.resolve(true) }
    const auth = (req: { headers: Record<string, unknown> }) => verdicts[req.headers['x-case'] as string] as boolean
    const { ask } = await startInspectorRig({ inspector: { auth: auth as InspectorOptions['auth'] } })
    const statuses = ['yes', 'user', 'promise'].map((name) => ask('/', { headers: { 'X-Case': name } }))
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 200, 200])
    for (const verdict of [false, undefined, 1, 'yes', {}, { user: '' }, { user: 1 }, null, []]) {
      verdicts.no = verdict
      expect((await ask('/', { headers: { 'X-Case': 'no' } })).status).toBe(401)
    }
  })

  test('a function that fails: 503 without its reason, which is logged', async () => {
    const auth = () => Promise.reject(new Error('the directory is away'))
    const { ask, log } = await startInspectorRig({ inspector: { auth } })
    const { status, text } = await ask('/')
    expect([status, text]).toEqual([503, 'Your credentials cannot be checked at the moment.'])
    expect(log.map(({ line }) => line).join()).toContain('the directory is away')
  })

  test('invalid options throw', async () => {
    const webhook = createTradecloudWebhook({ auth: credential, onOrder: () => undefined, logger: silent })
    closeLater(() => webhook.close())
    const create = (more: object) => () => createInspector({ webhook, auth: operator, ...more })
    expect(create({ auth: 'none' })).toThrow(/`auth` is 'none', which an inspector does not have/)
    expect(create({ auth: undefined })).toThrow(/`auth` is required/)
    expect(create({ auth: [] })).toThrow(/`auth` is an empty list/)
    expect(create({ auth: { ...operator, password: '' } })).toThrow(/`auth.password` is empty/)
    expect(create({ access: 'write' })).toThrow(/`access` is "write"; allowed: list, read, operate/)
    expect(create({ host: 'https://ops.example.com' })).toThrow(/`host` is "https:\/\/ops.example.com"/)
    expect(create({ webhook: {} })).toThrow(/`webhook` must be what createTradecloudWebhook/)
    expect(create({ acces: 'read' })).toThrow(/`acces` is not known.*did you mean access/)
  })
})

describe('what every response says', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])('%s', async (method) => {
    const { ask } = await startInspectorRig()
    for (const path of PATHS) {
      const { status, headers, text } = await ask(path, { method })
      expect(headers).toMatchObject(HEADERS)
      expect(status).toBeLessThan(500)
      expect(headers['set-cookie']).toBeUndefined()
      if (method === 'HEAD') expect(text).toBe('')
      if (status === 405) expect(headers.allow).toMatch(/^(GET, HEAD|POST)$/)
    }
  })

  test('a 404 of the inspector stays one, although a webhook with the same password is in front', async () => {
    const rig = await startInspectorRig()
    const webhook = createTradecloudWebhook({ auth: operator, onOrder: () => undefined, logger: silent })
    closeLater(() => webhook.close())
    const app = express()
    app.use(webhook)
    app.use('/inspector', createInspector({ webhook: rig.webhook, auth: operator }))
    const { port } = await startServer(app)
    expect((await send(port, '/inspector/event/x')).status).toBe(404)
    expect((await send(port, '/inspector/nowhere')).status).toBe(404)
  })

  test('without Express', async () => {
    const { webhook } = await startInspectorRig()
    const { port } = await startServer(createInspector({ webhook, auth: operator }))
    const { status, text } = await send(port, '/')
    expect([status, /<h1>.*<\/h1>/.exec(text)?.[0]]).toEqual([200, '<h1>The last 1,000 requests of this process</h1>'])
    expect((await send(port, '/inspector.css')).headers['content-type']).toBe('text/css; charset=utf-8')
  })

  test('the first page without a slash: a relative redirect, which holds behind a prefix', async () => {
    const { ask } = await startInspectorRig()
    const { status, headers } = await ask('?q=PO-1')
    expect([status, headers.location]).toEqual([308, './inspector/?q=PO-1'])
  })

  test.each([
    ['ops.example.com', 200],
    ['OPS.example.com:8443', 200],
    ['ops.example.com.evil.example', 421],
    ['127.0.0.1', 421],
    ['[::1]:3000', 200],
    ['[::1]:3001', 421],
  ])('a host that is configured: %s is answered %d', async (host, status) => {
    const { ask } = await startInspectorRig({ inspector: { host: ['ops.example.com', '[::1]:3000'] } })
    expect((await ask('/', { headers: { Host: host } })).status).toBe(status)
  })
})

describe('changes', () => {
  /**
   * Headers of requests that do not come from a page of the inspector: a form or fetch of another site, or a program.
   */
  const elsewhere: Array<[string, Record<string, string>]> = [
    [
      'a form of another site',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', Origin: 'https://evil.example' },
    ],
    [
      'a fetch of another site',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', Origin: 'https://evil.example' },
    ],
    ['a page of another port or subdomain', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.example' }],
    ['a bookmark', { 'Sec-Fetch-Site': 'none' }],
    ['another site, over http', { Origin: 'http://evil.example' }],
    ['a page that hides its origin', { Origin: 'null' }],
    ['a program', {}],
    [
      'another site that knows the host',
      { 'Sec-Fetch-Site': 'cross-site', Host: 'ops.example.com', Origin: 'https://ops.example.com' },
    ],
  ]
  test.each(elsewhere)('from %s are refused', async (_what, headers) => {
    const { ask, id, inbox, log } = await startWithDeadOrder()
    for (const path of [`/event/${id}/replay`, `/event/${id}/purge`, '/catch-up']) {
      const { status, text } = await ask(path, { method: 'POST', form: {}, headers })
      expect([status, text.includes('Changes are accepted only from a page of the inspector')]).toEqual([403, true])
    }
    expect((await inbox.show(id))?.entry).toMatchObject({ state: 'dead', attempts: 1 })
    expect(log.at(-1)?.line).toContain('Inspector: refused a change by "Älice"')
  })

  test('by GET do nothing', async () => {
    const { ask, id, inbox } = await startWithDeadOrder()
    for (const action of ['replay', 'give-up', 'purge']) expect((await ask(`/event/${id}/${action}`)).status).toBe(405)
    expect((await inbox.show(id))?.entry).toMatchObject({ state: 'dead', attempts: 1 })
  })

  test.each([
    ['of the same origin', { 'Sec-Fetch-Site': 'same-origin' }],
    [
      'whose origin is the host, over http',
      { 'Sec-Fetch-Site': undefined, Origin: 'http://ops.example.com:8080', Host: 'ops.example.com:8080' },
    ],
    [
      'whose origin is the host, behind a proxy with TLS',
      { 'Sec-Fetch-Site': undefined, Origin: 'https://ops.example.com', Host: 'ops.example.com' },
    ],
  ])('%s are done, and logged with the user', async (_what, headers) => {
    const { ask, id, inbox, log } = await startWithDeadOrder()
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
    const { status, headers: sent } = await ask(`/event/${id}/purge`, {
      method: 'POST',
      form: {},
      headers: given as Record<string, string>,
    })
    expect([status, sent.location]).toEqual([303, '../../?done=purge'])
    expect(await inbox.show(id)).toBeUndefined()
    expect(log.at(-1)?.line).toContain(`Inspector: "Älice" purged "${id}"`)
  })

  test.each(['list', 'read'] as const)('are refused with access %s', async (access) => {
    const { change, id, inbox, ask } = await startWithDeadOrder({ access })
    for (const path of [`/event/${id}/replay`, `/event/${id}/purge`, '/catch-up'])
      expect((await change(path)).status).toBe(403)
    expect((await inbox.show(id))?.entry.state).toBe('dead')
    expect((await ask(`/event/${id}`)).text).not.toContain('<form')
  })

  test('a form that an app has parsed before', async () => {
    const rig = await startWithDeadOrder({ access: 'operate' })
    const app = express()
    app.use(express.urlencoded({ extended: true }))
    app.use('/i', createInspector({ webhook: rig.webhook, auth: operator, access: 'operate' }))
    const { port } = await startServer(app)
    const headers = { 'Sec-Fetch-Site': 'same-origin' }
    const { status } = await send(port, `/i/event/${rig.id}/replay`, { method: 'POST', form: { x: '1' }, headers })
    expect(status).toBe(303)
  })

  test('a form that is too long, an action that is not known, an event that is not known', async () => {
    const { change, id } = await startWithDeadOrder()
    expect((await change(`/event/${id}/give-up`, { reason: 'x'.repeat(100_000) })).status).toBe(413)
    expect((await change(`/event/${id}/explode`)).status).toBe(404)
    expect((await change(`/event/${ID}/replay`)).status).toBe(404)
    expect((await change('/event/%/replay')).status).toBe(404)
    expect((await change('/catch-up/x')).status).toBe(404)
  })
})

describe('access to bodies', () => {
  test('list shows none', async () => {
    const { ask, id } = await startWithDeadOrder({ access: 'list' })
    const { status, text } = await ask(`/event/${id}`)
    expect([status, text.includes('the supplier is blocked'), text.includes('orderEvent')]).toEqual([200, true, false])
    expect((await ask(`/event/${id}/body`)).status).toBe(403)
  })

  test('read shows them, and offers them as a file', async () => {
    const { ask, id } = await startWithDeadOrder({})
    const { text } = await ask(`/event/${id}`)
    expect(text).toContain('orderEvent')
    const { status, headers, bytes } = await ask(`/event/${id}/body`)
    expect([status, JSON.parse(bytes.toString()).eventName]).toEqual([200, 'OrderIssuedByBuyer'])
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="event-${id}.json"`,
    })
  })
})

test('a worker can be looked into as well', async () => {
  const inbox = temporaryInbox()
  const worker = createTradecloudWorker({ inbox, onOrder: () => undefined, logger: silent })
  closeLater(() => worker.close())
  const { port } = await startServer(createInspector({ webhook: worker, auth: operator }))
  expect((await send(port, '/')).text).toContain('<h1>Inbox</h1>')
})
