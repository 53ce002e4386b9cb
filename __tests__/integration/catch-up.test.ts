/** Webhook, catch-up and inbox together: the catch-up finds and delivers lost events, and nothing else. */
import {
  createTradecloudWorker,
  notOwnRequest,
  TradecloudClient,
  type CatchUpOptions,
  type Inbox,
} from 'tradecloud-webhook'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import type { TradecloudSimulator, WorldEvent } from 'tradecloud-webhook/testing'
import { join } from 'node:path'
import { RateLimit } from '../../lib/api/rate-limit'
import { CATCH_UP, HOUR, MINUTE, SETTLE, START, startClockedTradecloud } from './catch-up-rig'
import {
  apiOf,
  closeAll,
  closeLater,
  credential,
  fastApiOf,
  startRig,
  temporaryFolder,
  temporaryInbox,
  until,
  type Rig,
  type RigOptions,
} from './harness'

afterEach(closeAll)

interface Setting extends Rig {
  tradecloud: TradecloudSimulator
  inbox: Inbox
  /** Sends all due events to the webhook. */
  deliver: () => Promise<unknown>
  /** The events that callbacks received, as `source kind id lines`. */
  given: () => string[]
}

async function start({
  catchUp,
  tradecloud: given,
  inbox = temporaryInbox(),
  ...options
}: Omit<RigOptions, 'catchUp'> & {
  catchUp?: Partial<CatchUpOptions>
  tradecloud?: TradecloudSimulator
} = {}): Promise<Setting> {
  const tradecloud = given ?? (await startClockedTradecloud())
  const rig = await startRig({
    ...{ inbox, api: fastApiOf(tradecloud), delivery: { retry: { minDelayMs: 20, maxDelayMs: 40 } } },
    ...options,
    catchUp: { ...CATCH_UP, ...catchUp },
  })
  await rig.webhook.ready()
  const target = ({ change: { kind }, method }: WorldEvent) => ({
    url: `${rig.url}/${kind}${method === 'GET' ? `/{${kind}Id}` : ''}`,
    auth: credential,
  })
  return {
    ...rig,
    ...{ tradecloud, inbox, deliver: () => tradecloud.world.deliver(target) },
    given: () =>
      rig.calls.map(({ event, context }) => {
        const lines = (event.affectedLines ?? event.order?.lines ?? []) as Array<{ id: string }>
        return `${context.source} ${event.kind} ${event.orderId ?? event.shipmentId} ${lines.map(({ id }) => id).join()}`
      }),
  }
}

test('a lost event is delivered, with the lines that it changed, and the warning names it', async () => {
  const { tradecloud, webhook, deliver, given, log } = await start()
  tradecloud.world.change('PO-1', { lines: ['a', 'b'] })
  await deliver()
  tradecloud.clock.advance(MINUTE)
  tradecloud.world.change('PO-1', { lines: ['a'], deliver: 'lose' })
  tradecloud.clock.advance(MINUTE)
  tradecloud.world.change('PO-1', { lines: ['b'] })
  tradecloud.world.changeShipment('S-1', { deliver: 'lose' })
  await deliver()
  await until(() => given().length === 2)
  expect(await webhook.catchUp()).toMatchObject({ polled: 2, recoveredTotal: 0 })
  tradecloud.clock.advance(SETTLE)
  expect(await webhook.catchUp()).toMatchObject({ polled: 2, recoveredTotal: 2, error: undefined })
  await until(() => given().length === 4)
  expect(given()).toEqual([
    'webhook order PO-1 a,b',
    'webhook order PO-1 b',
    'catch-up order PO-1 a',
    'catch-up shipment S-1 ',
  ])
  expect(await webhook.catchUp()).toMatchObject({ polled: 2, covered: 2, recoveredTotal: 0 })
  const warnings = log.filter(({ line }) => line.includes('never arrived'))
  expect(warnings).toEqual([{ level: 'warn', line: expect.stringContaining('order "PO-1"') }])
})

test.each(['get', 'always'] as const)('what has arrived is not delivered again: fetch %s', async (fetch) => {
  const { tradecloud, webhook, deliver, given } = await start({ fetch })
  const { world, clock } = tradecloud
  for (let i = 0; i < 3; i++) {
    world.change('PO-1', { lines: ['a', 'b'] })
    world.change('PO-2', { lines: ['a'], deliver: 'twice' })
    world.change('PO-3', { lines: ['a'], method: 'GET' })
    world.change('PO-4')
    world.changeShipment('S-1')
    world.changeShipment('S-2', { method: 'GET' })
    await deliver()
    clock.advance(MINUTE)
    await deliver()
  }
  await until(async () => (await webhook.health()).ready && given().length === 18)
  clock.advance(SETTLE)
  expect(await webhook.catchUp()).toMatchObject({ polled: 6, covered: 6, recoveredTotal: 0 })
})

test("with fetch: 'never', a GET trigger that waits covers nothing", async () => {
  let end = (): void => undefined
  const held = new Promise<void>((resolve) => (end = resolve))
  const given: string[] = []
  const { tradecloud, webhook, deliver } = await start({
    fetch: 'never',
    onOrder: async ({ orderId, completeness }, { source }) => {
      given.push(`${source} ${orderId} ${completeness}`)
      if (source === 'webhook') await held
    },
  })
  tradecloud.world.change('PO-1', { lines: ['a'], method: 'GET' })
  await deliver()
  await until(() => given.length === 1)
  tradecloud.clock.advance(SETTLE)
  expect(await webhook.catchUp()).toMatchObject({ polled: 1, covered: 0, recoveredTotal: 1 })
  end()
  await until(() => given.length === 2)
  expect(given).toEqual(['webhook PO-1 id-only', 'catch-up PO-1 all-lines'])
  expect(await webhook.catchUp()).toMatchObject({ covered: 1, recoveredTotal: 0 })
})

test('rejected and dead events have arrived; ignored ones have not', async () => {
  const reject = () => Promise.reject(new Error('the ERP is down'))
  const { tradecloud, webhook, deliver, inbox } = await start({ onOrder: reject, onShipment: undefined })
  tradecloud.world.change('PO-1', { lines: ['a'] })
  await deliver()
  const [entry] = (await inbox.list()).entries
  await until(async () => inbox.giveUp(entry!.id, 'test'))
  tradecloud.clock.advance(SETTLE)
  expect(await webhook.catchUp()).toMatchObject({ covered: 1, recoveredTotal: 0 })
})

test('own changes whose events are switched off are left out', async () => {
  const { tradecloud, webhook } = await start({ catchUp: { want: notOwnRequest('buyer') } })
  for (let i = 0; i < 5; i++)
    tradecloud.world.change(`PO-${i}`, { lines: [{ id: 'a', status: { processStatus: 'Issued' } }], deliver: 'none' })
  tradecloud.clock.advance(SETTLE)
  expect(await webhook.catchUp()).toMatchObject({ polled: 5, skipped: 5, recoveredTotal: 0 })
})

test('events in another form than form: nothing is delivered, and a warning says so once', async () => {
  const { tradecloud, webhook, deliver, given, log } = await start()
  tradecloud.world.change('PO-1', { lines: [{ id: 'a', deliverySchedule: [{}] }], form: 'singleDelivery' })
  await deliver()
  tradecloud.world.change('PO-2', { lines: ['a'], deliver: 'lose' })
  tradecloud.clock.advance(SETTLE)
  const error = { message: expect.stringContaining("order events arrive as 'singleDelivery'") }
  for (let i = 0; i < 2; i++) expect(await webhook.catchUp()).toMatchObject({ error, recoveredTotal: 0 })
  await until(() => given().length === 1)
  expect(log.filter(({ level, line }) => level === 'warn' && line.includes('catchUp.form'))).toHaveLength(1)
})

test('a list that is older than what arrived: delivered as outdated only after the overlap', async () => {
  const { tradecloud, webhook, deliver, calls } = await start()
  tradecloud.world.change('PO-1', { lines: ['a'], deliver: 'lose' })
  tradecloud.clock.advance(MINUTE)
  tradecloud.world.change('PO-1', { lines: ['b'] })
  await deliver()
  // The API still shows the earlier state.
  const old = {
    ...tradecloud.world.order('PO-1'),
    lastUpdatedAt: new Date(tradecloud.clock.now() - MINUTE).toISOString(),
  }
  tradecloud.api.setOrder('PO-1', {
    ...old,
    lines: ((old as { lines?: unknown }).lines as Array<{ id: string }>).filter(({ id }) => id === 'a'),
  })
  tradecloud.clock.advance(SETTLE)
  expect(await webhook.catchUp()).toMatchObject({ recoveredTotal: 0 })
  tradecloud.clock.advance(15 * MINUTE)
  expect(await webhook.catchUp()).toMatchObject({ recoveredTotal: 1 })
  await until(() => calls.length === 2)
  expect(calls[1]!.context).toMatchObject({ source: 'catch-up', outdated: true })
})

test.each([
  ['right', 0],
  ['an hour ahead', HOUR],
  ['an hour back', -HOUR],
])('the API is down for an hour, then answers 429 for a minute; its clock is %s', async (_what, skewMs) => {
  const tradecloud = await startClockedTradecloud()
  const api = new TradecloudClient({ ...apiOf(tradecloud), fetchTimeoutMs: 200 }, new RateLimit(Infinity))
  closeLater(() => api.close())
  // If the clock is set back by an hour, changes have times before `START`.
  const catchUp = { from: new Date(START.getTime() - 3 * HOUR).toISOString(), shipments: false as const }
  const { webhook, deliver, given, log } = await start({ tradecloud, api, catchUp })
  tradecloud.clock.skew(skewMs)
  const change = async (id: string, deliverAs: 'send' | 'lose') => {
    tradecloud.world.change(id, { lines: ['a'], deliver: deliverAs })
    await deliver()
  }
  await change('PO-1', 'send')
  await webhook.catchUp()
  for (const [status, ms, step] of [
    [503, HOUR, 20 * MINUTE],
    [429, MINUTE, 30_000],
  ] as const) {
    const fault = tradecloud.api.fault({ type: 'status', status })
    for (let passed = 0; passed < ms; passed += step) {
      await change(`lost-${status}-${passed}`, 'lose')
      await change('PO-1', 'send')
      expect((await webhook.catchUp()).error).toBeDefined()
      tradecloud.clock.advance(step)
    }
    fault.clear()
  }
  tradecloud.clock.advance(SETTLE)
  // Repeated, because on a busy machine a request may take longer than `fetchTimeoutMs`.
  await until(async () => (await webhook.catchUp()).error === undefined)
  await until(() => given().filter((each) => each.startsWith('catch-up order lost-')).length === 5)
  // The callbacks got 6 events from the webhook, and the 5 lost events from the catch-up.
  expect(given()).toHaveLength(11)
  expect(log.filter(({ line }) => line.includes('The catch-up could not'))).toHaveLength(1)
})

test('a receiver only stores, and a worker of another process catches up', async () => {
  const tradecloud = await startClockedTradecloud()
  const file = join(temporaryFolder(), 'inbox.db')
  const given: string[] = []
  const worker = createTradecloudWorker({
    ...{ inbox: sqliteInbox({ file }), logger: { warn: () => undefined, error: () => undefined } },
    api: fastApiOf(tradecloud),
    onOrder: ({ orderId }, { source }) => void given.push(`${source} ${orderId}`),
    catchUp: CATCH_UP,
  })
  closeLater(() => worker.close({ timeoutMs: 500 }))
  await worker.ready()
  const none = { onOrder: undefined, onOrderDocuments: undefined, onShipment: undefined, onUnknown: undefined }
  const rig = await startRig({ ...none, inbox: sqliteInbox({ file }), deliver: false })
  await rig.webhook.ready()
  tradecloud.world.change('PO-1', { lines: ['a'] })
  tradecloud.world.change('PO-2', { lines: ['a'], deliver: 'lose' })
  await tradecloud.world.deliver({ url: `${rig.url}/order`, auth: credential })
  tradecloud.clock.advance(SETTLE)
  expect(await worker.catchUp()).toMatchObject({ polled: 2, covered: 1, recoveredTotal: 1 })
  await until(() => given.length === 2)
  expect(given.sort()).toEqual(['catch-up PO-2', 'webhook PO-1'])
})
