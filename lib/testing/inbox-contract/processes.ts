/** Contract: several processes that share an inbox, and the events that an ended process leaves behind. */
import assert from 'node:assert/strict'
import type { EventKind } from '../../events/events'
import {
  NAME,
  same,
  attach,
  getTrigger,
  ofOrder,
  ORDER_ID,
  orderEvent,
  until,
  DELIVERED,
  type ContractTest,
} from './harness'

export const processTests: ContractTest[] = [
  {
    name: 'processes: share the events, and never an entity',
    run: async (harness) => {
      const [one, other] = [await harness.join(), await harness.join()]
      for (let i = 0; i < 10; i++) {
        await one.inbox.accept(...orderEvent(`a${i}`, ofOrder(i)))
        await other.inbox.accept(...orderEvent(`b${i}`, ofOrder(i)))
      }
      const taken = [...(await one.takeNow(5)), ...(await other.takeNow(100)), ...(await one.takeNow(100))]
      assert.equal(taken.length, 10)
      assert.equal(new Set(taken.map(({ event }) => event.entity?.id)).size, 10)
    },
  },
  {
    name: 'processes: an event accepted by one wakes the other',
    run: async (harness) => {
      const [one, other] = [await harness.join(), await harness.open()]
      await one.takeNow()
      const before = one.wakes()
      await other.accept(...orderEvent())
      await until(() => Promise.resolve(one.wakes() > before || undefined), 'the other process to be woken')
      assert.equal((await one.takeNow()).length, 1)
    },
  },
  {
    name: 'processes: during a deployment each event goes to the release that has a callback for it',
    run: async (harness) => {
      const before = await harness.join([{ kind: 'order' }])
      const after = await harness.join([{ kind: 'order' }, { kind: 'shipment' }])
      for (let i = 0; i < 10; i++)
        await before.inbox.accept(
          ...orderEvent(`s${i}`, { kind: 'shipment', entity: { kind: 'shipment', id: `${i}` } }),
        )
      await before.inbox.accept(...orderEvent('order'))
      assert.equal(await before.inbox.isWanted(NAME, 'shipment', undefined), true)
      same(
        (await before.takeNow()).map(({ event }) => event.kind),
        ['order'],
      )
      const taken = await after.takeNow()
      assert.equal(taken.length, 10)
      for (const delivery of taken) await after.inbox.settle(delivery, DELIVERED)
      const { delivered, dead, quarantined } = await before.inbox.stats()
      same([delivered, dead, quarantined], [10, 0, 0])
    },
  },
  {
    name: 'processes: webhooks get their own events only, also where name and ID of an order contain colons',
    run: async (harness) => {
      const one = await harness.join(undefined, 'a')
      const other = await harness.join(undefined, 'a:order')
      await one.inbox.accept(...orderEvent('1', { name: 'a', entity: { kind: 'order', id: 'order:x' } }))
      await one.inbox.accept(...orderEvent('2', { name: 'a:order', entity: { kind: 'order', id: 'x' } }))
      const [first, second] = [await one.takeNow(), await other.takeNow()]
      same(
        [first, second].map((taken) => taken.map(({ event }) => event.name)),
        [['a'], ['a:order']],
      )
    },
  },
  {
    name: 'processes: an event that none of them has a callback for waits, and raises an alarm once',
    run: async (harness) => {
      const { inbox, alarms, takeNow } = await harness.join([{ kind: 'order' }])
      for (const id of ['1', '2'])
        await inbox.accept(...orderEvent(`s${id}`, { kind: 'shipment', entity: { kind: 'shipment', id } }))
      await until(() => Promise.resolve(alarms.length > 0 || undefined), 'an alarm')
      assert.equal(alarms.length, 1)
      assert.match(alarms[0] ?? '', /shipment/)
      same(await takeNow(), [])
      const later = await harness.join([{ kind: 'shipment' }])
      assert.equal((await later.takeNow()).length, 2)
    },
  },
  {
    name: 'processes: events for callbacks of a process that left are still wanted, as it may be restarting',
    run: async (harness) => {
      const orders = await harness.join([{ kind: 'order' }])
      const { inbox } = orders
      const isWanted = (kind: EventKind, eventName?: string) => inbox.isWanted(NAME, kind, eventName)
      assert.equal(await isWanted('shipment'), false)
      const leaving = await harness.join([{ kind: 'shipment' }, { kind: 'orderDocuments', eventNames: ['Attached'] }])
      // The second result must not come from a cache: with an outdated result, an event would be lost.
      assert.equal(await isWanted('shipment'), true)
      leaving.detach()
      await leaving.inbox.close()
      const later = await harness.open()
      for (const asked of [inbox, later]) {
        assert.equal(await asked.isWanted(NAME, 'shipment', undefined), true)
        assert.equal(await asked.isWanted(NAME, 'orderDocuments', 'Attached'), true)
        assert.equal(await asked.isWanted(NAME, 'orderDocuments', 'Removed'), false)
        assert.equal(await asked.isWanted('another webhook', 'shipment', undefined), false)
      }
      await inbox.accept(...orderEvent('s', { kind: 'shipment', entity: { kind: 'shipment', id: 's' } }))
      same(await orders.takeNow(), [])
      const restarted = await harness.join([{ kind: 'shipment' }])
      assert.equal(String((await restarted.takeOne()).bytes), 's')
    },
  },
  {
    name: 'close: what was not settled is delivered by another process, as the next attempt',
    run: async (harness) => {
      const first = await harness.join()
      await first.inbox.accept(...orderEvent('1'))
      await first.inbox.accept(...orderEvent('2'))
      const lost = await first.takeOne()
      assert.equal(lost.attempt, 1)
      await first.inbox.close()
      const second = await harness.join()
      const delivery = await second.takeOne()
      same([String(delivery.bytes), delivery.attempt, delivery.replay], ['1', 2, false])
      assert.equal(delivery.firstAttemptAt.getTime(), lost.firstAttemptAt.getTime())
      await second.inbox.settle(delivery, DELIVERED)
      assert.equal(String((await second.takeOne()).bytes), '2')
    },
  },
  {
    name: 'close: what was not settled waits again, and can be given up',
    run: async (harness) => {
      const first = await harness.join()
      await first.inbox.accept(...orderEvent())
      const { event } = await first.takeOne()
      await first.inbox.close()
      const later = await harness.open()
      same(
        (await later.list()).entries.map(({ id, state }) => [id, state]),
        [[event.id, 'waiting']],
      )
      assert.equal(await later.giveUp(event.id, 'it ends every process that delivers it'), true)
      assert.equal((await later.stats()).dead, 1)
    },
  },
  {
    name: 'close: an event that is being taken meanwhile is free afterwards',
    run: async (harness) => {
      const receiver = await harness.open()
      for (const number of [1, 2]) await receiver.accept(...orderEvent(String(number), ofOrder(number)))
      // Unlike `join`, `attach` does not wait until the other processes know of this one.
      const first = attach(await harness.open())
      const taking = first.takeNow(1).catch(() => [])
      await first.inbox.close()
      const taken = await taking
      assert.ok(taken.every((delivery) => !delivery.isOwned()))
      assert.equal((await receiver.stats()).running, 0)
      assert.equal((await (await harness.join()).take()).length, 2)
    },
  },
  {
    name: 'close: a closed inbox takes nothing and owns nothing',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      await inbox.accept(...orderEvent())
      const delivery = await takeOne()
      await inbox.close()
      assert.equal(delivery.isOwned(), false)
      await assert.rejects(inbox.accept(...orderEvent()))
      await inbox.close()
    },
  },
  {
    name: 'detach: takes nothing more, and what was taken can still be settled',
    run: async (harness) => {
      const { inbox, takeOne, takeNow, detach } = await harness.join()
      await inbox.accept(...orderEvent('1'))
      await inbox.accept(...orderEvent('2'))
      const delivery = await takeOne()
      detach()
      assert.equal(await inbox.settle(delivery, DELIVERED), true)
      same(await takeNow(), [])
      const other = await harness.join()
      assert.equal(String((await other.takeOne()).bytes), '2')
    },
  },
  {
    name: 'restart: everything that was accepted is still there, in order',
    run: async (harness) => {
      const first = await harness.join()
      await first.inbox.accept(...orderEvent('1'))
      await first.inbox.accept(...getTrigger())
      await first.inbox.accept(...orderEvent('3'))
      await first.inbox.close()
      const second = await harness.join()
      const order: string[] = []
      for (let i = 0; i < 3; i++) {
        const delivery = await second.takeOne()
        order.push(String(delivery.bytes))
        await second.inbox.settle(delivery, DELIVERED)
      }
      same(order, ['1', '', '3'])
      assert.equal((await second.inbox.accept(...orderEvent('1'))).result, 'duplicate')
    },
  },
  {
    name: 'ready: an inbox that only stores needs no process attached to it',
    run: async (harness) => {
      const receiver = await harness.open()
      await receiver.accept(...orderEvent('stored'))
      const worker = attach(await harness.open())
      assert.equal(String((await worker.takeOne()).bytes), 'stored')
    },
  },
  {
    name: 'is wanted: by the callbacks of any process that shares the inbox',
    run: async (harness) => {
      const { inbox } = await harness.join([
        { kind: 'order' },
        { kind: 'shipment', eventNames: ['ShipmentIssuedBySupplier'] },
      ])
      const other = await harness.open()
      for (const one of [inbox, other]) {
        assert.equal(await one.isWanted(NAME, 'order', undefined), true)
        assert.equal(await one.isWanted(NAME, 'shipment', 'ShipmentIssuedBySupplier'), true)
        assert.equal(await one.isWanted(NAME, 'shipment', 'ShipmentApprovedByBuyer'), false)
        assert.equal(await one.isWanted(NAME, 'shipment', undefined), false)
        assert.equal(await one.isWanted(NAME, 'orderDocuments', ORDER_ID), false)
        assert.equal(await one.isWanted('other', 'order', undefined), false)
      }
    },
  },
  {
    name: 'close: an alarm reports that no process takes what a closed one had callbacks for, however short it was there',
    run: async (harness) => {
      const { alarms } = await harness.join([{ kind: 'shipment' }])
      const { inbox, takeNow } = await harness.join()
      await Promise.all([takeNow(), takeNow()])
      await inbox.accept(...orderEvent())
      await inbox.close()
      await until(() => Promise.resolve(alarms.length > 0 || undefined), 'an alarm')
      assert.match(alarms[0] ?? '', /order/)
    },
  },
]
