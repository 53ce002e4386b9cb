/**
 * The file of one event: a line of JSON that says what it is, the bytes of the body, and behind them a line for each thing
 * that happened to it since. Only ever appended to, so that no crash can tear what was written before.
 */
import type { FileHandle } from 'node:fs/promises'
import { isObject } from '../../tradecloud/entity-state'
import { sha256 } from '../../bytes/sha256'
import type { StoredEvent } from '../inbox'

export interface EventHead extends StoredEvent {
  /** Rises with each event that the folder accepts. */
  sequence: number
  /** Length of the body. */
  bytes: number
}

/** What happened to an event. Times in milliseconds since 1970. */
export type Note =
  | { note: 'attempt'; at: number }
  | { note: 'retry'; at: number; dueAt: number; reason: string }
  | { note: 'dead' | 'quarantined'; at: number; reason: string }
  /** At the end of the line again; attempts begin anew. */
  | { note: 'queued'; at: number; sequence: number; replay: boolean }
  /** Tried at once, in its place. */
  | { note: 'woken'; at: number }

/** What the notes come to. */
export interface Progress {
  sequence: number
  attempts: number
  firstAttemptAt: number | undefined
  dueAt: number
  reason: string | undefined
  replay: boolean
}

export interface EventFile {
  head: EventHead
  /** The oldest first. */
  notes: Note[]
  progress: Progress
  size: number
}

const HEAD_BYTES = 16 * 1024
const NEWLINE = 0x0a

export function encodeEvent(event: StoredEvent, sequence: number, bytes: Buffer): Buffer {
  const head: EventHead = { ...event, sequence, bytes: bytes.length }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytes, Buffer.from('\n')])
}

/** Begins with a line break: a note before it may have been cut off. */
export function encodeNote(note: Note): string {
  return `\n${JSON.stringify(note)}\n`
}

/** Everything but the body. `undefined` for a file that is not whole. */
export async function readEventFile(file: FileHandle): Promise<EventFile | undefined> {
  const { size } = await file.stat()
  // The path of a request can be long, and so can a list of issues.
  let start: Buffer = Buffer.alloc(0)
  for (let length = HEAD_BYTES; !start.includes(NEWLINE) && start.length < size; length *= 4) {
    const wanted = Math.min(size, length)
    start = await readAt(file, 0, wanted)
    // Delivered and shrunk meanwhile.
    if (start.length < wanted) return undefined
  }
  const found = readHead(start)
  if (!found || size < found.end) return undefined
  const notes = readNotes(
    size <= start.length ? start.subarray(found.end) : await readAt(file, found.end, Math.max(0, size - found.end)),
  )
  return { head: found.head, notes, progress: progressOf(found.head, notes), size }
}

/** The event with its body. `undefined` where the bytes are not those that were stored. */
export function decodeEvent(content: Buffer): { head: EventHead; body: Buffer } | undefined {
  const found = readHead(content)
  if (!found || content.length < found.end) return undefined
  const body = content.subarray(found.start, found.end - 1)
  return sha256(body) === found.head.digest ? { head: found.head, body } : undefined
}

/** What the inbox was given, without what the file added. */
export function storedEventOf(head: EventHead): StoredEvent {
  const event: Partial<EventHead> = { ...head }
  delete event.sequence
  delete event.bytes
  return event as StoredEvent
}

function readHead(content: Buffer): { head: EventHead; start: number; end: number } | undefined {
  const at = content.indexOf(NEWLINE)
  if (at < 0) return undefined
  const head = parseLine(content.toString('utf8', 0, at)) as Partial<EventHead> | undefined
  if (head?.format !== 1 || typeof head.id !== 'string' || typeof head.bytes !== 'number') return undefined
  const start = at + 1
  return { head: head as EventHead, start, end: start + head.bytes + 1 }
}

function readNotes(content: Buffer): Note[] {
  // The last line may be cut off by a crash: what it said is lost, and only that.
  return content
    .toString('utf8')
    .split('\n')
    .map((line) => parseLine(line) as Note | undefined)
    .filter((note) => note !== undefined)
}

function progressOf({ sequence }: EventHead, notes: Note[]): Progress {
  const progress: Progress = {
    sequence,
    attempts: 0,
    firstAttemptAt: undefined,
    dueAt: 0,
    reason: undefined,
    replay: false,
  }
  for (const note of notes) applyNote(progress, note)
  return progress
}

export function applyNote(progress: Progress, note: Note): void {
  switch (note.note) {
    case 'attempt':
      progress.attempts++
      progress.firstAttemptAt ??= note.at
      progress.dueAt = 0
      break
    case 'retry':
      progress.dueAt = note.dueAt
      progress.reason = note.reason
      break
    case 'dead':
    case 'quarantined':
      progress.reason = note.reason
      break
    case 'queued':
      progress.sequence = note.sequence
      progress.replay = note.replay
      progress.attempts = 0
      progress.firstAttemptAt = undefined
      progress.dueAt = 0
      progress.reason = undefined
      break
    case 'woken':
      progress.dueAt = 0
      progress.replay = true
      break
  }
}

function parseLine(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}
