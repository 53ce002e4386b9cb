/** `inbox purge`: permanently removes dead or quarantined events. */
import type { Inbox, InboxEntry, InboxFilter } from '../../inbox/inbox'
import { confirm } from '../ask'
import { JSON_OPTION, type Command, type OptionValues } from '../command'
import { UsageError } from '../errors'
import { print, ProgressLine } from '../output'
import { count, printableJson } from '../printable'
import { FILTERS, filterOf, isFiltered } from '../values'
import { findEvents } from './ids'
import { pagesOf } from './pages'
import { TARGET_OPTIONS, withInbox } from './target'

/** How many events are removed concurrently: concurrent removals are flushed to disk together. */
const AT_ONCE = 16

export const purge: Command = {
  takes: '<id>… | --state dead|quarantined [filters]',
  summary: 'Removes dead or quarantined events permanently. Events that wait are never removed.',
  options: {
    ...FILTERS,
    yes: { type: 'boolean', help: 'Does not ask.' },
    ...JSON_OPTION,
    ...TARGET_OPTIONS,
  },
  run: async (call) => {
    const { values, words } = call
    const filter = checkFilter(values, words)
    return withInbox(call, async (inbox) => {
      const chosen = words.length > 0 ? await findEvents(inbox, words) : undefined
      const wrong = chosen?.find(({ state }) => state !== 'dead' && state !== 'quarantined')
      if (wrong)
        throw new UsageError(`Event ${wrong.id} is ${wrong.state}: only dead and quarantined ones are removed.`)
      const found = chosen ? chosen.length : await countOf(inbox, filter)
      if (found > 0 && !values.yes) {
        const question = `Remove ${count(found, 'event')} permanently?`
        if (!(await confirm(question, `purge would remove ${count(found, 'event')}: confirm with --yes.`))) return 1
      }
      const purged = await purgeAll(inbox, chosen ?? filter, found)
      const left = Math.max(0, found - purged)
      await print(values.json ? `${printableJson({ purged, left })}\n` : `Removed ${count(purged, 'event')}.\n`)
      return left > 0 ? 1 : 0
    })
  },
}

function checkFilter(values: OptionValues, words: string[]): InboxFilter {
  const filter = filterOf(values)
  if (words.length > 0) {
    if (isFiltered(filter)) throw new UsageError('purge takes IDs or filters, not both.')
  } else if (filter.state !== 'dead' && filter.state !== 'quarantined')
    throw new UsageError('purge needs IDs, or --state dead or --state quarantined.')
  return filter
}

async function countOf(inbox: Inbox, filter: InboxFilter): Promise<number> {
  let found = 0
  for await (const { entries } of pagesOf(inbox, filter)) found += entries.length
  return found
}

async function purgeAll(inbox: Inbox, which: InboxEntry[] | InboxFilter, found: number): Promise<number> {
  const progress = new ProgressLine()
  let purged = 0
  try {
    const pages = Array.isArray(which) ? [{ entries: which }] : pagesOf(inbox, which)
    for await (const { entries } of pages)
      for (let at = 0; at < entries.length; at += AT_ONCE) {
        const removed = await Promise.all(entries.slice(at, at + AT_ONCE).map(({ id }) => inbox.purge(id)))
        purged += removed.filter(Boolean).length
        progress.show(`Removed ${count(purged)} of ${count(found)}`)
      }
    return purged
  } finally {
    progress.end()
  }
}
