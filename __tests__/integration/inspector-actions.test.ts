/** Actions in the inspector, and its messages when something fails. */
import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { createTradecloudWebhook, TradecloudWebhookError } from 'tradecloud-webhook'
import { createInspector } from 'tradecloud-webhook/inspector'
import { order } from 'tradecloud-webhook/testing'
import { HOUR, startClockedTradecloud, startPolling } from './catch-up-rig'
import { closeAll, credential, orderEvent, orderId, startServer, temporaryInbox, pause, until } from './harness'
import { operator, operatorHeader, send, startInspectorRig } from './inspector-rig'

afterEach(closeAll)

const sameOrigin = { 'Sec-Fetch-Site': 'same-origin' }

test('an event that fails is given up with a reason, and the one behind it is delivered', async () => {
  const inbox = temporaryInbox()
  const rig = await startInspectorRig({
    ...{ inbox, inspector: { access: 'operate' }, delivery: { retry: { minDelayMs: 60_000 } } },
    onOrder: (event) => {
      if (event.eventName === 'OrderIssuedByBuyer') throw new Error('the ERP is down')
    },
  })
  await rig.post(orderEvent())
  await until(async () => (await inbox.list()).entries[0]?.reason !== undefined)
  await rig.post({ ...orderEvent(), eventName: 'OrderLinesAcceptedBySupplier' })
  const [first, second] = (await inbox.list()).entries
  expect((await rig.ask(`/event/${second!.id}`)).text).toMatch(
    new RegExp(`<dt>Waits behind</dt>\\s*<dd>\\s*<a href="${first!.id}">${first!.id}</a\\s*>`),
  )
  expect((await rig.change(`/event/${first!.id}/give-up`, { reason: ' ' })).status).toBe(400)
  expect((await rig.change(`/event/${first!.id}/purge`)).status).toBe(409)
  expect((await rig.change(`/event/${first!.id}/give-up`, { reason: 'cancelled by <b>phone</b>' })).status).toBe(303)
  await until(async () => (await inbox.show(second!.id))?.entry.state === 'delivered')
  const { text } = await rig.ask(`/event/${first!.id}`)
  expect(text).toContain('cancelled by &lt;b&gt;phone&lt;/b&gt;')
  expect(rig.log.at(-1)?.line).toContain(`"Älice" gave up "${first!.id}", "cancelled by <b>phone</b>"`)
  expect((await rig.change(`/event/${second!.id}/give-up`, { reason: 'x' })).text).toContain(
    'is delivered: only a waiting',
  )
})

test('a catch-up: started once, logged, and its report is shown', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls, log } = startPolling(tradecloud)
  await worker.ready()
  const issued = order({ seed: 1, lines: 2 })
  tradecloud.world.change(issued, { lines: issued.lines.map(({ id }) => String(id)), deliver: 'none' })
  tradecloud.clock.advance(HOUR)
  const { port } = await startServer(createInspector({ webhook: worker, auth: operator, access: 'operate' }))
  const post = () => send(port, '/catch-up', { method: 'POST', form: {}, headers: sameOrigin })
  expect((await send(port, '/')).text).toContain('<form method="post" action="catch-up">')
  const [started, again] = await Promise.all([post(), post()])
  expect([started.status, started.headers.location, again.status]).toEqual([303, './?done=catch-up', 409])
  await until(() => calls.length === 1)
  await until(async () =>
    (await send(port, '/')).text.includes('The last catch-up is complete: 1 of 1 change had not arrived.'),
  )
  expect(log.some(({ line }) => line.includes('Inspector: "Älice" started a catch-up'))).toBe(true)

  tradecloud.api.failNext(1_000, 403)
  expect((await post()).status).toBe(303)
  await until(async () => (await send(port, '/')).text.includes('The last catch-up could not be completed: '))

  const read = await startServer(createInspector({ webhook: worker, auth: operator }))
  expect((await send(read.port, '/')).text).not.toContain('Catch up')
  const refused = await send(read.port, '/catch-up', { method: 'POST', form: {}, headers: sameOrigin })
  expect(refused.status).toBe(403)
})

test('without the option catchUp there is no such button', async () => {
  const { ask, change } = await startInspectorRig({ inbox: temporaryInbox(), inspector: { access: 'operate' } })
  expect((await ask('/')).text).not.toContain('Catch up')
  expect((await change('/catch-up')).status).toBe(404)
})

describe('an inbox that fails', () => {
  const secret = 'SELECT * FROM secrets at /srv/app/node_modules/x.js:1:1'
  const failures: Array<[string, () => Error, string]> = [
    [
      'with an error of its own',
      () => new TradecloudWebhookError('unavailable', 'PostgreSQL at db:5432 cannot be used.'),
      'PostgreSQL at db:5432 cannot be used.',
    ],
    ['with any other', () => new Error(secret), 'The page could not be created; the log contains the reason.'],
  ]
  test.each(failures)('%s: a page that says so, and a line in the log', async (_what, error, shown) => {
    const real = temporaryInbox()
    let isBroken = false
    const inbox = new Proxy(real, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        const fails = ['list', 'show', 'stats', 'replay', 'countByHour'].includes(String(name))
        return fails && isBroken ? () => Promise.reject(error()) : value.bind(target)
      },
    })
    const { ask, change, log } = await startInspectorRig({ inbox, inspector: { access: 'operate' } })
    isBroken = true
    const id = randomUUID()
    for (const response of [
      await ask('/'),
      await ask(`/event/${id}`),
      await ask(`/event/${id}/body`),
      await change(`/event/${id}/replay`),
    ]) {
      expect([response.status, response.headers['retry-after']]).toEqual([503, '10'])
      expect(response.text).toContain(shown)
      expect(response.text).not.toContain('SELECT')
      expect(response.text).not.toContain('node_modules')
    }
    expect(log.some(({ line }) => line.includes('A page of the inspector failed: '))).toBe(true)
    isBroken = false
    expect((await ask('/')).status).toBe(200)
  })

  test('that is closed: the page says so', async () => {
    const { ask, webhook } = await startInspectorRig({ inbox: temporaryInbox() })
    await webhook.close()
    const { status, text } = await ask('/')
    expect([status, text.includes('The inbox is closed.')]).toEqual([503, true])
    expect((await ask('/live')).status).toBe(503)
  })
})

/** Reads the events of a stream until it ends. */
function openStream(port: number, path: string) {
  let text = ''
  let isEnded = false
  const req = request({ port, host: '127.0.0.1', path, agent: false, headers: { Authorization: operatorHeader } })
  req.on('response', (res) => {
    res
      .setEncoding('utf8')
      .on('data', (chunk: string) => (text += chunk))
      .on('end', () => (isEnded = true))
      .on('error', () => undefined)
  })
  req.on('error', () => undefined).end()
  return {
    events: () => [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name),
    isEnded: () => isEnded,
    close: () => req.destroy(),
  }
}

describe('server-sent events', () => {
  test('tell of a request, also without an inbox, and end when the webhook closes, so that a server can close', async () => {
    const rig = await startInspectorRig()
    const stream = openStream(rig.port, '/ops/inspector/live')
    await until(() => stream.events().length === 1)
    await rig.post(orderEvent())
    await until(() => stream.events().length === 2)
    expect(stream.events()).toEqual(['hello', 'change'])
    await rig.webhook.close()
    await until(() => stream.isEnded())
  })

  test('tell of a change that another process made', async () => {
    const inbox = temporaryInbox()
    const rig = await startInspectorRig({
      inbox,
      deliver: false,
      onOrder: undefined,
      onOrderDocuments: undefined,
      onShipment: undefined,
      onUnknown: undefined,
    })
    await rig.post(orderEvent())
    const stats = jest.spyOn(inbox, 'stats')
    const stream = openStream(rig.port, '/ops/inspector/live')
    await until(() => stream.events().length === 1)
    const { id } = (await inbox.list()).entries[0]!
    // The first check of the inbox only records its current state.
    await until(() => stats.mock.calls.length > 0)
    // Changes the event without the webhook, as the command line does.
    await inbox.giveUp(id, 'elsewhere')
    await until(() => stream.events().includes('change'))
  })

  test('are bounded in number: the pages beyond reload by themselves', async () => {
    const rig = await startInspectorRig()
    const streams = Array.from({ length: 50 }, () => openStream(rig.port, '/ops/inspector/live'))
    await until(() => streams.every((stream) => stream.events().length === 1))
    expect((await rig.ask('/live')).status).toBe(503)
    streams[0]!.close()
    let last: ReturnType<typeof openStream> | undefined
    await until(async () => {
      last?.close()
      last = openStream(rig.port, '/ops/inspector/live')
      await pause(20)
      return last.events().length === 1
    })
    for (const stream of [...streams, last!]) stream.close()
  })
})

test('without an inbox: the last thousand requests are kept, and no bodies', async () => {
  const webhook = createTradecloudWebhook({
    auth: credential,
    onOrder: () => undefined,
    validation: 'off',
    logger: { warn: () => undefined, error: () => undefined },
  })
  const inspector = createInspector({ webhook, auth: operator })
  const { port } = await startServer((req, res) =>
    req.url?.startsWith('/i')
      ? inspector(Object.assign(req, { url: req.url.slice(2) }), res)
      : webhook.listener(req, res),
  )
  const Authorization = `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
  const statuses = new Set<number>()
  for (let i = 0; i < 1_010; i += 10)
    await Promise.all(
      Array.from({ length: 10 }, async (_, j) => {
        const body = JSON.stringify({
          ...orderEvent(),
          orderEvent: { orderId: `${orderId}-${i + j}`, secret: 'body', lines: [] },
        })
        const response = await fetch(`http://127.0.0.1:${port}/`, {
          method: 'POST',
          body,
          headers: { Authorization, 'Content-Type': 'application/json' },
        })
        statuses.add(response.status)
      }),
    )
  expect([...statuses]).toEqual([200])
  const first = await send(port, '/i/')
  expect(/<span class="number">([\d,]+)<\/span>/.exec(first.text)?.[1]).toBe('1,000')
  let pages = 0
  let next: string | undefined = '/'
  while (next !== undefined && pages < 30) {
    const { text } = await send(port, `/i${next}`)
    expect(text).not.toContain('secret')
    pages++
    const link: string | undefined = /href="(\?[^"]*)"\s*rel="next"/.exec(text)?.[1]
    next = link && `/${link.replaceAll('&amp;', '&')}`
  }
  expect(pages).toBe(20)
  await webhook.close()
})
