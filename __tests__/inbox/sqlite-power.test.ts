/**
 * A power cut at a random moment: what was flushed is there, and of what was not, any pages are, in any of the versions
 * that were written. The file opens, and holds everything that was acknowledged before.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { isFull } from '../size'
import { Member, sendAll } from './members'
import { eventOf } from './numbered-event'
import { preloaded } from './preload'

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
  what: 'W' | 'T' | 'F'
  file: 'd' | 'w'
  at: number
  data: Buffer
  /** Position of its end in the record. */
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

/** What the disk holds of a file if the power fails after these steps. */
function survivor(all: Step[], file: Step['file']): Buffer {
  const lastFlush = all.findLast((step) => step.what === 'F' && step.file === file)
  // A flush notes how many steps there were when it began.
  const flushed = lastFlush ? lastFlush.at : 0
  let content = Buffer.alloc(0)
  const grow = (size: number): void => {
    if (size > content.length) content = Buffer.concat([content, Buffer.alloc(size - content.length)])
  }
  const kept = new Map<number, number>()
  for (const [i, { what, file: of, at, data }] of all.entries()) {
    if (of !== file || what === 'F') continue
    const isFlushed = i < flushed
    if (what === 'T') {
      if (!isFlushed && Math.random() < 0.5) continue
      grow(at)
      content = content.subarray(0, at)
      continue
    }
    for (let from = at; from < at + data.length;) {
      const sector = Math.floor(from / SECTOR)
      const to = Math.min((sector + 1) * SECTOR, at + data.length)
      // Each sector stops at a version of its own.
      if (!isFlushed && !kept.has(sector))
        kept.set(sector, Math.random() < 0.3 ? 0 : Math.random() < 0.5 ? Infinity : i + Math.random() * 200)
      if (isFlushed || i < (kept.get(sector) ?? 0)) {
        grow(to)
        data.copy(content, from, from - at, to - at)
      }
      from = to
    }
  }
  return content
}

test('the file opens after a power cut, and everything that was acknowledged is in it', async () => {
  const live = join(folder, 'live')
  mkdirSync(live)
  const record = join(folder, 'record')
  const options = { ledger: join(folder, 'ledger'), callbackMs: 1, failing: 0.1, concurrency: 8, bodyBytes: BODY_BYTES }
  const engine = { type: 'sqlite', file: join(live, 'inbox.db') } as const
  const member = new Member({ engine, ...options }, preloaded(folder, { RECORD: record, FLUSH_MS: '2' }))
  const acknowledged: Array<{ number: number; at: number }> = []
  try {
    await member.ready
    const noting = {
      accept: async (order: { number: number; entity: string }) => {
        const accepted = await member.accept(order)
        if (accepted) acknowledged.push({ number: order.number, at: statSync(record).size })
        return accepted
      },
    }
    await sendAll({ events: EVENTS, entities: 100, connections: 20 }, () => noting)
  } finally {
    await member.kill()
  }
  const steps = readRecord(record)
  expect(steps.filter(({ what }) => what === 'F').length).toBeGreaterThan(20)
  const first = steps.findIndex(({ end }) => end >= acknowledged[0]!.at)
  for (let cut = 0; cut < CUTS; cut++) {
    const until = first + Math.floor(Math.random() * (steps.length - first))
    const done = steps.slice(0, until + 1)
    const here = join(folder, `cut-${cut}`)
    mkdirSync(here)
    writeFileSync(join(here, 'inbox.db'), survivor(done, 'd'))
    writeFileSync(join(here, 'inbox.db-wal'), survivor(done, 'w'))
    const inbox = sqliteInbox({ file: join(here, 'inbox.db') })
    await inbox.ready()
    const missing: number[] = []
    for (const { number, at } of acknowledged) {
      if (at > steps[until]!.end) continue
      const [event, bytes] = eventOf({ number, entity: `order-${number % 100}` }, BODY_BYTES)
      const shown = await inbox.show(event.id)
      if (!shown?.bytes?.equals(bytes)) missing.push(number)
    }
    expect({ cut: until, missing }).toEqual({ cut: until, missing: [] })
    await inbox.close()
    rmSync(here, { recursive: true })
  }
}, 600_000)
