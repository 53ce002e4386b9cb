/**
 * Contract of the catch-up: its lease, its cursors, how it stores the events that it has found, and runs that are
 * requested at the command line.
 */
import assert from 'node:assert/strict'
import { LeaseLostError } from '../../inbox/catch-up/storage'
import { acquire, arrivalOf, catchUpOf, NOON, polled, requestFor, SCOPE, textOf } from './catch-up-rig'
import { ORDER_ID, orderEvent, same, type ContractTest } from './harness'

const LARGE = 2.5 * 1024 * 1024

export const catchUpTests: ContractTest[] = [
  {
    name: 'catch-up: one process polls at a time, for each webhook',
    run: async (harness) => {
      const [one, other] = [catchUpOf(await harness.open()), catchUpOf(await harness.open())]
      const { token } = await acquire(one)
      assert.equal(await other.acquire(), undefined)
      assert.equal(await one.acquire(), undefined)
      await acquire(catchUpOf(await harness.open(), 'another webhook'))
      assert.equal(await one.renew(token), true)
      await one.release(token)
      assert.equal(await one.renew(token), false)
      const later = await acquire(other)
      // `one` no longer holds the lease, so this has no effect.
      await one.release(token)
      assert.equal(await other.renew(later.token), true)
    },
  },
  {
    name: 'catch-up: without the lease nothing is written',
    run: async (harness) => {
      const [one, other] = [catchUpOf(await harness.open()), catchUpOf(await harness.open())]
      const lost = await acquire(one)
      await one.release(lost.token)
      const lease = await acquire(other)
      await other.savePosition(lease, { cursor: 'before', since: 1 })
      const entity = polled({ a: NOON })
      const writes = [
        one.store(lost, requestFor(entity)),
        one.savePosition(lost, { cursor: 'after', since: 2 }),
        one.firstSeen(lost, 'something', 5),
        one.forgetAfter(lost, SCOPE, 0),
      ]
      for (const write of writes) await assert.rejects(write, LeaseLostError)
      same(await other.position(SCOPE.key), { cursor: 'before', since: 1 })
      same(await other.waiting(), { events: 0, bytes: 0 })
      same((await other.arrivals(entity)).marks, [])
      assert.equal(await other.firstSeen(lease, 'something', 6), 6)
    },
  },
  {
    name: 'catch-up: keeps where each list is',
    run: async (harness) => {
      const catchUp = catchUpOf(await harness.open())
      const lease = await acquire(catchUp)
      assert.equal(await catchUp.position(SCOPE.key), undefined)
      const partial = { after: '2026-11-02', horizon: NOON, isSweep: true }
      const position = { cursor: 'never', sweptAt: NOON, clock: NOON + 1, partial }
      await catchUp.savePosition(lease, { ...position, since: NaN })
      const other = catchUpOf(await harness.open())
      const { since, ...stored } = (await other.position(SCOPE.key)) ?? assert.fail('it was not kept')
      same(stored, position)
      assert.ok(Number.isNaN(since))
      assert.equal(await other.position('another list'), undefined)
      assert.equal(await catchUpOf(await harness.open(), 'another webhook').position(SCOPE.key), undefined)
      await catchUp.savePosition(lease, { cursor: '2026', since: 3 })
      same(await other.position(SCOPE.key), { cursor: '2026', since: 3 })
    },
  },
  {
    name: 'catch-up: stores and delivers what nothing covers, once',
    run: async (harness) => {
      const { inbox, takeOne, takeNow } = await harness.join()
      const catchUp = catchUpOf(inbox)
      const lease = await acquire(catchUp)
      await inbox.accept(...orderEvent(), arrivalOf({ a: NOON }))
      await inbox.settle(await takeOne(), { result: 'delivered' })
      const entity = polled({ a: NOON, b: NOON + 1, c: NOON + 2 })
      const stored = await catchUp.store(lease, requestFor(entity))
      assert.deepEqual([...stored.parts], [entity.parts[0], entity.parts[2], entity.parts[3]])
      const { events, bytes } = await catchUp.waiting()
      assert.equal(events, 1)
      assert.equal(bytes, JSON.stringify(entity.content).length)
      same(await catchUp.store(lease, requestFor(entity)), { parts: [], isLeft: false })
      const delivery = await takeOne()
      same(JSON.parse(String(delivery.bytes)), entity.content)
      same(delivery.event.found, { form: 'deliverySchedule', lines: [1, 2], outdated: false })
      same(delivery.event.entity, { kind: 'order', id: ORDER_ID })
      await inbox.settle(delivery, { result: 'delivered' })
      same(await takeNow(), [])
      same(await catchUp.waiting(), { events: 0, bytes: 0 })
    },
  },
  {
    name: 'catch-up: a change that is found again is not stored again, whatever became of its event',
    run: async (harness) => {
      const { inbox, takeOne, takeNow } = await harness.join()
      const catchUp = catchUpOf(inbox)
      const lease = await acquire(catchUp)
      const entity = polled({ a: NOON })
      await catchUp.store(lease, requestFor(entity, { all: 'the first' }))
      await inbox.settle(await takeOne(), { result: 'dead', outcome: 'rejected', reason: 'not wanted' })
      same(await catchUp.store(lease, requestFor(entity, { all: 'the first' })), { parts: [], isLeft: false })
      same(await takeNow(), [])
      await catchUp.store(lease, requestFor(entity, { all: 'the second' }))
      await takeOne()
    },
  },
  {
    name: 'catch-up: compares in the transaction that stores: what is older than what arrived is not stored',
    run: async (harness) => {
      const { inbox, takeOne, takeNow } = await harness.join()
      const catchUp = catchUpOf(inbox)
      const lease = await acquire(catchUp)
      await inbox.accept(...orderEvent(), arrivalOf({ a: NOON + 1 }))
      await inbox.settle(await takeOne(), { result: 'delivered' })
      const entity = polled({ a: NOON, b: NOON })
      same(await catchUp.store(lease, requestFor(entity)), { parts: [], isLeft: true })
      same(await takeNow(), [])
      await catchUp.store(lease, requestFor(entity, { outdated: true }))
      assert.equal((await takeOne()).event.found?.outdated, true)
    },
  },
  {
    name: 'catch-up: stores an order whose ID a database cannot hold as it is, and knows it again',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const catchUp = catchUpOf(inbox)
      const lease = await acquire(catchUp)
      for (const id of ['nul \0 half \ud83d', 'nul \0 half \ud83c', 'x'.repeat(5_000)]) {
        const entity = polled({ a: NOON }, { id })
        same((await catchUp.arrivals(entity)).marks, [])
        assert.equal((await catchUp.store(lease, requestFor(entity))).parts.length, 2)
        same(await catchUp.store(lease, requestFor(entity)), { parts: [], isLeft: false })
        const delivery = await takeOne()
        same(JSON.parse(String(delivery.bytes)), entity.content)
        await inbox.settle(delivery, { result: 'delivered' })
      }
    },
  },
  {
    name: 'catch-up: stores a large order',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const catchUp = catchUpOf(inbox)
      const lease = await acquire(catchUp)
      const entity = polled({ a: NOON }, { description: 'x'.repeat(LARGE) })
      await catchUp.store(lease, requestFor(entity))
      const delivery = await takeOne()
      assert.equal(String(delivery.bytes), JSON.stringify(entity.content))
      await inbox.settle(delivery, { result: 'delivered' })
      // The event is already stored, so this call stores nothing, and must not leave an empty queue behind.
      await catchUp.store(lease, requestFor(entity))
      same(await catchUp.waiting(), { events: 0, bytes: 0 })
      same(await inbox.stats().then(({ waiting, running }) => waiting + running), 0)
    },
  },
  {
    name: 'catch-up: a run that is asked for is taken once, and reports',
    run: async (harness) => {
      const [asking, other] = [catchUpOf(await harness.open()), catchUpOf(await harness.open())]
      assert.equal(await other.takeRequest(), undefined)
      const request = { from: textOf(NOON), dryRun: true }
      const id = await asking.requestRun(request)
      const void_ = await asking.requestRun({ all: true })
      assert.equal(await catchUpOf(await harness.open(), 'another webhook').takeRequest(), undefined)
      assert.equal((await asking.runStatus(id))?.state, 'waiting')
      assert.equal(await asking.withdrawRequest(void_), true)
      same(await other.takeRequest(), { id, request })
      assert.equal(await other.takeRequest(), undefined)
      assert.equal(await asking.withdrawRequest(id), false)
      await other.reportRun(id, { state: 'running', report: { polled: 3 } })
      const { reportedAgoMs, ...status } = (await asking.runStatus(id)) ?? assert.fail('it is not known')
      same(status, { state: 'running', report: { polled: 3 } })
      assert.ok(reportedAgoMs >= 0)
      await other.reportRun(id, { state: 'done', report: { polled: 5 } })
      assert.equal((await asking.runStatus(id))?.state, 'done')
      assert.equal(await asking.runStatus(void_), undefined)
    },
  },
]
