/**
 * One process owns the folder. A server that runs is asked by a file in `requests`, which it removes when it has done what
 * the file says; where none runs, the folder is ours for a moment.
 */
import { randomUUID } from 'node:crypto'
import { rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isTradecloudWebhookError } from '../errors/errors'
import { fileInbox } from '../inbox/file'
import { isMissing, type Folder } from '../inbox/file/folder'
import type { Request } from '../inbox/file/keeper'
import { SCANNED } from '../inbox/file/scan'
import type { ManagedInbox } from '../inbox/inbox'
import { Failure, LOG, UsageError } from './usage'

/** So many events in one request. */
const BATCH = 100
const LOOK_MS = 50
const PATIENCE_MS = 15_000
/** A large folder is read first; one that cannot be read is tried for ever by the inbox. */
const OPEN_MS = 10 * 60_000

/** Files of another user would lock the server out of its own folder. */
export async function checkUser(directory: string): Promise<void> {
  const { uid } = await stat(directory)
  const own = process.getuid?.()
  if (own !== undefined && own !== uid)
    throw new UsageError(
      `The folder belongs to user ${uid}, and this runs as user ${own}: run it as the user of the server.`,
    )
}

/** `undefined` where a server runs. */
export async function openInbox(directory: string): Promise<ManagedInbox | undefined> {
  let inbox: ManagedInbox
  try {
    inbox = fileInbox({ directory })
  } catch (error) {
    if (isTradecloudWebhookError(error) && error.code === 'inbox_locked') return undefined
    throw error
  }
  const ended = new AbortController()
  const late = sleep(OPEN_MS, undefined, { signal: ended.signal }).then(() => {
    throw new Failure('The folder could not be read.')
  })
  await Promise.race([inbox.ready(), late]).finally(() => ended.abort())
  return inbox
}

/** Resolves when the server has done it, or has tried: what became of each shows in the folder. */
export async function askServer(
  folder: Folder,
  action: Request['action'],
  ids: string[],
  onProgress: (done: number) => void,
): Promise<void> {
  // One after the other: the server takes them in any order, and events of one order must stay in theirs.
  for (let at = 0; at < ids.length; at += BATCH) {
    const batch = ids.slice(at, at + BATCH)
    await ask(folder, { action, ids: batch })
    onProgress(at + batch.length)
  }
}

async function ask(folder: Folder, request: Request): Promise<void> {
  const path = join(folder.directory, 'requests', randomUUID())
  let places = await placesOf(folder, request.ids)
  try {
    await writeFile(`${path}.tmp`, JSON.stringify(request), { mode: 0o600, flag: 'wx' })
    await rename(`${path}.tmp`, `${path}.json`)
  } finally {
    await rm(`${path}.tmp`, { force: true })
  }
  for (let end = Date.now() + PATIENCE_MS; await isThere(`${path}.json`); await sleep(LOOK_MS)) {
    if (Date.now() < end) continue
    const now = await placesOf(folder, request.ids)
    if (now === places) return withdraw(`${path}.json`)
    // Slow, but at it.
    places = now
    end = Date.now() + PATIENCE_MS
  }
}

async function withdraw(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    // Done at the last moment.
    if (isMissing(error)) return
    throw error
  }
  throw new Failure(
    `The process that owns the folder did not do what it was asked for within ${PATIENCE_MS / 1000} s. The request was withdrawn. ${LOG}`,
  )
}

async function placesOf(folder: Folder, ids: string[]): Promise<string> {
  const places = await Promise.all(
    ids.map(async (id) => {
      const found = await Promise.all(SCANNED.map((place) => folder.has(place, id)))
      return found.indexOf(true)
    }),
  )
  return places.join()
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
