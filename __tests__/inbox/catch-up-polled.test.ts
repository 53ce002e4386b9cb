/** The list of orders is polled only if a process has a callback for orders. The same applies to shipments. */
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { CATCH_UP, FROM, memoryCatchUp, startClockedTradecloud, startPolling } from '../integration/catch-up-rig'
import { closeAll, closeLater, fastApiOf, until } from '../integration/harness'

afterEach(closeAll)

/** Creates a webhook with the option `catchUp`. The webhook stores events, but only other processes deliver them. */
function startStoring(
  tradecloud: Awaited<ReturnType<typeof startClockedTradecloud>>,
  inbox: ReturnType<ReturnType<typeof memoryCatchUp>['inbox']>,
  from?: string,
) {
  const webhook = createTradecloudWebhook({
    ...{ auth: 'none', deliver: false, inbox, api: fastApiOf(tradecloud) },
    catchUp: { ...CATCH_UP, from, settleMs: 0 },
    logger: { warn: () => undefined, error: () => undefined },
  })
  closeLater(() => webhook.close())
  return webhook
}

test('shipments without a callback are not polled, even if they are configured: nothing would deliver them', async () => {
  const tradecloud = await startClockedTradecloud()
  const catchUp = { settleMs: 0, shipments: { filters: {} } }
  const { worker, calls, log } = startPolling(tradecloud, { onShipment: undefined, catchUp })
  tradecloud.world.changeShipment('s', { deliver: 'none' })
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  expect(await worker.catchUp()).toMatchObject({ polled: 1, recovered: [{ id: 'o' }], error: undefined })
  await until(() => calls.length === 1)
  expect(log.map(({ line }) => line)).toContainEqual(
    expect.stringContaining('catchUp.shipments is set without onShipment'),
  )
})

test('a process that only stores polls for the others: a cursor is needed only for what they take', async () => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  const { calls } = startPolling(tradecloud, { inbox: inbox(), onShipment: undefined, catchUp: undefined })
  const first = startStoring(tradecloud, inbox(), FROM)
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  expect(await first.catchUp()).toMatchObject({ polled: 1, recoveredTotal: 1 })
  await until(() => calls.length === 1)
  expect(storage.positions.size).toBe(1)
  await first.close()
  const again = startStoring(tradecloud, inbox())
  await again.ready()
  expect(await again.catchUp()).toMatchObject({ polled: 1, covered: 1, error: undefined })
  // A process with a callback for shipments joins. No start time is configured for the list of shipments.
  startPolling(tradecloud, { inbox: inbox(), onOrder: undefined })
  tradecloud.world.changeShipment('s', { deliver: 'none' })
  await expect(again.catchUp()).rejects.toThrow('no cursor')
  expect(storage.positions.size).toBe(1)
})

test('a run fails while no process has a callback: it cannot tell that nothing is missing', async () => {
  const tradecloud = await startClockedTradecloud()
  const storing = startStoring(tradecloud, memoryCatchUp().inbox(), FROM)
  await storing.ready()
  expect(await storing.catchUp({ dryRun: true })).toMatchObject({
    ...{ polled: 0, to: undefined },
    error: { message: expect.stringContaining('No process has an onOrder or onShipment') },
  })
  expect(tradecloud.api.counts.polls).toBe(0)
})
