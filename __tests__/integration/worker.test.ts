/** Receivers that only store events, workers that deliver them, and processes with different callbacks on one inbox. */
import { join } from 'node:path'
import {
  createTradecloudWorker,
  type SettledRecord,
  type TradecloudWorker,
  type TradecloudWorkerOptions,
} from 'tradecloud-webhook'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { order } from 'tradecloud-webhook/testing'
import {
  apiOf,
  closeAll,
  deferred,
  orderEvent,
  orderId,
  pause,
  shipmentId,
  startRig,
  startTradecloud,
  temporaryFolder,
  until,
  type Loose,
  type Rig,
  type RigOptions,
} from './harness'

const workers: TradecloudWorker[] = []

afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close({ timeoutMs: 500 })
  await closeAll()
})

const NO_CALLBACKS = { onOrder: undefined, onOrderDocuments: undefined, onShipment: undefined, onUnknown: undefined }
const silent = { warn: () => undefined, error: () => undefined }
const shipmentEvent = (id = shipmentId): Loose => ({
  eventName: 'ShipmentIssuedBySupplier',
  shipment: { id, meta: { lastUpdatedAt: new Date().toISOString() } },
})

class Shared {
  readonly file = join(temporaryFolder(), 'inbox.db')
  readonly settled: SettledRecord[] = []
  readonly delivery = {
    retry: { minDelayMs: 20, maxDelayMs: 40 },
    onSettled: (record: SettledRecord) => void this.settled.push(record),
  }

  inbox() {
    return sqliteInbox({ file: this.file })
  }

  /** Starts a webhook that stores events in the shared inbox and also delivers them. */
  webhook(options: RigOptions): Promise<Rig> {
    return startRig({ ...NO_CALLBACKS, delivery: this.delivery, ...options, inbox: this.inbox() })
  }

  storeOnly(options: RigOptions = {}): Promise<Rig> {
    return startRig({ ...NO_CALLBACKS, ...options, inbox: this.inbox(), deliver: false })
  }

  async worker(options: Omit<TradecloudWorkerOptions, 'inbox'>): Promise<TradecloudWorker> {
    const worker = createTradecloudWorker({
      logger: silent,
      delivery: this.delivery,
      ...options,
      inbox: this.inbox(),
    })
    workers.push(worker)
    await worker.ready()
    return worker
  }
}

test('a receiver without callbacks stores every kind, and a worker delivers them', async () => {
  const shared = new Shared()
  const rig = await shared.storeOnly()
  await rig.webhook.ready()
  const unknown = { eventName: 'InvoiceIssued', invoice: { id: 1 } }
  const answers = [
    await rig.post(orderEvent()),
    await rig.post(shipmentEvent(), { path: '/shipment' }),
    await rig.post(unknown, { path: '/' }),
    await rig.get(`/order/${encodeURIComponent(orderId)}`),
  ]
  expect(answers.map(({ status, json }) => `${status} ${json.outcome}`)).toEqual(Array(4).fill('202 queued'))
  const calls: string[] = []
  const note = (event: { kind: string; method: string }) => void calls.push(`${event.kind} ${event.method}`)
  await shared.worker({ onOrder: note, onShipment: note, onUnknown: note })
  await until(() => shared.settled.length === 4)
  expect(calls.sort()).toEqual(['order GET', 'order POST', 'shipment POST', 'unknown POST'])
  expect(shared.settled.every(({ result }) => result === 'delivered')).toBe(true)
})

test('a receiver that only stores still refuses strangers, and keeps what cannot be read', async () => {
  const rig = await new Shared().storeOnly()
  expect((await rig.post(orderEvent(), { auth: null })).status).toBe(401)
  expect((await rig.post({ hello: 'world' })).json.outcome).toBe('quarantined')
})

test('events of one order keep their order over several workers, while it fails', async () => {
  const shared = new Shared()
  const rig = await shared.storeOnly()
  const seen: number[] = []
  let running = 0
  const onOrder = async ({ version = 0 }: { version?: number | undefined }) => {
    expect(++running).toBe(1)
    await pause(1)
    running--
    if (Math.random() < 0.3) throw new Error('down')
    seen.push(version)
  }
  await shared.worker({ onOrder })
  await shared.worker({ onOrder })
  for (let version = 1; version <= 20; version++) await rig.post(orderEvent({ version }))
  await until(() => seen.length === 20)
  expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
})

test('a process takes only what it has callbacks for, and an event is ignored only if none has one', async () => {
  const shared = new Shared()
  const orders: string[] = []
  const shipments: string[] = []
  const rig = await shared.webhook({ onOrder: (event) => void orders.push(event.orderId) })
  expect((await rig.post(shipmentEvent('S-1'), { path: '/shipment' })).json.outcome).toBe('ignored')
  const worker = await shared.worker({ onShipment: (event) => void shipments.push(event.shipmentId) })
  // Once a second, each process reads which callbacks the other processes have.
  await until(async () => (await rig.post(shipmentEvent('S-2'), { path: '/shipment' })).json.outcome !== 'ignored')
  await rig.post(orderEvent())
  await until(() => shared.settled.length === orders.length + shipments.length && shared.settled.length >= 2)
  expect(shared.settled.map(({ result, kind }) => `${kind} ${result}`).sort()).toEqual([
    'order delivered',
    ...shipments.map(() => 'shipment delivered'),
  ])
  await worker.close()
})

test('a callback for a name takes that name only', async () => {
  const shared = new Shared()
  const rig = await shared.storeOnly()
  const named: string[] = []
  await shared.worker({ on: { OrderIssuedByBuyer: (event) => void named.push(event.orderId) } })
  await rig.post(orderEvent({ orderId: 'A' }))
  await rig.post({ ...orderEvent({ orderId: 'B' }), eventName: 'OrderCancelledByBuyer' })
  await until(() => named.length === 1)
  const inbox = shared.inbox()
  const waiting = await inbox.list({ state: 'waiting' })
  expect(waiting.entries.map(({ entity }) => entity?.id)).toEqual(['B'])
  await inbox.close()
})

test('a worker fetches, and closes the client that it created', async () => {
  const tradecloud = await startTradecloud()
  tradecloud.api.setOrder(orderId, order({ version: 3 }))
  const shared = new Shared()
  const rig = await shared.storeOnly()
  await rig.get(`/order/${encodeURIComponent(orderId)}`)
  const events: Loose[] = []
  const worker = await shared.worker({ api: apiOf(tradecloud), onOrder: (event) => void events.push(event) })
  await until(() => shared.settled.length === 1)
  expect(events).toMatchObject([{ completeness: 'all-lines', version: 3 }])
  await worker.close()
})

test('close() of a worker waits for running callbacks, then aborts them', async () => {
  const shared = new Shared()
  const rig = await shared.storeOnly()
  const gate = deferred()
  const signals: AbortSignal[] = []
  const patient = await shared.worker({
    onOrder: (_event, { signal }) => {
      signals.push(signal)
      return gate.promise
    },
  })
  await rig.post(orderEvent())
  await until(() => signals.length === 1)
  const closing = patient.close()
  expect(patient.close()).toBe(closing)
  gate.resolve()
  await closing
  expect(shared.settled).toHaveLength(1)
  expect(signals[0]?.aborted).toBe(false)

  const impatient = await shared.worker({
    onOrder: (_event, { signal }) => {
      signals.push(signal)
      return new Promise<void>(() => undefined)
    },
  })
  await rig.post(orderEvent())
  await until(() => signals.length === 2)
  await impatient.close({ timeoutMs: 1 })
  expect(signals[1]?.aborted).toBe(true)
  const attempts: number[] = []
  await shared.worker({ onOrder: (_event, { attempt }) => void attempts.push(attempt) })
  await until(() => attempts.length === 1)
  expect(attempts).toEqual([2])
})

test('ready() rejects for an inbox that can never be used, and resolves without an inbox', async () => {
  const rig = await startRig()
  await rig.webhook.ready()
  const folder = temporaryFolder()
  const unusable = () => sqliteInbox({ file: folder })
  const worker = createTradecloudWorker({ inbox: unusable(), onOrder: () => undefined, logger: silent })
  workers.push(worker)
  await expect(worker.ready()).rejects.toThrow(folder)
  const webhook = await startRig({ inbox: unusable() })
  await expect(webhook.webhook.ready()).rejects.toThrow(folder)
  expect((await webhook.post(orderEvent())).status).toBe(503)
})
