/**
 * If the database fails before a run reads one of its two lists, the report contains what was found in the other list.
 */
import { memoryCatchUp, startClockedTradecloud, startPolling } from '../integration/catch-up-rig'
import { closeAll, until } from '../integration/harness'

afterEach(closeAll)

test.each([
  ['shipment', 'order'],
  ['order', 'shipment'],
])('the database fails before the %ss: the report contains the %ss', async (failing, kind) => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  const position = storage.position.bind(storage)
  const { worker, calls, log, reports } = startPolling(tradecloud, { inbox: inbox(), catchUp: { settleMs: 0 } })
  await worker.ready()
  tradecloud.world.change('o', { lines: ['a'], deliver: 'none' })
  tradecloud.world.changeShipment('s', { deliver: 'none' })
  storage.position = async (key) => {
    if (key.includes(`"${failing}"`)) throw new Error('the database is away')
    return position(key)
  }
  const report = await worker.catchUp()
  expect(report).toMatchObject({
    ...{ to: undefined, polled: 1, recoveredTotal: 1, recovered: [{ kind }] },
    error: { message: 'the database is away' },
  })
  expect(reports).toEqual([report])
  await until(() => calls.length === 1)
  expect(log.filter(({ level }) => level === 'error')).toEqual([
    expect.objectContaining({ line: expect.stringContaining(`could not read all ${failing}s`) }),
  ])
  storage.position = position
  expect(await worker.catchUp()).toMatchObject({ recoveredTotal: 1, recovered: [{ kind: failing }], error: undefined })
})
