/** Contract: how many events there are, by state and by hour, and whether more could be stored. */
import assert from 'node:assert/strict'
import { ofOrder, orderEvent, same, DELIVERED, DEAD, type ContractTest } from './harness'

export const figureTests: ContractTest[] = [
  {
    name: 'stats: counts by state, bytes that wait, and the age of the oldest',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      same(JSON.parse(JSON.stringify(await inbox.stats())), {
        ...{ waiting: 0, running: 0, delivered: 0, dead: 0, quarantined: 0, waitingBytes: 0 },
      })
      for (let i = 0; i < 4; i++)
        await inbox.accept(
          ...orderEvent(Buffer.alloc(100, String(i)), { ...ofOrder(i), receivedAt: `2026-01-0${i + 1}T00:00:00.000Z` }),
        )
      await inbox.settle(await takeOne(), DELIVERED)
      await inbox.settle(await takeOne(), DEAD)
      await takeOne()
      same(await inbox.stats(), {
        ...{ waiting: 1, running: 1, delivered: 1, dead: 1, quarantined: 0, waitingBytes: 200 },
        oldestWaitingAt: new Date('2026-01-03T00:00:00.000Z'),
      })
    },
  },
  {
    name: 'count by hour: the events since a time, by the hour in which they were received and their state',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      if (!inbox.countByHour) return
      const since = new Date('2026-01-01T10:30:00.000Z')
      same(await inbox.countByHour(since), [])
      const times = ['08:00', '10:29', '10:30', '10:59', '11:00', '13:15', '13:45']
      for (const [i, time] of times.entries())
        await inbox.accept(...orderEvent(`{"a":${i}}`, { ...ofOrder(i), receivedAt: `2026-01-01T${time}:00.000Z` }))
      for (const settlement of [DELIVERED, DEAD, DELIVERED]) await inbox.settle(await takeOne(), settlement)
      const counts = await inbox.countByHour(since)
      same(counts.map(({ hour, state, count }) => `${hour.toISOString().slice(11, 16)} ${state} ${count}`).sort(), [
        ...['10:00 delivered 1', '10:00 waiting 1', '11:00 waiting 1', '13:00 waiting 2'],
      ])
      same(await inbox.countByHour(new Date('2026-01-01T14:00:00.000Z')), [])
    },
  },
  {
    name: 'check: resolves while events can be stored and leaves them alone, and rejects once the inbox is closed',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      if (!inbox.check) return
      await inbox.accept(...orderEvent('{"a":1}'))
      const delivery = await takeOne()
      const shown = async (): Promise<unknown[]> => [await inbox.stats(), await inbox.list()]
      const before = await shown()
      await Promise.all([inbox.check(), inbox.check()])
      same(await shown(), before)
      assert.equal(await inbox.settle(delivery, DELIVERED), true)
      await inbox.close()
      await assert.rejects(inbox.check(), 'a closed inbox stores nothing')
    },
  },
]
