/** `purge`: removes events for good, those alone that the person was asked about. */
import { createInterface } from 'node:readline/promises'
import { Folder } from '../inbox/file/folder'
import type { InboxEntry, ManagedInbox, PurgeFilter } from '../inbox/inbox'
import type { Command } from './arguments'
import { choose } from './choose'
import { print, Progress } from './output'
import { askServer, checkUser, openInbox } from './owner'
import { byteSize, count } from './printable'
import { Failure, LOG, UsageError } from './usage'

export async function purge(directory: string, { filter, yes }: Command & { name: 'purge' }): Promise<void> {
  const folder = new Folder(directory)
  await checkUser(directory)
  if (!yes && !process.stdin.isTTY)
    throw new UsageError('purge removes events for good: give --yes where there is no terminal to ask on.')
  const entries = await choose(folder, filter)
  if (entries.length === 0) return print('Nothing to remove.\n')
  if (!yes && !(await confirm(entries, filter))) throw new Failure('Nothing was removed.')
  const inbox = await openInbox(directory)
  const removed = inbox ? await purgeFrom(inbox, entries, filter) : await purgeByServer(folder, entries, filter)
  const total = entries.length
  await print(`Removed ${removed < total ? `${count(removed)} of ` : ''}${count(total, 'event')}.\n`)
  if (removed < total) throw new Failure(`${count(total - removed)} not removed. ${LOG}`)
}

async function confirm(entries: InboxEntry[], { state }: PurgeFilter): Promise<boolean> {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  const line = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Without an answer, at the end of the input, the interface closes and the question stays open.
    const closed = new Promise<string>((resolve) => line.once('close', () => resolve('\n')))
    const question = `Remove ${count(entries.length, `${state} event`)} with ${byteSize(bytes)} of bodies for good? [y/N] `
    const answer = await Promise.race([line.question(question), closed])
    if (answer === '\n') process.stderr.write(answer)
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    line.close()
  }
}

async function purgeFrom(inbox: ManagedInbox, entries: InboxEntry[], filter: PurgeFilter): Promise<number> {
  const known = new Set(entries.map(({ id }) => id))
  try {
    // A server may have run since the question, and given up another one.
    for await (const { id } of inbox.list(filter))
      if (!known.has(id)) throw new Failure('More events match by now. Nothing was removed: start again.')
    return await inbox.purge(filter)
  } finally {
    await inbox.close()
  }
}

async function purgeByServer(folder: Folder, entries: InboxEntry[], { state }: PurgeFilter): Promise<number> {
  const ids = entries.map(({ id }) => id)
  const progress = new Progress()
  const askedFor = (done: number): void => progress.show(`Removed ${count(done)} of ${count(ids.length)}`)
  await askServer(folder, 'purge', ids, askedFor).finally(() => progress.end())
  let removed = 0
  for (const id of ids) if (!(await folder.has(state === 'dead' ? 'dead' : 'quarantine', id))) removed++
  return removed
}
