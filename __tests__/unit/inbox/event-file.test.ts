/** The file of an event: what goes in comes out, notes add up, and nothing that is torn counts. */
import fc from 'fast-check'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  decodeEvent,
  encodeEvent,
  encodeNote,
  readEventFile,
  storedEventOf,
  type EventFile,
  type Note,
} from '../../../lib/inbox/file/event-file'
import type { StoredEvent } from '../../../lib/inbox/inbox'
import { sha256 } from '../../../lib/bytes/sha256'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'event-file-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function event(bytes: Buffer, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    format: 1,
    id: '00000000-0000-8000-8000-000000000000',
    key: 'k',
    trigger: 'body',
    kind: 'order',
    method: 'POST',
    path: '/order',
    digest: sha256(bytes),
    requestId: 'r',
    receivedAt: '2026-11-25T00:00:00.000Z',
    ...more,
  }
}

async function read(content: Buffer | string): Promise<EventFile | undefined> {
  const path = join(folder, 'file')
  writeFileSync(path, content)
  const file = await open(path)
  try {
    return await readEventFile(file)
  } finally {
    await file.close()
  }
}

const withNotes = (...notes: Note[]) =>
  Buffer.concat([
    encodeEvent(event(Buffer.from('{}')), 5, Buffer.from('{}')),
    Buffer.from(notes.map(encodeNote).join('')),
  ])

test('any bytes come back, whatever stands around them', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 3 }),
      (body, path, reasons) => {
        const bytes = Buffer.from(body)
        const stored = event(bytes, { path, eventName: path })
        const notes = reasons.map((reason) => encodeNote({ note: 'retry', at: 0, dueAt: 1, reason })).join('')
        const decoded = decodeEvent(Buffer.concat([encodeEvent(stored, 9, bytes), Buffer.from(notes)]))
        expect(decoded?.body.equals(bytes)).toBe(true)
        expect(decoded && storedEventOf(decoded.head)).toEqual(JSON.parse(JSON.stringify(stored)))
      },
    ),
  )
})

test('notes add up to the progress, also behind a long head and a long body', async () => {
  const bytes = Buffer.alloc(100_000, 'x\n')
  const stored = event(bytes, { path: `/${'p'.repeat(50_000)}` })
  const notes: Note[] = [
    { note: 'attempt', at: 100 },
    { note: 'retry', at: 0, dueAt: 900, reason: 'down' },
    { note: 'attempt', at: 900 },
    { note: 'retry', at: 0, dueAt: 2000, reason: 'still down' },
  ]
  const content = Buffer.concat([encodeEvent(stored, 5, bytes), Buffer.from(notes.map(encodeNote).join(''))])
  const file = await read(content)
  expect(file?.head.path === stored.path).toBe(true)
  expect(file).toMatchObject({ head: { sequence: 5, bytes: 100_000 }, size: content.length, notes })
  expect(file?.progress).toEqual({
    sequence: 5,
    attempts: 2,
    firstAttemptAt: 100,
    dueAt: 2000,
    reason: 'still down',
    replay: false,
  })
})

test('a delivery that nothing was noted of since has begun: it counts and is due at once', async () => {
  const file = await read(
    withNotes(
      { note: 'attempt', at: 1 },
      { note: 'retry', at: 0, dueAt: 9_999_999_999_999, reason: 'x' },
      { note: 'attempt', at: 2 },
    ),
  )
  expect(file?.progress).toMatchObject({ attempts: 2, dueAt: 0 })
})

test('queued again begins anew at the end of the line; woken is due at once', async () => {
  const failed: Note[] = [
    { note: 'attempt', at: 1 },
    { note: 'dead', at: 2, reason: 'no' },
  ]
  expect((await read(withNotes(...failed)))?.progress).toMatchObject({ attempts: 1, reason: 'no' })
  expect((await read(withNotes(...failed, { note: 'queued', at: 3, sequence: 77, replay: true })))?.progress).toEqual({
    sequence: 77,
    attempts: 0,
    firstAttemptAt: undefined,
    dueAt: 0,
    reason: undefined,
    replay: true,
  })
  const woken = await read(withNotes({ note: 'retry', at: 0, dueAt: 5000, reason: 'x' }, { note: 'woken', at: 3 }))
  expect(woken?.progress).toMatchObject({ dueAt: 0, replay: true })
})

test('a note that was cut off is lost, and the next one counts', async () => {
  const whole = withNotes({ note: 'attempt', at: 1 })
  for (let cut = 1; cut < 20; cut++) {
    const torn = Buffer.concat([
      whole.subarray(0, whole.length - cut),
      Buffer.from(encodeNote({ note: 'attempt', at: 7 })),
    ])
    const file = await read(torn)
    // Without its last line break a note is whole all the same.
    expect(file?.progress.attempts).toBe(cut === 1 ? 2 : 1)
    expect(file?.progress.firstAttemptAt).toBe(cut === 1 ? 1 : 7)
  }
})

test('a file that is cut anywhere before its notes, or is none of ours, is not whole', async () => {
  const bytes = Buffer.from('{"a":1}')
  const whole = encodeEvent(event(bytes), 1, bytes)
  const path = join(folder, 'cut')
  for (let length = whole.length - 1; length >= 0; length--) {
    writeFileSync(path, whole)
    truncateSync(path, length)
    const part = whole.subarray(0, length)
    expect(decodeEvent(part)).toBeUndefined()
    expect(await read(part)).toBeUndefined()
  }
  for (const other of ['', '\n', '{}\n\n', '[]\n', 'null\n', '{"format":2,"id":"x","bytes":0}\n\n'])
    expect(await read(other)).toBeUndefined()
})

test('a file that shrinks while it is read is not whole, and reading it ends', async () => {
  const bytes = Buffer.from('{"a":1}')
  const path = join(folder, 'shrinking')
  writeFileSync(path, encodeEvent(event(bytes), 1, bytes))
  const file = await open(path)
  const stat = await file.stat()
  truncateSync(path, 0)
  // What it was when the reader looked at it.
  const reader = { stat: async () => stat, read: file.read.bind(file) } as unknown as FileHandle
  expect(await readEventFile(reader)).toBeUndefined()
  await file.close()
})

test('a byte that has changed is found', () => {
  const bytes = Buffer.from('{"orderEvent":{}}')
  const whole = encodeEvent(event(bytes), 1, bytes)
  for (let at = whole.indexOf(bytes); at < whole.length - 1; at++) {
    const damaged = Buffer.from(whole)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    expect(decodeEvent(damaged)).toBeUndefined()
  }
})
