/** A worker without a webhook: it polls, and delivers what has changed. */
import { createTradecloudWebhook, isTradecloudWebhookError } from 'tradecloud-webhook'
import { order } from 'tradecloud-webhook/testing'
import { FROM, memoryCatchUp, MINUTE, SETTLE, startClockedTradecloud, startPolling } from '../integration/catch-up-rig'
import { closeAll, until, type Call } from '../integration/harness'

afterEach(closeAll)

const linesOf = ({ lines }: ReturnType<typeof order>) => lines.map(({ id }) => String(id))
const ids = (calls: Array<{ event: Record<string, unknown> }>) =>
  calls.map(({ event }) => (event.orderId ?? event.shipmentId) as string)

test('what has changed is delivered whole, with the lines that changed, and only once', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls, log } = startPolling(tradecloud, { catchUp: { settleMs: 0 } })
  await worker.ready()
  const issued = order({ seed: 1, lines: 2 })
  const [line] = issued.lines
  tradecloud.world.change(issued, { lines: linesOf(issued), deliver: 'none' })
  expect(await worker.catchUp()).toMatchObject({ polled: 1, recoveredTotal: 1, error: undefined })
  await until(() => calls.length === 1)
  tradecloud.clock.advance(MINUTE)
  tradecloud.world.change(issued.id, { lines: [String(line!.id)], deliver: 'none' })
  tradecloud.world.changeShipment('shipment-1', { deliver: 'none' })
  expect(await worker.catchUp()).toMatchObject({
    ...{ polled: 2, covered: 0, skipped: 0, recoveredTotal: 2 },
    recovered: [
      { kind: 'order', id: issued.id, lines: [line!.id] },
      { kind: 'shipment', id: 'shipment-1', lines: [] },
    ],
  })
  await until(() => calls.length === 3)
  const [first, second, third] = calls
  expect(first!.event).toMatchObject({ kind: 'order', method: 'GET', completeness: 'all-lines', orderId: issued.id })
  expect(first!.event.affectedLines).toHaveLength(2)
  expect(second!.event).toMatchObject({ order: tradecloud.world.order(issued.id), affectedLines: [{ id: line!.id }] })
  expect(second!.context).toMatchObject({ source: 'catch-up', attempt: 1, replay: false, outdated: false })
  expect(second!.context.rawBody).toBeUndefined()
  expect(third!.event).toMatchObject({ kind: 'shipment', completeness: 'all-lines', shipmentId: 'shipment-1' })
  expect(await worker.catchUp()).toMatchObject({ recoveredTotal: 0 })
  // There is no warning about lost events, because there is no webhook that should have received them.
  expect(log.filter(({ line: text }) => text.includes('never arrived'))).toEqual([])
})

test('the single delivery form is polled, delivered and validated as such', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls } = startPolling(tradecloud, { catchUp: { settleMs: 0, form: 'singleDelivery' } })
  const issued = order({ seed: 2, lines: 1 })
  tradecloud.world.change(issued, { lines: linesOf(issued), form: 'singleDelivery', deliver: 'none' })
  await worker.catchUp()
  await until(() => calls.length === 1)
  expect(calls[0]!.event).toMatchObject({ lineForm: 'singleDelivery', issues: [] })
  expect(calls[0]!.event.affectedLines.length).toBeGreaterThan(0)
  expect(tradecloud.api.requests.map(({ endpoint }) => endpoint)).toContain('singleDeliveryPoll')
})

test('a change that does not fit the schema is delivered with its issues', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls } = startPolling(tradecloud, { catchUp: { settleMs: 0 } })
  tradecloud.world.change('odd', { header: { buyerOrder: { purchaseOrderNumber: { odd: true } } }, deliver: 'none' })
  await worker.catchUp()
  await until(() => calls.length === 1)
  expect(calls[0]!.event.issues).not.toEqual([])
})

test('with fetch: always, what was found is not fetched once more', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls } = startPolling(tradecloud, { fetch: 'always', catchUp: { settleMs: 0 } })
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  await worker.catchUp()
  await until(() => calls.length === 1)
  expect(tradecloud.api.counts.orderRequests).toBe(0)
})

test('without a cursor and without from, ready rejects and nothing runs, but a run from a given time does', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls, log } = startPolling(tradecloud, { catchUp: { settleMs: 0, everyMs: 10, from: undefined } })
  const refused = await worker.ready().catch((error: unknown) => error)
  expect(isTradecloudWebhookError(refused) && refused.message).toContain('Option `catchUp.from` is missing')
  expect(log.map(({ line }) => line)).toContainEqual(expect.stringContaining('The catch-up does not run'))
  await expect(worker.catchUp()).rejects.toThrow('set `from`')
  expect(tradecloud.api.counts.polls).toBe(0)
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  expect(await worker.catchUp({ from: FROM })).toMatchObject({ from: FROM, recoveredTotal: 1 })
  await until(() => calls.length === 1)
})

test('from is ignored once there is a cursor, and logged once if it is another one', async () => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  const first = startPolling(tradecloud, { inbox: inbox() })
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  await first.worker.catchUp()
  await first.worker.close()
  const cursors = JSON.stringify([...storage.positions.values()].map(({ since }) => since))
  const again = startPolling(tradecloud, { inbox: inbox(), catchUp: { from: '2025-01-01' } })
  await again.worker.catchUp()
  await again.worker.catchUp()
  const lines = again.log.filter(({ line }) => line.includes('catchUp.from is ignored'))
  expect(lines).toHaveLength(1)
  expect(JSON.stringify([...storage.positions.values()].map(({ since }) => since))).toBe(cursors)
})

test('the total of the first page is logged before anything is delivered, for a first run and on demand', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, log, calls } = startPolling(tradecloud, {
    catchUp: { settleMs: 0, shipments: false },
    onOrder: () =>
      void calls.push({ callback: 'onOrder', event: { lines: log.length }, context: {} as Call['context'] }),
  })
  for (const id of ['a', 'b', 'c']) tradecloud.world.change(id, { lines: ['1'], deliver: 'none' })
  await worker.catchUp()
  await until(() => calls.length === 3)
  const begun = log.findIndex(({ line }) => /reads the orders that have changed since \S+: 3\.$/.test(line))
  expect(log[begun]).toMatchObject({ level: 'warn' })
  expect(Math.min(...calls.map(({ event }) => event.lines as number))).toBeGreaterThan(begun)
  const lines = log.length
  await worker.catchUp()
  expect(log).toHaveLength(lines)
})

test('polls by itself, reports each run, and stops with close', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls, reports } = startPolling(tradecloud, { catchUp: { settleMs: 0, everyMs: 5 } })
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  await until(() => calls.length === 1 && reports.length >= 3)
  expect(reports[0]).toMatchObject({ polled: 1, recoveredTotal: 1 })
  await worker.close()
  const polls = tradecloud.api.counts.polls
  await expect(worker.catchUp()).resolves.toMatchObject({ error: { message: expect.stringContaining('closing') } })
  expect(tradecloud.api.counts.polls).toBe(polls)
})

test('a dry run and a run from a given time leave the cursor where it is; all delivers again', async () => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  const { worker, calls } = startPolling(tradecloud, { inbox: inbox(), catchUp: { settleMs: 0 } })
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  expect(await worker.catchUp({ dryRun: true })).toMatchObject({ recoveredTotal: 1, recovered: [{ id: 'o' }] })
  expect([storage.positions.size, storage.events.size]).toEqual([0, 0])
  await worker.catchUp({ from: FROM })
  await until(() => calls.length === 1)
  expect(storage.positions.size).toBe(0)
  await worker.catchUp({ all: true })
  await worker.catchUp({ all: true })
  await until(() => calls.length === 3)
  expect(new Set(calls.map(({ context }) => context.deliveryId)).size).toBe(3)
  expect(storage.positions.size).toBe(0)
})

test('waits for its turn while another process polls; a signal ends the wait', async () => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  const { worker } = startPolling(tradecloud, { inbox: inbox() })
  await worker.ready()
  storage.holder = 'another process'
  const stop = new AbortController()
  const waiting = worker.catchUp({ dryRun: true, signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(waiting).resolves.toMatchObject({ polled: 0, error: { message: 'enough' } })
  expect(tradecloud.api.counts.polls).toBe(0)
})

test('of several processes, one polls in each interval', async () => {
  const tradecloud = await startClockedTradecloud()
  const { inbox } = memoryCatchUp()
  const processes = [1, 2, 3].map(() =>
    startPolling(tradecloud, { inbox: inbox(), catchUp: { settleMs: 0, everyMs: 20 } }),
  )
  for (let i = 0; i < 20; i++) {
    tradecloud.clock.advance(1_000)
    tradecloud.world.change('o', { lines: [`${i}`], deliver: 'none' })
    await until(() => processes.flatMap(({ calls }) => calls).length === i + 1)
  }
  expect(ids(processes.flatMap(({ calls }) => calls))).toEqual(Array(20).fill('o'))
})

test('the settle time leaves young changes to the webhook', async () => {
  const tradecloud = await startClockedTradecloud()
  const { worker, calls, log } = startPolling(tradecloud)
  tradecloud.world.change('o', { lines: ['a'], deliver: 'lose' })
  expect(await worker.catchUp()).toMatchObject({ polled: 1, recoveredTotal: 0 })
  tradecloud.clock.advance(SETTLE)
  expect(await worker.catchUp()).toMatchObject({ polled: 1, recoveredTotal: 1 })
  await until(() => calls.length === 1)
  expect(log.at(-1)).toEqual({ level: 'warn', line: expect.stringContaining('a change that never arrived') })
})

test('without the option catchUp, the method rejects', async () => {
  const webhook = createTradecloudWebhook({
    auth: 'none',
    onOrder: () => undefined,
    logger: { warn: () => 0, error: () => 0 },
  })
  await expect(webhook.catchUp()).rejects.toThrow('Option `catchUp` is missing')
  await webhook.close()
})

test('a want that throws ends the run, and the cursor stays', async () => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  const want = () => {
    throw new TypeError('no such field')
  }
  const { worker, log } = startPolling(tradecloud, { inbox: inbox(), catchUp: { settleMs: 0, want, shipments: false } })
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  expect(await worker.catchUp()).toMatchObject({ error: { message: 'no such field' }, to: undefined })
  expect(storage.positions.size).toBe(0)
  expect(log.at(-1)).toMatchObject({
    level: 'error',
    line: expect.stringContaining(`The next run continues from ${FROM}`),
  })
})

test('what is requested at the command line is run, with its progress and its report', async () => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  const wanted = await storage.requestRun({ dryRun: true, from: FROM })
  const wrong = await storage.requestRun({ from: 'x' })
  startPolling(tradecloud, { inbox: inbox(), catchUp: { settleMs: 0 } })
  await until(async () => (await storage.runStatus(wrong))?.state === 'failed')
  expect(await storage.runStatus(wanted)).toMatchObject({
    state: 'done',
    report: { from: FROM, polled: 1, recoveredTotal: 1, recovered: [{ kind: 'order', id: 'o', lines: ['a'] }] },
  })
  expect(await storage.runStatus(wrong)).toMatchObject({ report: { error: expect.stringContaining('`from` is') } })
})

test('callbacks of single names do not get what was found: logged at creation', async () => {
  const tradecloud = await startClockedTradecloud()
  const named = { onOrder: undefined, onShipment: undefined, on: { OrderIssuedByBuyer: () => undefined } }
  const { log, worker } = startPolling(tradecloud, { ...named, fetch: 'never' })
  expect(log.map(({ line }) => line)).toEqual(
    expect.arrayContaining([
      expect.stringContaining('No onOrder, no onShipment: what the catch-up finds has no event name'),
      expect.stringContaining("fetch is 'never', so nothing is fetched for a GET trigger"),
    ]),
  )
  expect(await worker.catchUp()).toMatchObject({ polled: 0 })
  expect(tradecloud.api.counts.polls).toBe(0)
})
