/** `inbox replay`: delivers events again, and reports the results. */
import type { Inbox, InboxEntry, InboxFilter } from '../../inbox/inbox'
import { labelOf, nextOf, whyNotReplayed } from '../../views/event'
import { JSON_OPTION, type Command, type OptionValues } from '../command'
import { UsageError } from '../errors'
import { print, printLines, ProgressLine, styled } from '../output'
import { count, printable, printableJson } from '../printable'
import { durationOf, FILTERS, filterOf, isFiltered } from '../values'
import { Follower } from './follow'
import { findEvents } from './ids'
import { pagesOf } from './pages'
import { TARGET_OPTIONS, withInbox } from './target'

const DEFAULT_WAIT_MS = 30_000
/** How many events are replayed concurrently: concurrent replays are flushed to disk together. */
const AT_ONCE = 16

export const replay: Command = {
  takes: '<id>… | filters',
  summary: 'Delivers events again: waiting ones at once, others at the end of the queue of their order or shipment.',
  details: `Filters without --state select dead events. Waits until a running process has delivered the events. Ends when
no further event was settled for the time of --wait, and at once if no process takes the events: they are
delivered as soon as a process does.

Exit code: 0 all were delivered (with --wait 0: queued); 1 some failed again, or could not be queued;
2 wrong usage; 3 some are still waiting.`,
  options: {
    ...FILTERS,
    wait: {
      type: 'string',
      value: 'duration',
      help: 'How long to wait for the next outcome; 0 does not wait. Default: 30s.',
    },
    ...JSON_OPTION,
    ...TARGET_OPTIONS,
  },
  run: async (call) => {
    const { values, words } = call
    const wait = durationOf('wait', values.wait)
    if (words.length > 0 && isFiltered(filterOf(values))) throw new UsageError('replay takes IDs or filters, not both.')
    const filter = words.length > 0 ? undefined : filterFor(values)
    return withInbox(call, async (inbox) => {
      const which = filter ?? (await findEvents(inbox, words))
      const { queued, refused, follower } = await queueAll(inbox, which)
      if (wait !== 0 && follower.size > 0 && (wait !== undefined || (await follower.isTaken())))
        await follower.follow(wait ?? DEFAULT_WAIT_MS)
      const { delivered, failed } = follower
      const waiting = wait === 0 ? [] : await follower.stillWaiting()
      const model = { queued, delivered, failed, waiting, refused }
      if (values.json) await print(`${printableJson(model)}\n`)
      else await printLines(linesOf(model, wait !== 0))
      if (failed.length + refused.length > 0) return 1
      return waiting.length > 0 ? 3 : 0
    })
  },
}

interface Refused {
  id: string
  reason: string
}

interface Model {
  queued: number
  delivered: number
  failed: InboxEntry[]
  waiting: InboxEntry[]
  refused: Refused[]
}

/** A filter is required. Without one, a mistake could deliver all events again. */
function filterFor(values: OptionValues): InboxFilter {
  const filter = filterOf(values)
  if (!isFiltered(filter)) throw new UsageError('replay needs IDs or a filter, such as --state dead.')
  return { ...filter, state: filter.state ?? 'dead' }
}

async function queueAll(inbox: Inbox, which: InboxEntry[] | InboxFilter) {
  const follower = new Follower(inbox)
  const refused: Refused[] = []
  const progress = new ProgressLine()
  let queued = 0
  const queueOne = async (entry: InboxEntry): Promise<void> => {
    if (await inbox.replay(entry.id)) {
      queued++
      follower.add(entry)
    } else refused.push({ id: entry.id, reason: await whyNotReplayed(inbox, entry.id) })
  }
  try {
    const pages = Array.isArray(which) ? [{ entries: which }] : pagesOf(inbox, which)
    for await (const { entries } of pages)
      for (let at = 0; at < entries.length; at += AT_ONCE) {
        const some = entries.slice(at, at + AT_ONCE)
        // Events of one queue are replayed one after another, to keep their order.
        const isMixed = new Set(some.map(labelOf)).size < some.length
        if (isMixed) for (const entry of some) await queueOne(entry)
        else await Promise.all(some.map(queueOne))
        progress.show(`Queued ${count(queued)}`)
      }
  } finally {
    progress.end()
  }
  return { queued, refused, follower }
}

function* linesOf({ queued, delivered, failed, waiting, refused }: Model, isFollowed: boolean): Generator<string> {
  for (const { id, reason } of refused) yield `${id} ${styled('red', 'not queued')}: ${reason}`
  for (const entry of failed) {
    const { id, state, outcome = '', reason = '', nextAttemptAt } = entry
    const then = nextAttemptAt === undefined ? state : `next attempt ${nextOf(entry, Date.now())}`
    yield `${id} ${styled('red', 'failed again')} (${printable(labelOf(entry))}, ${then}): ${printable(`${outcome}: ${reason}`)}`
  }
  for (const entry of waiting.slice(0, 10)) {
    const { waitsBehind } = entry
    yield `${entry.id} ${styled('yellow', 'still waits')} (${printable(labelOf(entry))})${waitsBehind === undefined ? '' : `, behind ${waitsBehind}`}`
  }
  if (queued === 0 || !isFollowed) {
    yield queued === 0 ? 'Nothing was queued.' : `Queued ${count(queued, 'event')}.`
    return
  }
  const parts = [
    `Queued ${count(queued, 'event')}`,
    `delivered ${count(delivered)}`,
    `failed again ${count(failed.length)}`,
    `still waiting ${count(waiting.length)}`,
  ]
  yield `${parts.join(', ')}.`
  if (waiting.some(({ waitsBehind }) => waitsBehind === undefined))
    yield 'They are delivered as soon as a process takes them.'
  else if (waiting.length > 0) yield 'They are delivered once the events ahead of them are.'
}
