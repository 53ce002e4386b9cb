/** `replay`: puts events back into their line, and tells what becomes of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Folder } from '../inbox/file/folder'
import { findEvent } from '../inbox/file/snapshot'
import type { Inbox } from '../inbox/inbox'
import type { Command } from './arguments'
import { checkThere, choose } from './choose'
import { print, Progress, say } from './output'
import { askServer, checkUser, openInbox } from './owner'
import { count } from './printable'
import { Failure, LOG } from './usage'

const LOOK_MS = 500
/** When nothing was delivered and nothing has failed for so long, what is left is said to wait. */
const QUIET_MS = 15_000
/** Files that are read at a time. */
const AT_ONCE = 16

export async function replay(directory: string, { which, wait }: Command & { name: 'replay' }): Promise<void> {
  const folder = new Folder(directory)
  await checkUser(directory)
  if (Array.isArray(which)) await checkThere(folder, which)
  const ids = Array.isArray(which) ? which : (await choose(folder, which)).map(({ id }) => id)
  if (ids.length === 0) return print('Nothing to replay.\n')
  const startedAt = Date.now()
  const inbox = await openInbox(directory)
  const queued = inbox ? await queueInto(inbox, ids) : await queueByServer(folder, ids, startedAt)
  const left = ids.length - queued.length
  const later = inbox && queued.length > 0 ? ' No server runs on this folder: they are delivered when it starts.' : ''
  await print(`Queued ${left > 0 ? `${count(queued.length)} of ` : ''}${count(ids.length, 'event')}.${later}\n`)
  if (wait && !inbox && queued.length > 0) await watch(folder, queued, startedAt)
  if (left > 0)
    throw new Failure(`${count(left)} not queued: at the callback just now, gone, or not to be written. ${LOG}`)
}

async function queueInto(inbox: Inbox, ids: string[]): Promise<string[]> {
  const progress = new Progress()
  const queued: string[] = []
  try {
    for (const [i, id] of ids.entries()) {
      if (await inbox.replay(id)) queued.push(id)
      progress.show(`Queued ${count(i + 1)} of ${count(ids.length)}`)
    }
    return queued
  } catch (error) {
    progress.end()
    say(`Queued ${count(queued.length)} of ${count(ids.length, 'event')}, then it failed.`)
    throw error
  } finally {
    progress.end()
    await inbox.close()
  }
}

/** Resolves with the IDs of those that the server has queued. */
async function queueByServer(folder: Folder, ids: string[], startedAt: number): Promise<string[]> {
  const progress = new Progress()
  let asked = 0
  try {
    await askServer(folder, 'replay', ids, (done) => {
      asked = done
      progress.show(`Queued ${count(done)} of ${count(ids.length)}`)
    })
  } catch (error) {
    progress.end()
    if (asked > 0) say(`Asked for ${count(asked)} of ${count(ids.length, 'event')}, then it failed.`)
    throw error
  } finally {
    progress.end()
  }
  const states = await statesOf(folder, ids, startedAt)
  return ids.filter((_id, i) => states[i] !== 'not queued')
}

type State = 'not queued' | 'waiting' | 'failed' | 'delivered'

async function watch(folder: Folder, ids: string[], startedAt: number): Promise<void> {
  const progress = new Progress()
  const counts = { delivered: 0, failed: 0 }
  let waiting = ids
  let quietSince = Date.now()
  for (;;) {
    const states = await statesOf(folder, waiting, startedAt)
    for (const state of states) if (state === 'delivered' || state === 'failed') counts[state]++
    const left = waiting.filter((_id, i) => states[i] === 'waiting')
    if (left.length < waiting.length) quietSince = Date.now()
    waiting = left
    if (waiting.length === 0 || Date.now() - quietSince >= QUIET_MS) break
    progress.show(`Delivered ${count(counts.delivered)} of ${count(ids.length)}, failed again ${count(counts.failed)}`)
    await sleep(LOOK_MS)
  }
  progress.end()
  const { delivered, failed } = counts
  await print(`Delivered ${count(delivered)}, failed again ${count(failed)}, still waiting ${count(waiting.length)}.\n`)
}

async function statesOf(folder: Folder, ids: string[], startedAt: number): Promise<State[]> {
  const states: State[] = []
  for (let at = 0; at < ids.length; at += AT_ONCE)
    states.push(...(await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => stateOf(folder, id, startedAt)))))
  return states
}

/** By where it is, and by what was noted since it was asked for. */
async function stateOf(folder: Folder, id: string, startedAt: number): Promise<State> {
  const event = await findEvent(folder, id)
  // Its file may turn out to be damaged when it is delivered.
  if (!event) return (await folder.has('damaged', id)) ? 'failed' : 'delivered'
  const { place, file } = event
  const at = file.notes.findIndex((note) => (note.note === 'queued' || note.note === 'woken') && note.at >= startedAt)
  if (at < 0) return 'not queued'
  const isRetried = file.notes.slice(at).some(({ note }) => note === 'retry')
  return place !== 'waiting' || isRetried ? 'failed' : 'waiting'
}
