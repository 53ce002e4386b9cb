/** Contract: the actions of operators (replay, give up, purge). */
import assert from 'node:assert/strict'
import { same, orderEvent, UNKNOWN_ID, DELIVERED, DEAD, type ContractTest } from './harness'

export const actionTests: ContractTest[] = [
  {
    name: 'replay: a delivered, dead or quarantined event is delivered again, behind newer ones',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const settlements = [DELIVERED, DEAD, { result: 'quarantined', outcome: 'invalid_body', reason: 'odd' }] as const
      for (const settlement of settlements) {
        const [event, bytes] = orderEvent(settlement.result)
        await inbox.accept(event, bytes)
        const first = await takeOne()
        assert.equal(await inbox.replay(event.id), false, 'it is running')
        await inbox.settle(first, settlement)
        await inbox.accept(...orderEvent(`newer than ${settlement.result}`))
        assert.equal(await inbox.replay(event.id), true)
        const newer = await takeOne()
        assert.equal(newer.replay, false)
        await inbox.settle(newer, DELIVERED)
        const again = await takeOne()
        same([again.event.id, again.replay, again.attempt], [event.id, true, 1])
        same(String(again.bytes), String(bytes))
        await inbox.settle(again, DELIVERED)
      }
      assert.equal(await inbox.replay(UNKNOWN_ID), false)
    },
  },
  {
    name: 'replay: an event that arrived unreadable is taken by any process',
    run: async (harness) => {
      const quarantine = { code: 'malformed_body', reason: 'not JSON' }
      const { inbox, takeOne } = await harness.join([{ kind: 'shipment' }])
      const { id } = await inbox.accept(...orderEvent('{', { kind: 'unknown', entity: undefined, quarantine }))
      assert.equal(await inbox.replay(id), true)
      assert.equal((await takeOne()).event.id, id)
    },
  },
  {
    name: 'give up: a waiting event becomes dead with the reason, and its queue goes on',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const first = await inbox.accept(...orderEvent('1'))
      await inbox.accept(...orderEvent('2'))
      const later = { result: 'retry', delayMs: 600_000, outcome: 'handler_failed', reason: 'away' } as const
      const delivery = await takeOne()
      assert.equal(await inbox.giveUp(first.id, 'wrong customer'), false, 'it is running')
      await inbox.settle(delivery, later)
      assert.equal(await inbox.giveUp(first.id, 'wrong customer'), true)
      const [dead] = (await inbox.list({ state: 'dead' })).entries
      same([dead?.id, dead?.reason], [first.id, 'wrong customer'])
      assert.equal(String((await takeOne()).bytes), '2')
      assert.equal(await inbox.giveUp(first.id, 'again'), false)
      assert.equal(await inbox.giveUp(UNKNOWN_ID, 'x'), false)
    },
  },
  {
    name: 'purge: removes dead and quarantined events only, and then they are new again',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const { id } = await inbox.accept(...orderEvent('dead'))
      assert.equal(await inbox.purge(id), false)
      const delivery = await takeOne()
      assert.equal(await inbox.purge(id), false)
      await inbox.settle(delivery, DEAD)
      assert.equal(await inbox.purge(id), true)
      assert.equal(await inbox.purge(id), false)
      assert.equal(await inbox.show(id), undefined)
      assert.equal((await inbox.accept(...orderEvent('dead'))).result, 'queued')
    },
  },
]
