/** Contract: what counts as arrived for the catch-up. */
import assert from 'node:assert/strict'
import type { Arrival } from '../../inbox/catch-up/arrivals'
import { acquire, arrivalOf, catchUpOf, newestOf, NOON, polled, requestFor, SCOPE } from './catch-up-rig'
import { ALL, getTrigger, NAME, ORDER_ID, orderEvent, same, until, type ContractTest } from './harness'

export const arrivalTests: ContractTest[] = [
  {
    name: 'catch-up: what arrives is recorded where a process has a catch-up, also after that has ended',
    run: async (harness) => {
      const [inbox, other] = [await harness.open(), await harness.open()]
      assert.equal(await inbox.recordsArrivals?.(NAME), false)
      inbox.attach({
        ...{ name: NAME, wanted: ALL, maxDelayMs: 1, catchUp: true },
        ...{ wake: () => undefined, leaseLost: () => undefined, alarm: () => undefined },
      })
      assert.equal(await inbox.recordsArrivals?.(NAME), true)
      const isTold = async () => ((await other.recordsArrivals?.(NAME)) ? true : undefined)
      await until(isTold, 'the other process to hear of the catch-up')
      await inbox.close()
      assert.equal(await (await harness.open()).recordsArrivals?.(NAME), true)
      assert.equal(await other.recordsArrivals?.('another webhook'), false)
    },
  },
  {
    name: 'catch-up: an event that is stored has arrived, by line and form',
    run: async (harness) => {
      const inbox = await harness.open()
      const catchUp = catchUpOf(inbox)
      await inbox.accept(...orderEvent(), arrivalOf({ a: NOON, b: NOON + 2 }))
      // The second event is older, and the third has the other form.
      await inbox.accept(...orderEvent(), arrivalOf({ a: NOON - 5 }))
      await inbox.accept(...orderEvent(), arrivalOf({ c: NOON + 9 }, 'singleDelivery'))
      assert.equal(await newestOf(catchUp, 'line:a'), NOON)
      assert.equal(await newestOf(catchUp, 'line:b'), NOON + 2)
      assert.equal(await newestOf(catchUp, 'line:c'), undefined)
      assert.equal(await catchUp.newestArrival(SCOPE), NOON + 2)
      assert.equal(await catchUp.newestArrival({ ...SCOPE, form: 'singleDelivery' }), NOON + 9)
      assert.equal(await catchUp.newestArrival({ ...SCOPE, kind: 'shipment' }), undefined)
      const another = catchUpOf(inbox, 'another webhook')
      same((await another.arrivals(polled({ a: NOON }))).marks, [])
    },
  },
  {
    name: 'catch-up: one that is quarantined has not arrived, unless it is stored again',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const catchUp = catchUpOf(inbox)
      const quarantine = { code: 'malformed_body', reason: 'cut off' }
      await inbox.accept(...orderEvent('cut', { quarantine }), arrivalOf({ a: NOON }))
      assert.equal(await newestOf(catchUp, 'line:a'), undefined)
      await inbox.accept(...orderEvent('b'), arrivalOf({ b: NOON }))
      await inbox.settle(await takeOne(), { result: 'quarantined', outcome: 'ignored', reason: 'no callback' })
      assert.equal(await newestOf(catchUp, 'line:b'), undefined)
      assert.equal((await inbox.accept(...orderEvent('b'), arrivalOf({ b: NOON }))).result, 'queued')
      assert.equal(await newestOf(catchUp, 'line:b'), NOON)
      await inbox.settle(await takeOne(), { result: 'dead', outcome: 'rejected', reason: 'not wanted' })
      const [entry] = (await inbox.list({ state: 'dead' })).entries
      await inbox.purge(entry?.id ?? assert.fail('it is not kept'))
      assert.equal(await newestOf(catchUp, 'line:b'), NOON)
    },
  },
  {
    name: 'catch-up: a GET trigger waits to be fetched, and what was fetched has arrived once it is settled',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const catchUp = catchUpOf(inbox)
      const fetches = async () => {
        const { isFetchWaiting, isFetching } = await catchUp.arrivals(polled({ a: NOON }))
        return [isFetchWaiting, isFetching]
      }
      await inbox.accept(...orderEvent())
      same(await fetches(), [false, false])
      await inbox.settle(await takeOne(), { result: 'delivered' })
      await inbox.accept(...getTrigger())
      same(await fetches(), [true, false])
      const retry = { result: 'retry', delayMs: 0, outcome: 'handler_failed', reason: 'ERP is down' } as const
      const first = await takeOne()
      same(await fetches(), [false, true])
      const lease = await acquire(catchUp)
      same(await catchUp.store(lease, requestFor(polled({ a: NOON }))), { parts: [], isLeft: true })
      // The fetch of this trigger begins later, so it will include all changes that are made until then.
      await inbox.accept(...getTrigger())
      same(await fetches(), [true, false])
      same(await catchUp.store(lease, requestFor(polled({ a: NOON }))), { parts: [], isLeft: false })
      await inbox.settle(first, retry, arrivalOf({ a: NOON }))
      assert.equal(await newestOf(catchUp, 'line:a'), undefined)
      await inbox.settle(await takeOne(), { result: 'delivered' }, arrivalOf({ a: NOON + 1 }))
      await inbox.settle(await takeOne(), { result: 'delivered' }, arrivalOf({ a: NOON + 1 }))
      same(await fetches(), [false, false])
      assert.equal(await newestOf(catchUp, 'line:a'), NOON + 1)
      // A GET trigger does not reveal the form in which events arrive.
      assert.equal(await catchUp.newestArrival(SCOPE), undefined)
    },
  },
  {
    name: 'catch-up: what was delivered replaces what was recorded of an event that was fetched as well',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const catchUp = catchUpOf(inbox)
      await inbox.accept(...orderEvent(), arrivalOf({ a: NOON, b: NOON + 5 }))
      await inbox.accept(...orderEvent(), arrivalOf({ c: NOON }))
      await inbox.settle(await takeOne(), { result: 'delivered' }, arrivalOf({ a: NOON, b: NOON + 1 }))
      assert.equal(await newestOf(catchUp, 'line:a'), NOON)
      assert.equal(await newestOf(catchUp, 'line:b'), NOON + 1)
      assert.equal(await newestOf(catchUp, 'line:c'), NOON)
    },
  },
  {
    name: 'catch-up: documents events cover nothing, and explain a change',
    run: async (harness) => {
      const inbox = await harness.open()
      const arrival: Arrival = { ...arrivalOf({}), documentsAt: NOON }
      await inbox.accept(...orderEvent(undefined, { kind: 'orderDocuments' }), arrival)
      for (const form of ['deliverySchedule', 'singleDelivery'] as const)
        same(await catchUpOf(inbox).arrivals({ kind: 'order', id: ORDER_ID, form }), {
          marks: [],
          documentsAt: [NOON],
          isFetchWaiting: false,
          isFetching: false,
        })
    },
  },
  {
    name: 'catch-up: forgets what arrived up to a time, and what is ahead of a clock that was set back',
    run: async (harness) => {
      const inbox = await harness.open()
      const catchUp = catchUpOf(inbox)
      const lease = await acquire(catchUp)
      const many = Array.from({ length: 450 }, (_, i) => [`${i}`, NOON + i] as const)
      await inbox.accept(...orderEvent(), arrivalOf(Object.fromEntries(many)))
      await inbox.accept(...orderEvent(), { ...arrivalOf({ s: NOON }), kind: 'shipment' })
      assert.equal(await catchUp.firstSeen(lease, 'something', NOON), NOON)
      assert.equal(await catchUp.firstSeen(lease, 'something', NOON + 1), NOON)
      const marksOf = async (kind: 'order' | 'shipment') =>
        (await catchUp.arrivals({ ...SCOPE, kind, id: ORDER_ID })).marks.map(({ time }) => time).sort((a, b) => a - b)
      await catchUp.savePosition(lease, { cursor: '', since: 0, forgottenUpTo: NOON + 429 })
      same(
        await marksOf('order'),
        many.slice(430).map(([, time]) => time),
      )
      assert.equal(await catchUp.firstSeen(lease, 'something', NOON + 1), NOON + 1)
      await catchUp.forgetAfter(lease, SCOPE, NOON + 435)
      same(
        await marksOf('order'),
        many.slice(430, 436).map(([, time]) => time),
      )
      same(await marksOf('shipment'), [NOON])
    },
  },
]
