/** Contract: the order in which events are taken, and the effects of a settlement. */
import assert from 'node:assert/strict'
import type { InboxDelivery } from '../../inbox/inbox'
import {
  same,
  attach,
  NAME,
  ofOrder,
  orderEvent,
  getTrigger,
  DELIVERED,
  type ContractTest,
  type AttachedInbox,
} from './harness'

const later = (delayMs: number) => ({ result: 'retry', delayMs, outcome: 'handler_failed', reason: 'away' }) as const

export const deliverTests: ContractTest[] = [
  {
    name: 'order: events of one entity are handed out one at a time, in order of arrival',
    run: async (harness) => {
      const { inbox, takeOne, takeNow } = await harness.join()
      const bodies = ['1', '2', '3', '4', '5']
      for (const body of bodies) await inbox.accept(...orderEvent(body))
      for (const body of bodies) {
        const delivery = await takeOne()
        assert.equal(String(delivery.bytes), body)
        same(await takeNow(), [])
        await inbox.settle(delivery, DELIVERED)
      }
      same(await takeNow(), [])
    },
  },
  {
    name: 'order: a documents event waits for an order event of the same order',
    run: async (harness) => {
      const { inbox, takeOne, takeNow } = await harness.join()
      await inbox.accept(...orderEvent('order'))
      await inbox.accept(...orderEvent('documents', { kind: 'orderDocuments' }))
      const first = await takeOne()
      same(await takeNow(), [])
      await inbox.settle(first, DELIVERED)
      assert.equal((await takeOne()).event.kind, 'orderDocuments')
    },
  },
  {
    name: 'order: other entities, and events without one, are not held up',
    run: async (harness) => {
      const { inbox, takeNow } = await harness.join()
      for (const number of ['A', 'A', 'B', 'C']) await inbox.accept(...orderEvent(undefined, ofOrder(number)))
      for (let i = 0; i < 2; i++) await inbox.accept(...orderEvent(undefined, { entity: undefined }))
      assert.equal((await takeNow()).length, 5)
    },
  },
  {
    name: 'take: no more than the limit, and no more bytes than there is room for',
    run: async (harness) => {
      const { inbox, takeNow } = await harness.join()
      for (let i = 0; i < 6; i++) await inbox.accept(...orderEvent(Buffer.alloc(1000, String(i)), ofOrder(i)))
      assert.equal((await takeNow(2)).length, 2)
      assert.equal((await takeNow(10, 2500)).length, 2)
      assert.equal((await takeNow(10, 999)).length, 0)
      assert.equal((await takeNow()).length, 2)
    },
  },
  {
    name: 'take: of several processes that take at the same time, one gets each event, and only once',
    run: async (harness) => {
      const first = await harness.join()
      const members = [first, await harness.join(), await harness.join()]
      const events = Array.from({ length: 240 }, (_, i) => orderEvent(`once ${i}`, ofOrder(i % 12)))
      await Promise.all(events.map((event) => first.inbox.accept(...event)))
      const taken: string[] = []
      const ended = new Set<string>()
      const takeAll = async ({ inbox, takeNow }: AttachedInbox): Promise<void> => {
        while (ended.size < events.length) {
          const deliveries = await takeNow(4)
          taken.push(...deliveries.map(({ event }) => event.id))
          const settle = async (delivery: InboxDelivery): Promise<void> => {
            assert.equal(await inbox.settle(delivery, DELIVERED), true)
            ended.add(delivery.event.id)
          }
          await Promise.all(deliveries.map(settle))
        }
      }
      await Promise.all(members.map(takeAll))
      assert.equal(taken.length, events.length)
    },
  },
  {
    name: 'take: the kinds and names that are wanted, and only those of the same webhook',
    run: async (harness) => {
      const { inbox } = await harness.join([{ kind: 'order', eventNames: ['OrderIssuedByBuyer'] }])
      const accept = (more: Parameters<typeof orderEvent>[1]): Promise<unknown> =>
        inbox.accept(...orderEvent(undefined, { entity: undefined, ...more }))
      await accept({ eventName: 'OrderIssuedByBuyer' })
      await accept({ eventName: 'OrderRejectedBySupplier' })
      await accept({ kind: 'shipment', eventName: 'ShipmentIssuedBySupplier' })
      await accept({ name: 'other', eventName: 'OrderIssuedByBuyer' })
      await inbox.accept(...getTrigger(ofOrder('no name')))
      const taken = (await inbox.take({ limit: 10, maxBytes: 1e9 })).deliveries
      same(
        taken.map(({ event }) => [event.name, event.eventName]),
        [[NAME, 'OrderIssuedByBuyer']],
      )
      const shipments = attach(await harness.open(), [{ kind: 'shipment' }])
      assert.equal((await shipments.takeOne()).event.kind, 'shipment')
      same(await shipments.takeNow(), [])
    },
  },
  {
    name: 'take: an event without a callback keeps its place and holds up its queue',
    run: async (harness) => {
      const { takeNow, inbox } = await harness.join([{ kind: 'order' }])
      await inbox.accept(...orderEvent('documents', { kind: 'orderDocuments' }))
      await inbox.accept(...orderEvent('order'))
      same(await takeNow(), [])
      const other = await harness.join([{ kind: 'orderDocuments' }])
      await other.inbox.settle(await other.takeOne(), DELIVERED)
      same(await other.takeNow(), [])
      assert.equal(String((await takeNow())[0]?.bytes), 'order')
    },
  },
  {
    name: 'retry: handed out again after the delay; until then the entity waits',
    run: async (harness) => {
      const { inbox, takeOne, takeNow, take } = await harness.join()
      await inbox.accept(...orderEvent('1'))
      await inbox.accept(...orderEvent('2'))
      const first = await takeOne()
      assert.equal(await inbox.settle(first, later(60_000)), true)
      same(await takeNow(), [])
      const { nextDueInMs = 0 } = await inbox.take({ limit: 1, maxBytes: 1e9 })
      assert.ok(nextDueInMs > 30_000 && nextDueInMs <= 60_000, `${nextDueInMs}`)
      const entry = (await inbox.list({ state: 'waiting' })).entries[0] ?? assert.fail('it is not listed')
      assert.equal(entry.reason, 'away')
      assert.ok(Date.parse(String(entry.nextAttemptAt)) > Date.now())
      assert.equal(await inbox.replay(first.event.id), true)
      const second = await takeOne()
      assert.equal(String(second.bytes), '1')
      assert.equal(second.attempt, 2)
      assert.equal(second.firstAttemptAt.getTime(), first.firstAttemptAt.getTime())
      await inbox.settle(second, later(1))
      const [third] = await take()
      assert.equal(third?.attempt, 3)
    },
  },
  {
    name: 'settle: dead and quarantined events are kept with their reason, and the queue goes on',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      for (const body of ['1', '2', '3']) await inbox.accept(...orderEvent(body))
      await inbox.settle(await takeOne(), { result: 'dead', outcome: 'rejected', reason: 'not ours' })
      await inbox.settle(await takeOne(), { result: 'quarantined', outcome: 'malformed_body', reason: 'not JSON' })
      assert.equal(String((await takeOne()).bytes), '3')
      const { entries } = await inbox.list()
      same(
        entries.map(({ state, outcome, reason }) => [state, outcome, reason]),
        [
          ['dead', 'rejected', 'not ours'],
          ['quarantined', 'malformed_body', 'not JSON'],
          ['running', undefined, undefined],
        ],
      )
    },
  },
  {
    name: 'settle: works once; a delivery that was settled no longer owns its event',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      await inbox.accept(...orderEvent('1'))
      await inbox.accept(...orderEvent('2'))
      const first = await takeOne()
      assert.equal(await inbox.settle(first, DELIVERED), true)
      const second = await takeOne()
      assert.equal(await inbox.settle(first, DELIVERED), false)
      assert.equal((await inbox.list({ state: 'running' })).entries[0]?.id, second.event.id)
    },
  },
  {
    name: 'settle: an event that arrives while the last one of its queue is settled is never left without a queue',
    run: async (harness) => {
      const one = await harness.join()
      const other = await harness.open()
      let accepted = 0
      let delivered = 0
      const accept = async (i: number): Promise<void> => {
        await (i % 2 === 0 ? one.inbox : other).accept(...orderEvent(`race ${i}`))
        accepted++
      }
      await accept(0)
      for (let i = 1; i <= 200; i++) {
        const taken: InboxDelivery[] = await one.take(1)
        delivered += taken.length
        await Promise.all([accept(i), ...taken.map((delivery) => one.inbox.settle(delivery, DELIVERED))])
      }
      while (delivered < accepted) {
        const delivery = await one.takeOne()
        delivered++
        await one.inbox.settle(delivery, DELIVERED)
      }
      same(await one.takeNow(), [])
    },
  },
]
