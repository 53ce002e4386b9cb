/**
 * What is in a folder at a moment, read from outside: beside the process that owns it, without the lock. What moves
 * meanwhile is shown where it was found.
 */
import { stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { TradecloudWebhookError } from '../../errors/errors'
import type { InboxEntry, InboxStats, StoredEvent } from '../inbox'
import { decodeEvent, readEventFile, storedEventOf, type EventFile, type Note } from './event-file'
import { Events, publicEntry } from './events'
import { isMissing, type Folder } from './folder'
import type { Entry } from './lines'
import { scan, SCANNED, type Scanned } from './scan'

export interface Snapshot {
  /** The oldest first. Running ones are shown as waiting: which ones run only their process knows. */
  entries: InboxEntry[]
  stats: InboxStats
  /** Paths of files that are not whole. */
  damaged: string[]
}

export interface FoundEvent {
  place: Entry['place']
  file: EventFile
}

/** One event with all that happened to it. */
export interface ShownEvent {
  entry: InboxEntry
  event: StoredEvent
  bytes: Buffer
  notes: Note[]
}

/** False for a folder that no inbox was ever opened in. */
export async function isInboxFolder(directory: string): Promise<boolean> {
  const found = await Promise.all(['requests', 'delivered', ...SCANNED].map((name) => isFolder(join(directory, name))))
  return found.every(Boolean)
}

export async function takeSnapshot(folder: Folder): Promise<Snapshot> {
  const events = new Events(() => undefined)
  const damaged = new Set<string>()
  const take = ({ place, id, file }: Scanned): void => {
    // One that moved may be found twice.
    if (events.get(id)) return
    if (file?.head.id === id) events.adopt(place, file)
    else damaged.add(folder.path(place, id))
  }
  for await (const scanned of scan(folder)) take(scanned)
  // Those that were queued again after `waiting` had been read, and before the place that they came from was.
  for await (const id of folder.ids('waiting')) {
    const moved = events.get(id) ? undefined : await unlessMissing(folder.open('waiting', id, readEventFile))
    if (moved) take({ place: 'waiting', id, file: moved })
  }
  for await (const id of folder.ids('damaged')) damaged.add(folder.path('damaged', id))
  const snapshot = { entries: events.sorted().map(publicEntry), stats: events.stats(), damaged: [...damaged] }
  events.clear()
  return snapshot
}

/**
 * Where an event is, and what is in its file but the body. `undefined` for one that is not there, or was delivered.
 * Rejects for one that is damaged, as `showEvent` does.
 */
export function findEvent(folder: Folder, id: string): Promise<FoundEvent | undefined> {
  return wherever(folder, id, async (handle, place) => {
    const file = await readEventFile(handle)
    return file && { place, file }
  })
}

export function showEvent(folder: Folder, id: string): Promise<ShownEvent | undefined> {
  return wherever(folder, id, async (handle, place) => {
    const file = await readEventFile(handle)
    const decoded = decodeEvent(await handle.readFile())
    if (!file || decoded?.head.id !== id) return undefined
    const entry = publicEntry(adoptAlone(place, file))
    return { entry, event: storedEventOf(decoded.head), bytes: decoded.body, notes: file.notes }
  })
}

function adoptAlone(place: Entry['place'], file: EventFile): Entry {
  const events = new Events(() => undefined)
  const entry = events.adopt(place, file)
  events.clear()
  return entry
}

/** Reads all through one handle, which goes with a file that moves. `read` gives nothing for a file that is not whole. */
async function wherever<T>(
  folder: Folder,
  id: string,
  read: (handle: FileHandle, place: Entry['place']) => Promise<T | undefined>,
): Promise<T | undefined> {
  // Twice: one that is queued again meanwhile moves from a place that is still to be looked at to one that was.
  for (const place of [...SCANNED, ...SCANNED]) {
    const found = await unlessMissing(folder.open(place, id, async (handle) => ({ whole: await read(handle, place) })))
    if (found?.whole) return found.whole
    // One that was delivered while it was read has been emptied, in another place.
    if (found && (await folder.has(place, id))) throw damagedAt(folder.path(place, id))
  }
  return undefined
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function damagedAt(path: string): TradecloudWebhookError {
  return new TradecloudWebhookError(
    'inbox_damaged',
    `The file ${path} is damaged: its bytes are not those that were stored.`,
  )
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return false
    throw error
  }
}
