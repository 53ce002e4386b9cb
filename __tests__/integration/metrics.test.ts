/**
 * `prometheusMetrics` with the real prom-client: what is counted, with which labels, and that adapters do not change
 * responses.
 */
import { Registry } from 'prom-client'
import { createTradecloudWorker, RejectEvent, type TelemetryObserver } from 'tradecloud-webhook'
import { prometheusMetrics } from 'tradecloud-webhook/prometheus'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { join } from 'node:path'
import { closeAll, closeLater, deferred, orderEvent, pause, startRig, temporaryFolder, until } from './harness'
import { startInboxRig } from './inbox-rig'

afterEach(closeAll)

interface Value {
  value: number
  labels: Record<string, string>
  metricName?: string
}

/** The series of a metric that have these labels. */
async function series(register: Registry, name: string, labels: Record<string, string> = {}): Promise<Value[]> {
  const metric = register.getSingleMetric(`tradecloud_webhook_${name}`)
  const { values } = (await metric!.get()) as { values: Value[] }
  return values.filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
}

async function sum(register: Registry, name: string, labels?: Record<string, string>): Promise<number> {
  return (await series(register, name, labels)).reduce((total, { value }) => total + value, 0)
}

const body = (eventName: string, orderId = 'A-1') => ({ ...orderEvent({ orderId }), eventName })

it('requests are counted by outcome, kind and event name, with their durations', async () => {
  const register = new Registry()
  const rig = await startRig({
    telemetry: [prometheusMetrics({ register })],
    ...{ name: 'orders', onShipment: undefined },
    onOrder: ({ orderId }) => {
      if (orderId === 'bad') throw new RejectEvent('not ours')
      if (orderId === 'down') throw new Error('the ERP system is down')
    },
  })
  const event = body('OrderIssuedByBuyer')
  await rig.post(event)
  await rig.post(event)
  await rig.post(body('AddedLater', 'A-2'))
  await rig.post(body('OrderIssuedByBuyer', 'bad'))
  await rig.post(body('OrderIssuedByBuyer', 'down'))
  await rig.post(body('OrderIssuedByBuyer'), { auth: null })
  await rig.get('/shipment/S-1')
  await until(() => rig.records.length === 7)
  const counted = (await series(register, 'requests_total')).filter(({ value }) => value > 0)
  const requests = counted.map(({ labels, value }) => [
    ...[labels.webhook, labels.outcome, labels.kind, labels.event, value],
  ])
  expect(requests.toSorted()).toEqual(
    [
      ['orders', 'delivered', 'order', 'OrderIssuedByBuyer', 1],
      ['orders', 'duplicate', 'order', 'OrderIssuedByBuyer', 1],
      ['orders', 'delivered', 'order', 'other', 1],
      ['orders', 'rejected', 'order', 'OrderIssuedByBuyer', 1],
      ['orders', 'handler_failed', 'order', 'OrderIssuedByBuyer', 1],
      ['orders', 'unauthorized', 'none', 'none', 1],
      ['orders', 'ignored', 'shipment', 'none', 1],
    ].toSorted(),
  )
  expect(await sum(register, 'events_given_up_total')).toBe(2)
  expect(await series(register, 'events_given_up_total', { outcome: 'rejected' })).toMatchObject([{ value: 1 }])
  // The series starts at 0, because Prometheus does not see an increase in a series that starts at 1.
  expect(await series(register, 'events_given_up_total', { outcome: 'body_too_large' })).toMatchObject([{ value: 0 }])
  const counts = (await series(register, 'request_duration_seconds')).filter(({ metricName }) =>
    metricName?.endsWith('_count'),
  )
  expect(counts.reduce((total, { value }) => total + value, 0)).toBe(7)
  const deliveries = (await series(register, 'deliveries_total')).map(({ labels, value }) => [labels.result, value])
  expect(deliveries.toSorted()).toEqual([
    ['dead', 1],
    ['delivered', 1],
    ['delivered', 1],
    ['retry', 1],
  ])
})

it('10,000 unknown event names, from a sender who makes them up, leave the number of series as it is', async () => {
  const register = new Registry()
  const adapter = prometheusMetrics({ register })
  let observer: TelemetryObserver | undefined
  const rig = await startRig({
    telemetry: [{ attach: (source) => (observer = adapter.attach(source)) }],
    validation: 'off',
  })
  await rig.post(body('Unknown0', 'PO-secret'))
  const lines = async (): Promise<number> => (await register.metrics()).split('\n').length
  const before = await lines()
  for (let i = 1; i <= 20; i++) await rig.post(body(`Unknown${i}`, `PO-secret-${i}`))
  const [record] = rig.records
  for (let i = 0; i < 10_000; i++) {
    const eventName = `Unknown ${Math.random()}`
    const { kind = 'order', requestId, receivedAt } = record!
    observer?.request?.({ method: 'POST', headers: {}, requestId, receivedAt })?.end({ ...record!, eventName })
    const delivery = observer?.delivery?.({ kind, eventName, requestId, receivedAt, replay: false })
    delivery?.end({ result: 'delivered', outcome: 'delivered', durationMs: 1 })
  }
  expect(await lines()).toBe(before)
  expect(await sum(register, 'requests_total', { event: 'other' })).toBe(10_021)
  const text = await register.metrics()
  expect(text).not.toContain('PO-secret')
  expect(text).not.toContain(record!.requestId)
  expect(text).not.toContain('Unknown')
})

it('the inbox: deliveries by result, events by state, and the age of the oldest that waits', async () => {
  const register = new Registry()
  const gate = deferred()
  const rig = await startInboxRig({
    telemetry: [prometheusMetrics({ register })],
    concurrency: 1,
    onOrder: async ({ orderId }, { attempt }) => {
      if (orderId === 'bad') throw new RejectEvent('not ours')
      if (orderId === 'late' && attempt === 1) throw new Error('not now')
      if (orderId === 'slow') await gate.promise
    },
  })
  await rig.post(body('OrderIssuedByBuyer', 'bad'))
  await rig.post(body('OrderIssuedByBuyer', 'late'))
  await rig.send({ method: 'POST', path: '/order', body: 'not json', headers: { 'Content-Type': 'application/json' } })
  await until(() => rig.settled.length === 3)
  await rig.post(body('OrderIssuedByBuyer', 'slow'))
  await rig.post(body('OrderIssuedByBuyer', 'next'))
  await until(async () => (await rig.inbox.stats()).running === 1)
  const state = async (name: string) => sum(register, 'inbox_events', { state: name })
  expect([await state('waiting'), await state('running'), await state('delivered')]).toEqual([1, 1, 1])
  expect([await state('dead'), await state('quarantined')]).toEqual([1, 1])
  const oldest = await sum(register, 'inbox_oldest_waiting_age_seconds')
  await pause(20)
  expect(await sum(register, 'inbox_oldest_waiting_age_seconds')).toBeGreaterThan(oldest)
  expect(await sum(register, 'inbox_waiting_bytes')).toBeGreaterThan(100)
  gate.resolve()
  await until(() => rig.settled.length === 5)
  expect(await sum(register, 'inbox_oldest_waiting_age_seconds')).toBe(0)
  expect(await sum(register, 'deliveries_total', { result: 'delivered', kind: 'order' })).toBe(3)
  expect(await sum(register, 'deliveries_total', { result: 'retry', outcome: 'handler_failed' })).toBe(1)
  expect(await sum(register, 'deliveries_total', { result: 'dead', outcome: 'rejected' })).toBe(1)
  expect(await sum(register, 'events_given_up_total', { outcome: 'rejected' })).toBe(1)
  expect(await sum(register, 'events_given_up_total', { outcome: 'quarantined' })).toBe(1)
  expect(await sum(register, 'ready')).toBe(1)
})

it('the time since the last event of each kind goes on over restarts, and is that of arrivals', async () => {
  const register = new Registry()
  const inbox = sqliteInbox({ file: join(temporaryFolder(), 'inbox.db') })
  const [event, bytes] = [orderEvent(), Buffer.from(JSON.stringify(orderEvent()))]
  const store = async (name: string, hoursAgo: number): Promise<void> => {
    const receivedAt = new Date(Date.now() - hoursAgo * 3_600_000).toISOString()
    await inbox.accept(
      {
        ...{ format: 1, name, id: crypto.randomUUID(), key: name, trigger: 'body', kind: 'order', method: 'POST' },
        ...{ path: '/order', digest: 'd', requestId: 'r', receivedAt, quarantine: { code: 'x', reason: 'x' } },
      },
      bytes,
    )
  }
  await store('tradecloud', 2)
  await store('another webhook', 1)
  const rig = await startInboxRig({ inbox, telemetry: [prometheusMetrics({ register })], onUnknown: undefined })
  const age = async (kind: string): Promise<number> => sum(register, 'last_event_age_seconds', { kind })
  expect(await age('order')).toBeGreaterThanOrEqual(7_200)
  expect(await age('shipment')).toBeLessThan(600)
  expect(await series(register, 'last_event_age_seconds', { kind: 'unknown' })).toEqual([])
  // Probes and requests without credentials do not count as requests of Tradecloud.
  await rig.get('/order/A-1', { auth: null })
  await rig.post(event, { headers: { 'tradecloud-webhook-probe': '1' } })
  expect(await age('order')).toBeGreaterThanOrEqual(7_200)
  await rig.post(event)
  expect(await age('order')).toBeLessThan(600)
})

it('a probe of doctor is counted nowhere', async () => {
  const register = new Registry()
  const rig = await startRig({ telemetry: [prometheusMetrics({ register })] })
  const answer = await rig.post(orderEvent(), { headers: { 'tradecloud-webhook-probe': '1' } })
  expect(answer.json).toMatchObject({ outcome: 'probe' })
  await rig.post(orderEvent())
  expect(await sum(register, 'requests_total')).toBe(1)
  expect(await sum(register, 'requests_total', { outcome: 'delivered' })).toBe(1)
})

it('webhooks and workers share a registry, and what is closed is no longer shown', async () => {
  const register = new Registry()
  const one = await startRig({ name: 'one', telemetry: [prometheusMetrics({ register })] })
  const two = await startInboxRig({ name: 'two', telemetry: [prometheusMetrics({ register })] })
  const worker = createTradecloudWorker({
    inbox: sqliteInbox({ file: join(temporaryFolder(), 'inbox.db') }),
    ...{ name: 'worker', telemetry: [prometheusMetrics({ register })], onOrder: () => undefined },
    logger: { warn: () => undefined, error: () => undefined },
  })
  closeLater(() => worker.close())
  await one.post(orderEvent())
  await two.post(orderEvent())
  const names = async (metric: string) => (await series(register, metric)).map(({ labels }) => labels.webhook)
  expect((await names('ready')).toSorted()).toEqual(['one', 'two', 'worker'])
  expect(new Set(await names('requests_total'))).toEqual(new Set(['one', 'two']))
  expect(new Set(await names('last_event_age_seconds'))).toEqual(new Set(['one', 'two']))
  await two.webhook.close()
  await worker.close()
  expect(await names('ready')).toEqual(['one'])
})

it('an inbox that cannot be read leaves its series out, and the others work', async () => {
  const register = new Registry()
  const rig = await startInboxRig({ telemetry: [prometheusMetrics({ register })] })
  await rig.inbox.close()
  const text = await register.metrics()
  expect(text).toContain('tradecloud_webhook_ready{webhook="tradecloud"} 0')
  expect(await series(register, 'inbox_events')).toEqual([])
})

it('prometheusMetrics refuses what is no registry', () => {
  expect(() => prometheusMetrics({ register: {} as never })).toThrow('Option `register` must be a Registry')
  expect(() => prometheusMetrics({ registry: new Registry() } as never)).toThrow('registry')
})
