/** `list`: what is in the inbox, as a table or as JSON. */
import { matches } from '../inbox/filter'
import { Folder } from '../inbox/file/folder'
import { takeSnapshot, type Snapshot } from '../inbox/file/snapshot'
import type { InboxEntry } from '../inbox/inbox'
import type { Command } from './arguments'
import { printLines, say, terminalWidth } from './output'
import { byteSize, count, duration, printable, printableJson } from './printable'
import { tableLines, type Column } from './table'

export async function list(directory: string, { filter, json }: Command & { name: 'list' }): Promise<void> {
  const snapshot = await takeSnapshot(new Folder(directory))
  const entries = snapshot.entries.filter((entry) => matches(entry, filter))
  if (json) await printLines(jsonLines(entries))
  else {
    const table = entries.length > 0 ? tableLines(entries, columns(Date.now()), terminalWidth()) : []
    await printLines([...table, summary(snapshot, entries.length)])
  }
  sayDamaged(snapshot.damaged)
}

function* jsonLines(entries: InboxEntry[]): Generator<string> {
  for (const entry of entries) yield printableJson(entry)
}

function columns(now: number): Column<InboxEntry>[] {
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'AGE', text: ({ receivedAt }) => duration(now - Date.parse(receivedAt)) },
    { title: 'STATE', text: ({ state }) => state },
    { title: 'TRIES', text: ({ attempts }) => (attempts > 0 ? String(attempts) : ''), rank: 3 },
    { title: 'NEXT', text: (entry) => nextOf(entry, now), rank: 4 },
    { title: 'OF', text: ({ entity }) => entity?.id ?? '', min: 10, rank: 1 },
    { title: 'EVENT', text: ({ eventName, kind }) => eventName ?? kind, min: 14, rank: 5 },
    { title: 'REASON', text: ({ reason }) => reason ?? '', min: 10, rank: 2 },
  ]
}

function nextOf({ nextAttemptAt }: InboxEntry, now: number): string {
  if (nextAttemptAt === undefined) return ''
  const wait = Date.parse(nextAttemptAt) - now
  return wait > 0 ? `in ${duration(wait)}` : 'now'
}

/** Of the whole inbox, whatever the filter. */
function summary({ entries, stats, damaged }: Snapshot, shown: number): string {
  const { waiting, running, dead, quarantined, oldestWaitingAt } = stats
  const oldest = oldestWaitingAt ? ` (oldest ${duration(Date.now() - oldestWaitingAt.getTime())})` : ''
  const parts = [
    `${count(waiting + running)} waiting${oldest}`,
    `${count(dead)} dead`,
    `${count(quarantined)} quarantined`,
    ...(damaged.length > 0 ? [`${count(damaged.length)} damaged`] : []),
    `${byteSize(stats.bytes + stats.quarantineBytes)} on disk`,
  ]
  const part = shown < entries.length ? `Shown ${count(shown)} of ${count(entries.length)}: ` : ''
  return part + parts.join(', ')
}

function sayDamaged(paths: string[]): void {
  const [first] = paths
  if (first === undefined) return
  const more = paths.length > 1 ? ` and ${count(paths.length - 1)} more` : ''
  say(`Damaged, and not delivered: ${printable(first)}${more}`)
}
