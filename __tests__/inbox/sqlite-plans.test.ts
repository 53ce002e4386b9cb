/**
 * The statements of an inbox find their rows through an index, however many events wait or are kept; `SCANNED` lists
 * the exceptions.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { marksOf } from '../../lib/inbox/catch-up/arrivals'
import { keyOfPart, readEntity } from '../../lib/inbox/catch-up/parts'
import { storedFound } from '../../lib/inbox/found-event'
import {
  operations,
  runOperation,
  type Argument,
  type Operation,
  type OperationResult,
} from '../../lib/inbox/sql/operations'
import { ownIdentity } from '../../lib/inbox/sql/process-identity'
import { sumOf } from '../../lib/inbox/sql/prune'
import type { SqlValue } from '../../lib/inbox/sql/tables'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { openTables } from '../../lib/inbox/sqlite/open'
import { SqliteTables } from '../../lib/inbox/sqlite/tables'
import { eventOf } from './numbered-event'

class Recording extends SqliteTables {
  readonly statements = new Set<string>()

  override run(sql: string, ...values: SqlValue[]): number {
    this.statements.add(sql)
    return super.run(sql, ...values)
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the row that the statement selects
  override get<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    this.statements.add(sql)
    return super.get<Row>(sql, ...values)
  }

  override all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    this.statements.add(sql)
    return super.all<Row>(sql, ...values)
  }
}

/**
 * Scans that are allowed. Some read a small table: processes, former callbacks, unfinished uploads, webhooks with a
 * catch-up, or requested runs. Others read the rows in order, up to the limit of a list. The last one computes sums.
 */
const SCANNED = [
  /FROM processes( |$)/,
  /FROM former_callbacks( |$)/,
  /FROM uploads WHERE begun/,
  /FROM catch_ups WHERE used/,
  /FROM run_requests\s/,
  /ORDER BY event (ASC|DESC) LIMIT/,
  /GROUP BY state/,
]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-plans-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('no statement reads more rows than it needs, and none sorts', async () => {
  const { tables: opened } = openTables(chooseDriver(), join(folder, 'inbox.db'))
  const tables = new Recording(opened.database)
  tables.now = Date.now()
  const run = <Name extends Operation>(name: Name, argument: Argument<Name>) => runOperation(tables, name, argument)
  for (let number = 1; number <= 12; number++) {
    const [event, bytes] = eventOf({ number, entity: `order-${number % 3}` }, 100)
    const more =
      number === 12
        ? { trigger: 'id' as const, key: undefined }
        : { ...(number === 11 && { quarantine: { code: 'unreadable', reason: '' } }) }
    const stored = { ...event, ...more, ...(number === 10 && { repeatable: true as const }) }
    await run('accept', { event: stored, size: number === 12 ? 0 : bytes.length, bytes })
    await run('accept', { event: stored, size: number === 12 ? 0 : bytes.length, bytes })
  }
  const registration = { name: 'faults', wanted: [{ kind: 'order' as const }], identity: ownIdentity() }
  const owner = await run('register', registration)
  const wanted = [{ kind: 'order' as const }, { kind: 'shipment' as const, eventNames: ['ShipmentCreated'] }]
  for (const result of ['retry', 'dead', 'delivered', 'delivered', 'quarantined', 'delivered'] as const) {
    const { taken } = await run('take', { owner, token: 1, name: 'faults', wanted, limit: 1, maxBytes: 1e6 })
    const [{ queue, token, event } = { queue: 0, token: 0, event: 0 }] = taken
    const settlement = { result, delayMs: 0, outcome: '', reason: '' }
    await run('settle', { owner, queue, token, event, settlement, keep: result !== 'dead' })
  }
  await run('take', { owner, token: 1, name: 'faults', wanted, limit: 0, maxBytes: 1e6 })
  const upload = await run('beginUpload', undefined)
  await run('writePart', { event: upload, part: 0, bytes: Buffer.alloc(1) })
  for (const state of ['waiting', 'delivered', 'dead', 'quarantined'] as const) {
    for (const newestFirst of [true, false]) await run('list', { state, newestFirst, after: '5', entityId: '2' })
    await run('list', { state, id: 'a' })
    const { entries } = await run('list', { state })
    for (const { id } of entries.slice(0, 1)) {
      await run('show', id)
      await run('replay', id)
      await run('giveUp', { id, reason: '' })
      await run('purge', id)
    }
  }
  await run('list', {})
  await run('stats', undefined)
  await run('hours', 0)
  await sumOf(tables, 'state < 2')
  await run('renew', owner)
  await run('retire', owner)
  await run('untaken', { name: 'faults', handlerTimeoutMs: 0 })
  await run('ageCallbacks', await run('ageCallbacks', []))
  await run('wantedBy', 'faults')
  const { processes: gone } = await run('survey', owner)
  const lost = [{ queue: 1, token: 1 }]
  await run('tidy', { gone, owner, lost, name: 'faults', wanted, maxDelayMs: 1 })
  await run('remove', owner)
  await runCatchUp(run)
  tables.now += 1e12
  await run('prune', { keepDelivered: { forMs: 0, maxBytes: 0 }, dedupeTtlMs: 0 })

  const bad: string[] = []
  for (const sql of tables.statements) {
    const plan = opened.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail)
    const scans = plan.filter((step) => /^SCAN (?!CONSTANT ROW)|TEMP B-TREE/.test(step))
    if (scans.length > 0 && !SCANNED.some((allowed) => allowed.test(sql))) bad.push(`${sql}: ${scans.join()}`)
  }
  expect(bad).toEqual([])
  expect(tables.statements.size).toBeGreaterThan(40)
  opened.database.close()
})

type Run = <Name extends Operation>(name: Name, argument: Argument<Name>) => Promise<OperationResult<Name>>

async function runCatchUp(run: Run): Promise<void> {
  const name = 'faults'
  const entity = readEntity('order', 'deliverySchedule', {
    id: 'order-1',
    lines: [{ id: 'a', lastUpdatedAt: '2026' }],
  })!
  const { kind, id, form } = entity
  const scope = { key: 'orders', kind, form }
  const [event, bytes] = eventOf({ number: 100, entity: id }, 100)
  const marks = marksOf(entity.parts, 1)
  await run('accept', { event, size: bytes.length, bytes, arrival: { kind, id, form, marks, documentsAt: 1 } })
  const held = { name, token: (await run('acquire', name)) ?? '' }
  await run('renewCatchUp', held)
  await run('position', { name, scope: scope.key })
  const position = { cursor: '2026', since: 0, forgottenUpTo: 1 }
  await run('firstSeen', { ...held, scope, what: 'something', clock: 1 })
  await run('arrivals', { name, kind, id, form })
  await run('newestArrival', { name, kind, form })
  const wanted = new Set(entity.parts.map(keyOfPart))
  const request = { entity, wanted, floor: 0, clock: 2, horizon: 1, outdated: false }
  const found = storedFound(name, { key: '', entity, parts: entity.parts, outdated: false }, 1)
  await run('storeFoundEvent', { ...held, request, ...found, size: found.bytes.length })
  await run('waitingFound', name)
  await run('savePosition', { ...held, scope, position })
  await run('forgetOld', { ...held, scope, position })
  await run('forgetAfter', { ...held, of: scope, clock: 1 })
  await run('recordsArrivals', name)
  await run('release', held)
  const asked = await run('requestRun', { name, request: {} })
  await run('findRequest', name)
  await run('takeRequest', name)
  await run('reportRun', { id: asked, status: { state: 'done' } })
  await run('runStatus', asked)
  await run('withdrawRequest', asked)
}

test.each([
  ['a state', { state: 'waiting' }, /events_by_state/],
  ['an entity', { entityId: 'PO1' }, /events_by_queue.*queues_1 \(key>\? AND key<\?\).*events_by_entity/],
  ['a kind: all events in order, until the page is full', { kind: 'order' }, /^SCAN events(,|$)(?!.*TEMP)/],
  ['an event name', { eventName: 'a' }, /^SCAN events(,|$)(?!.*TEMP)/],
  ['a time', { since: new Date(0), before: new Date(1) }, /^SCAN events(,|$)(?!.*TEMP)/],
  ['the beginning of an ID', { id: 'a' }, /sqlite_autoindex_events_1 \(id/],
] as const)('a list of %s', async (_what, filter, index) => {
  const { tables: opened } = openTables(chooseDriver(), join(folder, 'inbox.db'))
  const tables = new Recording(opened.database)
  await operations.list(tables, filter)
  const sql = [...tables.statements].at(-1) ?? ''
  const plan = opened.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail)
  expect(plan.join()).toMatch(index)
  opened.database.close()
})
