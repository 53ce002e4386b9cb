/** Processes remove expired events, and free the queues of other processes that have ended or lost their lease. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accept } from '../../lib/inbox/sql/accept'
import { ageCallbacks } from '../../lib/inbox/sql/former-callbacks'
import { giveUp, list, replay, show, stats } from '../../lib/inbox/sql/people'
import { ownIdentity } from '../../lib/inbox/sql/process-identity'
import { register, remove, renew, retire, survey, tidy, untaken, wantedBy } from '../../lib/inbox/sql/processes'
import { prune } from '../../lib/inbox/sql/prune'
import { settle } from '../../lib/inbox/sql/settle'
import { take } from '../../lib/inbox/sql/take'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { openTables } from '../../lib/inbox/sqlite/open'
import type { SqliteTables } from '../../lib/inbox/sqlite/tables'
import { eventOf } from './numbered-event'

const HOUR_MS = 3_600_000
const ORDERS = { name: 'faults', wanted: [{ kind: 'order' }] } as const

let folder: string
let tables: SqliteTables
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'housekeeping-'))
  ;({ tables } = openTables(chooseDriver(), join(folder, 'inbox.db')))
  tables.now = Date.now()
  for (const number of [1, 2]) {
    const [event, bytes] = eventOf({ number, entity: `order-${number}` }, 100)
    await accept(tables, { event, size: bytes.length, bytes })
  }
})
afterEach(() => {
  tables.database.close()
  rmSync(folder, { recursive: true, force: true })
})

const registerOne = () => register(tables, { ...ORDERS, identity: ownIdentity() })
const takeAll = async (owner: string, token: number) =>
  (await take(tables, { owner, token, ...ORDERS, limit: 10, maxBytes: 1e6 })).taken
const clean = (more: Partial<Parameters<typeof tidy>[1]>) =>
  tidy(tables, { gone: [], owner: undefined, lost: [], ...ORDERS, maxDelayMs: HOUR_MS, ...more })

test('a process that has renewed its lease since it was looked at keeps what it has taken; one that has not does not', async () => {
  const [slow, other] = [await registerOne(), await registerOne()]
  await takeAll(slow, 1)
  const { processes } = await survey(tables, other)
  const gone = processes.filter(({ id }) => id === slow)
  await renew(tables, slow)
  await clean({ owner: other, gone })
  expect(await takeAll(other, 1)).toEqual([])
  const later = (await survey(tables, other)).processes.filter(({ id }) => id === slow)
  expect(await clean({ owner: other, gone: later })).toBe(true)
  expect(await takeAll(other, 2)).toHaveLength(2)
  expect(await renew(tables, slow)).toBe(false)
})

test('what a lost call has taken is freed, unless another call has taken it since', async () => {
  const owner = await registerOne()
  await takeAll(owner, 1)
  const { owned: lost } = await survey(tables, owner)
  expect(lost).toHaveLength(2)
  await clean({ owner, lost: lost.slice(0, 1) })
  expect(await takeAll(owner, 2)).toHaveLength(1)
  await clean({ owner, lost: lost.slice(0, 1) })
  expect(await takeAll(owner, 3)).toEqual([])
})

test('a process that was taken for gone settles nothing any more, also if it has taken the event again itself', async () => {
  const [slow, other] = [await registerOne(), await registerOne()]
  const [taken] = await takeAll(slow, 1)
  const { queue, event } = taken!
  const settleAs = (owner: string, token: number) =>
    settle(tables, { owner, queue, token, event, settlement: { result: 'delivered' }, keep: true })
  await remove(tables, slow)
  expect(await settleAs(slow, 1)).toBe(false)
  await takeAll(other, 7)
  expect(await settleAs(slow, 1)).toBe(false)
  expect(await settleAs(slow, 7)).toBe(false)
  expect(await settleAs(other, 1)).toBe(false)
  expect(await settleAs(other, 7)).toBe(true)
})

test('an event that no process takes is late by the clock of the database', async () => {
  const late = { name: 'faults', handlerTimeoutMs: HOUR_MS }
  tables.now += HOUR_MS
  expect(await untaken(tables, late)).toEqual([])
  tables.now += 1
  expect(await untaken(tables, late)).toEqual(['order OrderIssuedByBuyer'])
  await registerOne()
  expect(await untaken(tables, late)).toEqual([])
})

describe('callbacks of processes that left', () => {
  const ask = async () => (await wantedBy(tables, 'faults')).map(({ kind }) => kind)
  /** Two processes run their check once a minute, and the clock is changed in between. */
  const watch = async (minutes: number): Promise<void> => {
    let [one, other] = [await ageCallbacks(tables, []), await ageCallbacks(tables, [])]
    for (let minute = 0; minute < minutes; minute++) {
      tables.now += (minute % 2 === 0 ? 60 : -60) * 24 * HOUR_MS
      one = await ageCallbacks(tables, one)
      other = await ageCallbacks(tables, other)
    }
  }

  test('count for an hour in which another process runs, whatever the clock says', async () => {
    await remove(tables, await registerOne())
    tables.now += 60 * 24 * HOUR_MS
    await watch(59)
    expect(await ask()).toEqual(['order'])
    await watch(1)
    expect(await ask()).toEqual([])
  })

  test('count for an hour again after the last process with them has left, and are kept once', async () => {
    const [first, second] = [await registerOne(), await registerOne()]
    await retire(tables, first)
    await remove(tables, first)
    await watch(50)
    await remove(tables, second)
    await watch(50)
    expect(await ask()).toEqual(['order'])
  })

  test('do not count for the alarm about events that no process takes', async () => {
    await remove(tables, await registerOne())
    tables.now += HOUR_MS
    expect(await untaken(tables, { name: 'faults', handlerTimeoutMs: 1 })).toEqual(['order OrderIssuedByBuyer'])
  })
})

test('an event of a process that has ended waits for people, who may give it up, while no other process runs', async () => {
  await takeAll(await registerOne(), 1)
  const { entries } = await list(tables, {})
  const [first, second] = entries.map(({ id }) => id)
  const states = async () => [
    (await list(tables, {})).entries.map(({ state }) => state),
    (await list(tables, { state: 'waiting' })).entries.map(({ id }) => id),
    (await list(tables, { state: 'running' })).entries.map(({ id }) => id),
    (await show(tables, first!))?.entry.state,
    await stats(tables).then(({ waiting, running }) => [waiting, running]),
  ]
  expect(await states()).toEqual([['running', 'running'], [], [first, second], 'running', [0, 2]])
  expect(await giveUp(tables, { id: first!, reason: '' })).toBe(false)
  // Makes the lease expire.
  tables.run('UPDATE processes SET renewed = renewed - 15001')
  expect(await states()).toEqual([['waiting', 'waiting'], [first, second], [], 'waiting', [2, 0]])
  expect(await giveUp(tables, { id: first!, reason: 'it ends every process that delivers it' })).toBe(true)
  expect(await replay(tables, second!)).toBe(true)
  expect(await stats(tables)).toMatchObject({ dead: 1, waiting: 1, running: 0 })
  expect(await takeAll(await registerOne(), 2)).toHaveLength(1)
})

test.each(['at once', 'later'])(
  'a delivered event whose body is removed %s is recognised until its key expires',
  async (removed) => {
    const owner = await registerOne()
    const [taken] = await takeAll(owner, 1)
    const { queue, event, stored } = taken!
    const delivered = { owner, queue, token: 1, event, settlement: { result: 'delivered' } } as const
    expect(await settle(tables, { ...delivered, keep: removed === 'later' })).toBe(true)
    const keep = { keepDelivered: false, dedupeTtlMs: HOUR_MS } as const
    await prune(tables, keep)
    expect(await show(tables, stored.id)).toMatchObject({
      body: undefined,
      entry: { state: 'delivered' },
      attempts: [{}],
    })
    expect(tables.get('SELECT count(*) AS bodies FROM bodies')).toEqual({ bodies: 1 })
    expect(await accept(tables, { event: stored, size: 0 })).toMatchObject({ result: 'duplicate' })
    tables.now += HOUR_MS
    await prune(tables, keep)
    expect(await show(tables, stored.id)).toBeUndefined()
    expect(await accept(tables, { event: stored, size: 0 })).toMatchObject({ result: 'queued' })
  },
)
