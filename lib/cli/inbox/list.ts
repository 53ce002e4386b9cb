/** `inbox list`: the events in the inbox, as a table or as JSON. */
import type { InboxEntry } from '../../inbox/inbox'
import type { InboxState } from '../../inbox/stored-event'
import { nextOf } from '../../views/event'
import type { Command } from '../command'
import { UsageError } from '../errors'
import { isTerminal, printLines, say, terminalWidth, type Style } from '../output'
import { count, duration, printable, printableJson } from '../printable'
import { layOut, type Column } from '../table'
import { FILTERS, filterOf, wholeNumberOf } from '../values'
import { pagesOf } from './pages'
import { TARGET_OPTIONS, withInbox } from './target'

const DEFAULT_LIMIT = 100
/** Length of an ID on a terminal: enough to distinguish millions of events. */
const ID_LENGTH = 13

export const list: Command = {
  summary: 'Lists events, the oldest first.',
  details: `An event that waits for another event of its order or shipment shows the ID of that event. On a terminal, long
values are cut (order numbers at their start) and ${DEFAULT_LIMIT} events are shown; otherwise nothing is cut and all
events are written.`,
  options: {
    ...FILTERS,
    limit: { type: 'string', value: 'number', help: 'The maximum number of events. `all` lists all of them.' },
    'newest-first': { type: 'boolean', help: 'Lists the newest events first.' },
    json: { type: 'boolean', help: 'One JSON object per line.' },
    ...TARGET_OPTIONS,
  },
  run: async (call) => {
    const { values, words } = call
    if (words[0] !== undefined) throw new UsageError(`list takes filters, not ${printable(words[0])}.`)
    const limit = values.limit === 'all' ? Infinity : wholeNumberOf('limit', values.limit, 1, 1e9)
    const options = {
      ...filterOf(values),
      limit: limit ?? (isTerminal() ? DEFAULT_LIMIT : Infinity),
      newestFirst: values['newest-first'] === true,
    }
    const isJson = values.json === true
    return withInbox(call, async (inbox) => {
      let table: ReturnType<typeof layOut<InboxEntry>> | undefined
      for await (const { entries, more } of pagesOf(inbox, options)) {
        if (isJson) await printLines(entries.map(printableJson))
        else {
          const title = table ? [] : [(table = layOut(entries, columns(Date.now()), terminalWidth())).title]
          const { line } = table
          await printLines([...title, ...entries.map(line)])
          if (more) say(`There are more than ${count(options.limit)}: use filters, or --limit all.`)
        }
      }
      if (!table && !isJson) say('There are no such events.')
      return 0
    })
  },
}

const STYLES: Partial<Record<InboxState, Style>> = {
  delivered: 'green',
  running: 'cyan',
  dead: 'red',
  quarantined: 'yellow',
}

function columns(now: number): Column<InboxEntry>[] {
  return [
    { title: 'ORDER OR SHIPMENT', text: ({ entity }) => entity?.id ?? '', min: 17, keep: 'end' },
    { title: 'STATE', text: ({ state }) => state, style: ({ state }) => STYLES[state] },
    { title: 'AGE', text: ({ receivedAt }) => duration(now - Date.parse(receivedAt)), rank: 2 },
    { title: 'TRIES', text: ({ attempts }) => (attempts > 0 ? String(attempts) : ''), rank: 4 },
    { title: 'NEXT', text: (entry) => nextOf(entry, now, shortId), rank: 3 },
    { title: 'EVENT', text: ({ eventName, kind }) => eventName ?? kind, min: 14, rank: 5 },
    { title: 'ID', text: ({ id }) => shortId(id) },
    { title: 'REASON', text: ({ state, reason }) => (state === 'delivered' ? '' : (reason ?? '')), min: 10, rank: 1 },
  ]
}

/** Commands accept any unique beginning of an ID. */
function shortId(id: string): string {
  return isTerminal() ? id.slice(0, ID_LENGTH) : id
}
