/** Contract: what operators can look up (list and show). */
import assert from 'node:assert/strict'
import type { ListOptions } from '../../inbox/inbox'
import type { StoredEvent } from '../../inbox/stored-event'
import { same, ofOrder, orderEvent, UNKNOWN_ID, DEAD, DELIVERED, type ContractTest } from './harness'

export const listTests: ContractTest[] = [
  {
    name: 'list: each event with its fields, the oldest first',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const [event, bytes] = orderEvent('{"a":1}')
      await inbox.accept(event, bytes)
      await inbox.accept(...orderEvent(undefined, ofOrder('PO2')))
      await inbox.settle(await takeOne(), DELIVERED)
      const { entries, next } = await inbox.list()
      assert.equal(next, undefined)
      same(
        entries.map(({ state }) => state),
        ['delivered', 'waiting'],
      )
      const [{ settledAt, ...first }] = entries as [(typeof entries)[number]]
      assert.ok(Math.abs(Date.parse(settledAt ?? '') - Date.now()) < 60_000)
      const { id, name, trigger, kind, eventName, entity, receivedAt, requestId } = event
      const expected = { id, name, trigger, kind, eventName, entity, receivedAt, requestId, state: 'delivered' }
      same(JSON.parse(JSON.stringify(first)), {
        ...JSON.parse(JSON.stringify(expected)),
        attempts: 1,
        bytes: bytes.length,
        outcome: 'delivered',
      })
    },
  },
  {
    name: 'list: page by page, in both directions, without gaps or repeats',
    run: async (harness) => {
      const { inbox } = await harness.join()
      const ids: string[] = []
      for (let i = 0; i < 7; i++) ids.push((await inbox.accept(...orderEvent(undefined, ofOrder(i)))).id)
      for (const newestFirst of [false, true]) {
        const found: string[] = []
        let after: string | undefined
        do {
          const page = await inbox.list({ limit: 3, after, newestFirst })
          assert.ok(page.entries.length <= 3)
          found.push(...page.entries.map(({ id }) => id))
          after = page.next
        } while (after !== undefined)
        same(found, newestFirst ? ids.toReversed() : ids)
      }
    },
  },
  {
    name: 'list: filters by state, kind, event name, entity, and time of arrival',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join([{ kind: 'shipment' }])
      const at = (time: string) => ({ receivedAt: time })
      await inbox.accept(...orderEvent('a', { ...ofOrder('PO-100%_A'), ...at('2026-01-01T00:00:00.000Z') }))
      await inbox.accept(...orderEvent('b', { ...ofOrder('PO-1000A'), ...at('2026-02-01T00:00:00.000Z') }))
      await inbox.accept(
        ...orderEvent('c', {
          kind: 'shipment',
          eventName: 'ShipmentIssuedBySupplier',
          entity: { kind: 'shipment', id: 'x-S1' },
          ...at('2026-03-01T00:00:00.000Z'),
        }),
      )
      await inbox.settle(await takeOne(), DELIVERED)
      const bodies = async (filter: ListOptions): Promise<string> => {
        const { entries } = await inbox.list(filter)
        const shown = await Promise.all(entries.map(({ id }) => inbox.show(id)))
        return shown.map((one) => String(one?.bytes)).join('')
      }
      assert.equal(await bodies({}), 'abc')
      assert.equal(await bodies({ state: 'waiting' }), 'ab')
      assert.equal(await bodies({ state: 'delivered' }), 'c')
      assert.equal(await bodies({ kind: 'shipment' }), 'c')
      assert.equal(await bodies({ eventName: 'ShipmentIssuedBySupplier' }), 'c')
      assert.equal(await bodies({ entityId: '100%_A' }), 'a')
      assert.equal(await bodies({ entityId: 'A' }), 'ab')
      assert.equal(await bodies({ entityId: 'x-S1' }), 'c')
      assert.equal(await bodies({ entityId: 'PO-1' }), '')
      assert.equal(await bodies({ since: new Date('2026-02-01T00:00:00Z') }), 'bc')
      assert.equal(await bodies({ before: new Date('2026-02-01T00:00:00Z') }), 'a')
      assert.equal(await bodies({ state: 'waiting', entityId: 'A', since: new Date('2026-01-15T00:00:00Z') }), 'b')
    },
  },
  {
    name: "list: by the end of an entity's ID, in every state",
    run: async (harness) => {
      const { inbox, takeOne, take } = await harness.join()
      const accept = async (body: string, more: Partial<StoredEvent>): Promise<string> =>
        (await inbox.accept(...orderEvent(body, more))).id
      const settlements = [DELIVERED, DEAD, { ...DEAD, result: 'quarantined' as const }]
      for (const settlement of settlements) {
        await accept(settlement.result, ofOrder('a-PO1'))
        await inbox.settle(await takeOne(), settlement)
      }
      await accept('running', ofOrder('b-PO1'))
      await take(1)
      await accept('waiting', ofOrder('b-PO1'))
      await accept('other', ofOrder('b-PO10'))
      const alone = await accept('alone', { entity: undefined })
      const found = async (filter: ListOptions): Promise<string[]> => {
        const { entries } = await inbox.list(filter)
        return entries.map(({ state }) => state)
      }
      same(await found({ entityId: 'PO1' }), ['delivered', 'dead', 'quarantined', 'running', 'waiting'])
      same(await found({ entityId: 'PO1', newestFirst: true, limit: 2 }), ['waiting', 'running'])
      same(await found({ entityId: 'b-PO1' }), ['running', 'waiting'])
      // Neither the kind of an entity nor the ID of an event belongs to the ID of an entity.
      for (const entityId of ['order:b-PO1', alone, alone.slice(-4)]) same(await found({ entityId }), [])
    },
  },
  {
    name: 'list: by the beginning of an ID',
    run: async (harness) => {
      const { inbox } = await harness.join()
      const ids: string[] = []
      for (let i = 0; i < 40; i++) ids.push((await inbox.accept(...orderEvent(undefined, ofOrder(i)))).id)
      const [first = ''] = ids
      for (const beginning of ['', first.slice(0, 1), first.slice(0, 9), first, `${first}0`]) {
        const { entries } = await inbox.list({ id: beginning })
        same(
          entries.map(({ id }) => id),
          ids.filter((id) => id.startsWith(beginning)),
        )
      }
    },
  },
  {
    name: 'list and show: a waiting event names the one of its order that has to be settled first',
    run: async (harness) => {
      const { inbox, takeOne } = await harness.join()
      const first = await inbox.accept(...orderEvent('1'))
      const second = await inbox.accept(...orderEvent('2'))
      const other = await inbox.accept(...orderEvent('3', ofOrder('PO2')))
      const delivery = await takeOne()
      const behind = async (id: string): Promise<Array<string | undefined>> => {
        const { entries } = await inbox.list({ id })
        return [...entries.map(({ waitsBehind }) => waitsBehind), (await inbox.show(id))?.entry.waitsBehind]
      }
      same(await behind(first.id), [null, null])
      same(await behind(second.id), [first.id, first.id])
      same(await behind(other.id), [null, null])
      await inbox.settle(delivery, DELIVERED)
      same(await behind(second.id), [null, null])
      await inbox.replay(first.id)
      same(await behind(first.id), [second.id, second.id])
    },
  },
  {
    name: 'show: one event with its body and every attempt',
    run: async (harness) => {
      const { inbox, takeOne, take } = await harness.join()
      const [event, bytes] = orderEvent('{"a":1}')
      await inbox.accept(event, bytes)
      const failed = { result: 'retry', delayMs: 1, outcome: 'handler_failed', reason: 'away' } as const
      await inbox.settle(await takeOne(), failed)
      await inbox.settle((await take(1))[0] ?? assert.fail(), DELIVERED)
      const shown = await inbox.show(event.id)
      assert.equal(shown?.entry.state, 'delivered')
      same(shown.event, event)
      same(String(shown.bytes ?? ''), String(bytes))
      same(
        shown.attempts.map(({ outcome, reason }) => [outcome, reason]),
        [
          ['handler_failed', 'away'],
          ['delivered', undefined],
        ],
      )
      for (const { begunAt, endedAt } of shown.attempts) assert.ok(Date.parse(begunAt) <= Date.parse(endedAt ?? ''))
      assert.equal(await inbox.show(UNKNOWN_ID), undefined)
    },
  },
  {
    name: 'show: only the beginning of a large body, or none of it',
    run: async (harness) => {
      const { inbox } = await harness.join()
      const body = Buffer.alloc(2_500_000, 'abcdefg')
      const { id } = await inbox.accept(...orderEvent(body))
      for (const bodyBytes of [0, 10, 1_048_577, 2_500_000, 3_000_000]) {
        const { entry, bytes } = (await inbox.show(id, { bodyBytes })) ?? assert.fail()
        assert.ok(bytes?.equals(body.subarray(0, bodyBytes)), `the first ${bodyBytes} bytes`)
        assert.equal(entry.bytes, body.length)
      }
    },
  },
  {
    name: 'bodyPieces: all of a large body, and none of one that is not kept',
    run: async (harness) => {
      const { inbox } = await harness.join()
      if (!inbox.bodyPieces) return
      const body = Buffer.alloc(2_500_000, 'abcdefg')
      const { id } = await inbox.accept(...orderEvent(body))
      const pieces: Buffer[] = []
      for await (const piece of inbox.bodyPieces(id)) pieces.push(piece)
      assert.ok(pieces.length > 1, 'more than one piece')
      assert.ok(Buffer.concat(pieces).equals(body))
      await assert.rejects(inbox.bodyPieces(UNKNOWN_ID)[Symbol.asyncIterator]().next())
    },
  },
  {
    name: 'show: of many attempts, the first ten and the last ten',
    run: async (harness) => {
      const { inbox, take } = await harness.join()
      const { id } = await inbox.accept(...orderEvent())
      for (let i = 1; i <= 25; i++) {
        const [delivery] = await take(1)
        assert.equal(delivery?.attempt, i)
        await inbox.settle(delivery, { result: 'retry', delayMs: 0, outcome: 'handler_failed', reason: `failure ${i}` })
      }
      const { attempts = [] } = (await inbox.show(id)) ?? {}
      const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]
      same(
        attempts.map(({ reason }) => reason),
        expected.map((i) => `failure ${i}`),
      )
    },
  },
]
