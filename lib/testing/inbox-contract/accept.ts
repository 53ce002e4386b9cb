/** Contract: what happens to an event that is stored. */
import assert from 'node:assert/strict'
import { same, getTrigger, ofOrder, orderEvent, DELIVERED, DEAD, type ContractTest } from './harness'

const MIB = 1024 * 1024

export const acceptTests: ContractTest[] = [
  {
    name: 'accept: an event is queued, and handed out as it was stored',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const [event, bytes] = orderEvent('{"eventName":"é"}')
      same(await inbox.accept(event, bytes), { result: 'queued', id: event.id })
      const delivery = await takeOne()
      same(delivery.event, event)
      same(String(delivery.bytes), String(bytes))
      assert.equal(delivery.attempt, 1)
      assert.equal(delivery.replay, false)
      assert.equal(delivery.isOwned(), true)
    },
  },
  {
    name: 'accept: an event with any characters in its texts is handed out as it was stored',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const text = 'nul \0 half \ud83d pair \ud83d\ude00 \\u0000 "\'$1'
      const [event, bytes] = orderEvent('{}', { eventName: text, ...ofOrder(text), requestId: text })
      same(await inbox.accept(event, bytes), { result: 'queued', id: event.id })
      same((await takeOne()).event, event)
    },
  },
  {
    name: 'accept: a large body and one that is not text arrive unchanged',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const large = Buffer.alloc(5 * MIB + 17)
      for (let at = 0; at < large.length; at += 4)
        large.writeUInt32LE((at * 2654435761) >>> 0, Math.min(at, large.length - 4))
      for (const body of [large, Buffer.from([0, 255, 128, 10, 0])]) {
        await inbox.accept(...orderEvent(body, ofOrder(body.length)))
        const delivery = await takeOne()
        assert.equal(Buffer.compare(Buffer.from(delivery.bytes), body), 0)
        assert.equal(await inbox.settle(delivery, DELIVERED), true)
        const again = await inbox.accept(...orderEvent(body, ofOrder(body.length)))
        same(again, { result: 'duplicate', id: delivery.event.id })
      }
    },
  },
  {
    name: 'duplicate: the same key while the event waits, runs, and after it was delivered',
    run: async (harness) => {
      const { inbox, takeOne, takeNow } = await harness.join()
      const again = (): ReturnType<typeof inbox.accept> => inbox.accept(...orderEvent('same'))
      const { id } = await again()
      same(await again(), { result: 'duplicate', id })
      const delivery = await takeOne()
      same(await again(), { result: 'duplicate', id })
      await inbox.settle(delivery, DELIVERED)
      same(await again(), { result: 'duplicate', id })
      same(await takeNow(), [])
    },
  },
  {
    name: 'duplicate: of many at the same time, one is queued',
    run: async (harness) => {
      const { inbox } = await harness.join()
      const results = await Promise.all(Array.from({ length: 20 }, () => inbox.accept(...orderEvent('same'))))
      assert.equal(results.filter(({ result }) => result === 'queued').length, 1)
      assert.equal(results.filter(({ result }) => result === 'duplicate').length, 19)
    },
  },
  {
    name: 'repeatable: a duplicate until it was delivered, then a new event each time',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const send = (): ReturnType<typeof inbox.accept> => inbox.accept(...orderEvent('resent', { repeatable: true }))
      const ids = new Set<string>()
      for (let round = 0; round < 3; round++) {
        const { result, id } = await send()
        assert.equal(result, 'queued')
        assert.equal(ids.has(id), false)
        ids.add(id)
        same(await send(), { result: 'duplicate', id })
        const delivery = await takeOne()
        assert.equal(delivery.event.id, id)
        same(await send(), { result: 'duplicate', id })
        await inbox.settle(delivery, DELIVERED)
      }
    },
  },
  {
    name: 'merge: a GET trigger merges into one that waits, and is never a duplicate',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const first = await inbox.accept(...getTrigger())
      assert.equal(first.result, 'queued')
      same(await inbox.accept(...getTrigger()), { result: 'merged', id: first.id })
      assert.equal((await inbox.accept(...getTrigger(ofOrder('other')))).result, 'queued')
      const delivery = await takeOne()
      assert.equal(delivery.bytes.length, 0)
      // A running trigger has already begun to fetch and may miss the latest change, so the next trigger does not merge
      // into it.
      assert.equal((await inbox.accept(...getTrigger())).result, 'queued')
      await inbox.settle(delivery, DELIVERED)
      assert.equal((await inbox.accept(...getTrigger())).result, 'merged')
    },
  },
  {
    name: 'merge: a GET trigger does not merge past a body that came in between',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      await inbox.accept(...getTrigger())
      await inbox.accept(...orderEvent('version 2'))
      assert.equal((await inbox.accept(...getTrigger())).result, 'queued')
      const order: string[] = []
      for (let i = 0; i < 3; i++) {
        const delivery = await takeOne()
        order.push(delivery.event.trigger)
        await inbox.settle(delivery, DELIVERED)
      }
      same(order, ['id', 'body', 'id'])
    },
  },
  {
    name: 'merge: a GET trigger that failed before is not merged into',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      await inbox.accept(...getTrigger())
      await inbox.settle(await takeOne(), { result: 'retry', delayMs: 60_000, outcome: 'fetch_failed', reason: 'away' })
      assert.equal((await inbox.accept(...getTrigger())).result, 'queued')
    },
  },
  {
    name: 'dead: the same event sent again is queued again, behind newer ones, with its ID',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const { id } = await inbox.accept(...orderEvent('first'))
      await inbox.settle(await takeOne(), DEAD)
      const second = await inbox.accept(...orderEvent('second'))
      same(await inbox.accept(...orderEvent('first')), { result: 'queued', id })
      same(await inbox.accept(...orderEvent('first')), { result: 'duplicate', id })
      const next = await takeOne()
      assert.equal(next.event.id, second.id)
      await inbox.settle(next, DELIVERED)
      const last = await takeOne()
      assert.equal(last.event.id, id)
      assert.equal(last.attempt, 1)
      same(String(last.bytes), String(Buffer.from('first')))
    },
  },
  {
    name: 'quarantine: kept and not handed out; the same again is quarantined once',
    run: async (harness) => {
      const { inbox, takeNow } = await harness.join()
      const quarantine = { code: 'malformed_body', reason: 'not JSON' }
      const bad = (): ReturnType<typeof inbox.accept> =>
        inbox.accept(...orderEvent('{', { kind: 'unknown', entity: undefined, eventName: undefined, quarantine }))
      const { result, id } = await bad()
      assert.equal(result, 'quarantined')
      same(await bad(), { result: 'quarantined', id })
      same(await takeNow(), [])
      const { entries } = await inbox.list({ state: 'quarantined' })
      same(
        entries.map(({ outcome, reason }) => [outcome, reason]),
        [['malformed_body', 'not JSON']],
      )
    },
  },
  {
    name: 'quarantine: the same event that can be read now is delivered, and is no duplicate',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const quarantine = { code: 'invalid_body', reason: 'unknown field' }
      const { id } = await inbox.accept(...orderEvent('body', { quarantine }))
      same(await inbox.accept(...orderEvent('body')), { result: 'queued', id })
      assert.equal((await takeOne()).event.id, id)
    },
  },
]
