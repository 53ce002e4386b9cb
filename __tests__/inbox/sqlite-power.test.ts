/**
 * A simulated power cut at a random moment. Afterwards, all flushed data is on disk. Each page that was written since
 * the last flush is on disk in a random version: the flushed one or a later one. The file must open, and contain every
 * event that was acknowledged before the cut.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PARTS_PER_BODY } from '../../lib/inbox/sql/tables'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { chooseDriver, openWith } from '../../lib/inbox/sqlite/driver'
import { isFull } from '../size'
import { Member, sendAll } from './members'
import { eventOf } from './numbered-event'
import { preloaded } from './preload'
import type { Numbered } from './protocol'

const EVENTS = isFull ? 3_000 : 400
const CUTS = isFull ? 300 : 8
const BODY_BYTES = 6_000
const SECTOR = 4096
const HEAD = 24

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-power-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Step {
  /** A write, a change of size, a flush, or a failed flush. */
  what: 'W' | 'T' | 'F' | 'X'
  file: 'd' | 'w'
  at: number
  data: Buffer
  /** End position of this step in the record. */
  end: number
}

function readRecord(path: string): Step[] {
  const record = readFileSync(path)
  const steps: Step[] = []
  for (let i = 0; i < record.length;) {
    const what = String.fromCharCode(record[i]!) as Step['what']
    const size = what === 'W' ? Number(record.readBigInt64LE(i + 16)) : 0
    const end = i + HEAD + size
    const at = Number(record.readBigInt64LE(i + 8))
    steps.push({
      what,
      file: String.fromCharCode(record[i + 1]!) as Step['file'],
      at,
      data: record.subarray(i + HEAD, end),
      end,
    })
    i = end
  }
  return steps
}

/**
 * Maps each sector of a file to the number of the last step that a flush has made durable. The key -1 stands for the
 * size of the file.
 */
function flushed(steps: Step[], file: Step['file']): Map<number, number> {
  const last = new Map<number, number>()
  let unflushed: Array<{ i: number; sectors: number[] }> = []
  for (const [i, { what, file: of, at, data }] of steps.entries()) {
    if (of !== file) continue
    if (what === 'T') unflushed.push({ i, sectors: [-1] })
    if (what === 'W') unflushed.push({ i, sectors: sectorsOf(at, data.length) })
    if (what === 'W' || what === 'T') continue
    // A flush makes only those writes durable that had ended before it began.
    const covered = unflushed.filter((step) => step.i < at)
    unflushed = unflushed.filter((step) => step.i >= at)
    // After a failed flush, the operating system treats the pages as written: no later flush writes them, unless they
    // change again.
    if (what === 'F') for (const step of covered) for (const sector of step.sectors) last.set(sector, step.i)
  }
  return last
}

function sectorsOf(at: number, size: number): number[] {
  const first = Math.floor(at / SECTOR)
  return Array.from({ length: Math.floor((at + size - 1) / SECTOR) - first + 1 }, (_, i) => first + i)
}

/** The content of a file on disk if the power fails after these steps. */
function survivor(steps: Step[], file: Step['file']): Buffer {
  const onDisk = flushed(steps, file)
  const content = Buffer.alloc(steps.reduce((end, { at, data }) => Math.max(end, at + data.length), 0))
  let size = 0
  const kept = new Map<number, number>()
  for (const [i, { what, file: of, at, data }] of steps.entries()) {
    if (of !== file || what === 'F' || what === 'X') continue
    if (what === 'T') {
      if (i > (onDisk.get(-1) ?? -1) && Math.random() < 0.5) continue
      content.fill(0, at)
      size = at
      continue
    }
    for (const sector of sectorsOf(at, data.length)) {
      const from = Math.max(at, sector * SECTOR)
      const to = Math.min((sector + 1) * SECTOR, at + data.length)
      const isFlushed = i <= (onDisk.get(sector) ?? -1)
      // Of each sector that was not flushed, a random version is on disk.
      if (!isFlushed && !kept.has(sector))
        kept.set(sector, Math.random() < 0.3 ? 0 : Math.random() < 0.5 ? Infinity : i + Math.random() * 200)
      if (!isFlushed && i >= (kept.get(sector) ?? 0)) continue
      size = Math.max(size, to)
      data.copy(content, from, from - at, to - at)
    }
  }
  return content.subarray(0, size)
}

interface Acknowledged {
  number: number
  /** Position in the record at which the event was acknowledged. */
  at: number
}

/** Starts a process with `preload.c`, sends it events until each is acknowledged, and kills it. */
async function record(
  environment: Record<string, string>,
): Promise<{ steps: Step[]; acknowledged: Acknowledged[]; refused: Set<number> }> {
  const live = join(folder, 'live')
  const path = join(folder, 'record')
  mkdirSync(live)
  const options = { ledger: join(folder, 'ledger'), callbackMs: 5, failing: 0.2, concurrency: 4, bodyBytes: BODY_BYTES }
  const engine = { type: 'sqlite', file: join(live, 'inbox.db') } as const
  const member = new Member({ engine, ...options }, preloaded(folder, { RECORD: path, FLUSH_MS: '2', ...environment }))
  const acknowledged: Acknowledged[] = []
  const refused = new Set<number>()
  try {
    await member.ready
    const noting = {
      accept: async (order: Numbered) => {
        const accepted = await member.accept(order)
        if (accepted) acknowledged.push({ number: order.number, at: statSync(path).size })
        else refused.add(order.number)
        return accepted
      },
    }
    await sendAll({ events: EVENTS, entities: 100, connections: 20 }, () => noting)
  } finally {
    await member.kill()
  }
  return { steps: readRecord(path), acknowledged, refused }
}

/** Cuts the power after the step with this number. Resolves with the acknowledged events that are missing. */
async function missingAfterCut(steps: Step[], until: number, acknowledged: Acknowledged[]): Promise<number[]> {
  const done = steps.slice(0, until + 1)
  const here = join(folder, 'cut')
  mkdirSync(here)
  writeFileSync(join(here, 'inbox.db'), survivor(done, 'd'))
  writeFileSync(join(here, 'inbox.db-wal'), survivor(done, 'w'))
  const inbox = sqliteInbox({ file: join(here, 'inbox.db') })
  await inbox.ready()
  await inbox.close()
  const database = openWith(chooseDriver(), join(here, 'inbox.db'))
  const stored = database
    .prepare(`SELECT id, data FROM events JOIN bodies ON part = event * ${PARTS_PER_BODY}`)
    .all() as Array<{ id: string; data: Uint8Array }>
  const bodies = new Map(stored.map(({ id, data }) => [id, Buffer.from(data)]))
  const missing = acknowledged
    .filter(({ number, at }) => {
      const [event, bytes] = eventOf({ number, entity: `order-${number % 100}` }, BODY_BYTES)
      return at <= steps[until]!.end && !bodies.get(event.id)?.equals(bytes)
    })
    .map(({ number }) => number)
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  database.close()
  rmSync(here, { recursive: true })
  return missing
}

const anyOf = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from))

test('the file opens after a power cut, and everything that was acknowledged is in it', async () => {
  const { steps, acknowledged } = await record({})
  expect(steps.filter(({ what }) => what === 'F').length).toBeGreaterThan(20)
  const first = steps.findIndex(({ end }) => end >= acknowledged[0]!.at)
  for (let cut = 0; cut < CUTS; cut++) {
    const until = anyOf(first, steps.length)
    const missing = await missingAfterCut(steps, until, acknowledged)
    expect({ until, missing }).toEqual({ until, missing: [] })
  }
})

test('a flush fails, the same events arrive again, and then the power is cut: the same', async () => {
  const { steps, acknowledged, refused } = await record({ FAIL_FLUSH: '25' })
  expect(acknowledged.filter(({ number }) => refused.has(number)).length).toBeGreaterThan(0)
  const failed = steps.findIndex(({ what }) => what === 'X')
  expect(failed).toBeGreaterThan(0)
  const { at: position } = acknowledged.find(({ number }) => refused.has(number))!
  const again = steps.findIndex(({ end }) => end >= position)
  const copied = steps.findIndex(({ what, file }, i) => i > failed && what === 'W' && file === 'd')
  expect(copied).toBeLessThan(again)
  // Each cut is at one of three times, in turn: after the failure; while the log is copied into the file; or after
  // events are acknowledged again.
  const spans = [[failed, again] as const, [copied, again] as const, [again, steps.length] as const]
  for (let cut = 0; cut < CUTS; cut++) {
    const until = anyOf(...spans[cut % spans.length]!)
    const missing = await missingAfterCut(steps, until, acknowledged)
    expect({ until, missing }).toEqual({ until, missing: [] })
  }
})
