/** Log lines name every lost order, the place where a callback failed, and the fields that do not match a schema. */
import createDebug from 'debug'
import { RejectEvent, type LogFields } from 'tradecloud-webhook'
import { createTradecloudSimulator } from 'tradecloud-webhook/testing'
import { closeAll, credential, fixture, startRig, type RigOptions } from './harness'

afterEach(closeAll)

interface Line {
  level: 'warn' | 'error'
  text: string
  fields: LogFields
}

async function start(options: RigOptions = {}) {
  const lines: Line[] = []
  const note = (level: Line['level']) => (text: string, fields: LogFields) => void lines.push({ level, text, fields })
  const rig = await startRig({ logger: { warn: note('warn'), error: note('error') }, ...options })
  lines.length = 0
  const { webhook, errors } = rig
  return {
    webhook,
    errors,
    lines,
    post: (json: unknown) => rig.post(json),
    get: (...args: Parameters<typeof rig.get>) => rig.get(...args),
    send: (request: Parameters<typeof rig.send>[0]) => rig.send(request),
  }
}

const order = (orderId: string) => ({
  eventName: 'OrderIssuedByBuyer',
  orderEvent: { orderId, version: 1, buyerOrder: {}, lines: [] },
})

describe('a loss', () => {
  it('is in the log with its ID, 200 of them at once too', async () => {
    const { post, webhook, lines } = await start({
      onOrder: () => {
        throw new RejectEvent('company that we do not know')
      },
    })
    const ids = Array.from({ length: 200 }, (_, i) => `PO-${i}.`)
    for (let i = 0; i < ids.length; i += 20)
      await Promise.all(
        ids.slice(i, i + 20).map((id) => post(order(id)).then(({ status }) => expect(status).toBe(422))),
      )
    await webhook.close()
    const losses = lines.filter(({ level, fields }) => level === 'error' && fields.code === 'rejected')
    for (const id of ids) expect(losses.filter(({ text }) => text.includes(id))).toHaveLength(1)
    expect(losses.length).toBeLessThan(50)
    const events = losses.flatMap(({ fields }) => fields.events ?? [fields])
    expect(events.map(({ entityId }) => entityId).sort()).toEqual([...ids].sort())
    expect(events.every(({ kind, requestId }) => kind === 'order' && requestId !== undefined)).toBe(true)
  })

  it('by wrong credentials names the order of a GET too', async () => {
    const { get, webhook, lines } = await start()
    for (let i = 0; i < 30; i++) expect((await get(`/order/PO-${i}.`, { auth: null })).status).toBe(401)
    await webhook.close()
    for (let i = 0; i < 30; i++) expect(lines.filter(({ text }) => text.includes(`PO-${i}.`))).toHaveLength(1)
  })

  it('by another method names the order too', async () => {
    const { send, lines } = await start()
    expect((await send({ method: 'DELETE', path: '/order/PO-1' })).status).toBe(405)
    expect(lines[0]?.fields).toMatchObject({ code: 'method_not_allowed', kind: 'order', entityId: 'PO-1' })
  })
})

it('other lines that were omitted are counted at close()', async () => {
  const { post, webhook, lines } = await start({
    onOrder: () => {
      throw new Error('the ERP system is down')
    },
  })
  for (let i = 0; i < 25; i++) expect((await post(order(`PO-${i}`))).status).toBe(503)
  expect(lines).toHaveLength(10)
  await webhook.close()
  expect(lines.slice(10).map(({ text }) => text)).toEqual([
    'tradecloud-webhook: Lines about handler_failed that were omitted within a minute: 15',
  ])
})

it('an event that is delivered as it came, because the API does not know its order, is logged with its ID', async () => {
  const tradecloud = await createTradecloudSimulator()
  const { baseUrl, username, password } = tradecloud
  const api = { baseUrl, username, password, notFoundRetryMs: 0 }
  const { post, webhook, lines } = await start({ api, fetch: 'always' })
  try {
    for (let i = 0; i < 12; i++) expect((await post(order(`PO-${i}`))).status).toBe(200)
    expect(lines).toHaveLength(10)
    const [{ level, text, fields }] = lines as [Line]
    expect(level).toBe('warn')
    expect(text).toMatch(
      /^tradecloud-webhook: Delivered as received, .*404.* \(POST order "OrderIssuedByBuyer" "PO-0" /,
    )
    expect(fields).toMatchObject({ code: 'not_found', kind: 'order', entityId: 'PO-0', err: expect.any(Error) })
  } finally {
    await webhook.close()
    await tradecloud.close()
  }
  expect(lines[10]?.text).toContain('omitted within a minute: 2')
})

describe('a bug in a callback', () => {
  function saveLines(event: object): void {
    ;(event as { missing: { field: string } }).missing.field.trim()
  }

  it('is logged with the place in the code of the user, and with fields', async () => {
    const { post, lines } = await start({ onOrder: (event) => saveLines(event) })
    const answer = await post(order('PO-1'))
    expect(answer.status).toBe(503)
    expect(answer.text).not.toContain('log-lines.test')
    expect(lines).toHaveLength(1)
    const [{ level, text, fields }] = lines as [Line]
    expect(level).toBe('warn')
    expect(text).toMatch(/"TypeError: Cannot read .*" at saveLines \(.*log-lines\.test\.ts:\d+:\d+\) \(POST order/)
    expect(fields).toEqual({
      code: 'handler_failed',
      kind: 'order',
      eventName: 'OrderIssuedByBuyer',
      entityId: 'PO-1',
      deliveryId: expect.any(String),
      requestId: expect.any(String),
      err: expect.any(Error),
    })
    expect(fields.err?.stack).toContain('saveLines')
  })

  it('in an auth function is located too', async () => {
    const { post, lines } = await start({
      auth: (req) => {
        saveLines(req)
        return true
      },
    })
    expect((await post(order('PO-1'))).status).toBe(503)
    expect(lines[0]?.text).toMatch(/at saveLines \(.*log-lines\.test\.ts:/)
  })

  it('is shown by DEBUG with its stack and its causes, but without their fields', async () => {
    const written: string[] = []
    const write = jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0)
    createDebug.enable('tradecloud-webhook:deliver')
    try {
      const { post } = await start({
        onOrder: () => {
          const secret = { headers: { Authorization: 'hunter2' } }
          const refused = Object.assign(new Error('connect ECONNREFUSED'), { config: secret })
          throw Object.assign(new Error('not saved', { cause: new AggregateError([refused], 'both') }), secret)
        },
      })
      await post(order('PO-1'))
    } finally {
      createDebug.disable()
      write.mockRestore()
    }
    const output = written.join('')
    for (const part of ['Error: not saved', 'at onOrder', 'both', 'connect ECONNREFUSED'])
      expect(output).toContain(part)
    expect(output).not.toContain('hunter2')
  })
})

describe('what does not fit a schema', () => {
  const schemas = { order: { type: 'object', required: ['projectNumber'] } }

  it('is named by its JSON pointers, in the log line, in the response and in onError', async () => {
    const { post, lines, errors } = await start({ schemas, validation: 'strict' })
    const body = { ...order('PO-1') }
    const { status, json } = await post({ ...body, orderEvent: { ...body.orderEvent, lines: [{ id: 5 }, 7] } })
    expect(status).toBe(400)
    for (const text of [lines[0]?.text, json.detail, errors[0]?.error.message]) {
      expect(text).toContain('does not fit its schema: "/orderEvent')
      expect(text).toContain('projectNumber')
      expect(text).toContain('"/orderEvent/lines/0/id" must be string')
    }
  })

  it('without an ID is named too', async () => {
    const { post, lines } = await start()
    await post({ eventName: 'OrderIssuedByBuyer', orderEvent: {} })
    expect(lines[0]?.text).toContain('"/orderEvent/orderId" must be a non-empty string')
  })

  it('is logged for a fetched order, whose event would be sent again without a word', async () => {
    const tradecloud = await createTradecloudSimulator()
    const { baseUrl, username, password } = tradecloud
    tradecloud.api.setOrder('PO-1', { ...fixture('order-fetched'), id: 'PO-1' })
    const { get, lines } = await start({ schemas, api: { baseUrl, username, password } })
    expect((await get('/order/PO-1')).status).toBe(502)
    await tradecloud.close()
    expect(lines).toHaveLength(1)
    expect(lines[0]?.text).toMatch(/The fetched order does not fit its schema: the body must have .*projectNumber/)
    expect(lines[0]?.fields).toMatchObject({ code: 'fetch_failed', entityId: 'PO-1' })
  })
})

it('credentials are never in the log', async () => {
  const { post, lines } = await start({
    onOrder: () => {
      throw new Error(`Invalid URL: https://me:${credential.password}@erp.example.com`)
    },
  })
  await post(order('PO-1'))
  expect(JSON.stringify(lines)).toContain('https://***@erp.example.com')
  expect(JSON.stringify(lines)).not.toContain(credential.password)
})
