/** Random histories, each from a seed: repeatable, of any length, and with exactly the features that were requested. */
import { createTradecloudSimulator, type HistoryOptions, type PlannedChange } from '../../lib/testing'
import { planHistory } from '../../lib/testing/world/history'

const plan = (options: HistoryOptions): PlannedChange[] => [...planHistory(options)]

test('a seed repeats its history, and another seed has another', () => {
  expect(plan({ seed: 3, changes: 200 })).toEqual(plan({ seed: 3, changes: 200 }))
  expect(plan({ seed: 3, changes: 200 })).not.toEqual(plan({ seed: 4, changes: 200 }))
})

test.each([0, 1, 50, 3_000])('is of the length that was asked for: %d', (changes) => {
  expect(plan({ changes, existing: 0 })).toHaveLength(changes)
})

test('holds all that can happen', () => {
  const all = plan({ changes: 2_000, own: 0.1 })
  const orders = all.flatMap((planned) => (planned.kind === 'order' ? [planned.change] : []))
  const fates = new Set(all.map(({ change }) => change.deliver))
  expect([...fates].sort()).toEqual(['delay', 'lose', 'none', 'send', 'twice'])
  expect(all.some(({ kind, change }) => kind === 'shipment' && change.method === 'GET')).toBe(true)
  expect(orders.some(({ method }) => method === 'GET')).toBe(true)
  expect(orders.some(({ timed }) => timed === false)).toBe(true)
  expect(orders.some(({ lines }) => lines?.length === 0)).toBe(true)
  expect(orders.some(({ lines }) => lines?.length === 2)).toBe(true)
  expect(orders.some(({ eventName = '' }) => eventName.startsWith('OrderDocuments'))).toBe(true)
  expect(orders.some(({ visibleAfterMs = 0 }) => visibleAfterMs > 60_000)).toBe(true)
  expect(orders.some(({ agoMs = 0 }) => agoMs >= 3_600_000)).toBe(true)
  expect(all.filter(({ afterMs }) => afterMs === 0).length).toBeGreaterThan(100)
  const busiest = all.filter(({ id }) => id === 'order-0').length
  expect(busiest).toBeGreaterThan(400)
})

test('holds nothing that was not asked for', () => {
  const quiet = {
    lost: 0,
    delayed: 0,
    twice: 0,
    hidden: 0,
    gets: 0,
    documents: 0,
    untimed: 0,
    existing: 0,
    shipments: 0,
  }
  for (const { kind, change } of plan({ ...quiet, changes: 300 })) {
    expect(kind).toBe('order')
    expect(change).toMatchObject({ deliver: 'send', method: 'POST', visibleAfterMs: 0, timed: true })
  }
})

test('never changes one line, or a line and the header, twice in one millisecond: no one could tell them apart', () => {
  const changed = new Set<string>()
  for (const planned of plan({ seed: 9, changes: 3_000, sameMoment: 0.6, orders: 2, existing: 0 })) {
    if (planned.afterMs > 0) changed.clear()
    const lines = planned.kind === 'order' ? (planned.change.lines ?? []) : []
    const keys = lines.length === 0 ? [planned.id] : lines.map((line) => (typeof line === 'string' ? line : line.id))
    for (const key of keys) {
      expect(changed.has(key)).toBe(false)
      changed.add(key)
    }
    if (lines.length > 0) expect(changed.has(planned.id)).toBe(false)
  }
})

test.each(['buyer', 'supplier'] as const)('of a %s has own requests without an event, and answers to them', (party) => {
  const all = plan({ party, own: 0.3, changes: 500 })
  const lines = all.flatMap(({ kind, change }) =>
    kind === 'order' && change.deliver === 'none' ? (change.lines ?? []) : [],
  )
  const statuses = new Set(lines.map((line) => JSON.stringify((line as { status?: object }).status)))
  expect(statuses.size).toBeGreaterThanOrEqual(3)
  const text = JSON.stringify(all)
  expect(text).toContain('"Approved"')
  expect(text).toContain('"Confirmed"')
})

test('can be applied to a world, and everything in it then shows in the API', async () => {
  const tradecloud = await createTradecloudSimulator({ startAt: new Date('2026-11-02T10:00:00Z'), rateLimit: false })
  const { world, clock } = tradecloud
  const ids = new Set<string>()
  for (const planned of world.history({ seed: 5, changes: 60 })) {
    clock.advance(planned.afterMs)
    expect(world.apply(planned).lastUpdatedAt <= clock.timestamp()).toBe(true)
    ids.add(planned.id)
  }
  for (const id of ids) expect((world.order(id) ?? world.shipment(id))?.id).toBe(id)
  await tradecloud.close()
})

test.each([
  [{ lost: 2 }, 'lost'],
  [{ changes: -1 }, 'changes'],
  [{ party: 'both' }, 'both'],
  [{ losses: 0.3 }, 'losses'],
])('refuses %j', (options, named) => {
  expect(() => plan(options as object)).toThrow(named)
})
