/** From the words of the command line to a command with checked options. */
import { parseArgs } from 'node:util'
import type { EventKind } from '../events/events'
import type { InboxFilter, PurgeFilter } from '../inbox/inbox'
import { isEventId } from '../inbox/file/folder'
import { printable } from './printable'
import { UsageError } from './usage'

export type Command =
  | { name: 'list'; filter: InboxFilter; json: boolean }
  | { name: 'show'; id: string; as: 'text' | 'json' | 'body' }
  | { name: 'replay'; which: string[] | InboxFilter; wait: boolean }
  | { name: 'purge'; filter: PurgeFilter; yes: boolean }

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const FILTERS = { state: text, kind: text, 'event-name': text, entity: text, before: text }
const OPTIONS = {
  list: { ...FILTERS, json: flag },
  show: { json: flag, body: flag },
  replay: { ...FILTERS, all: flag, 'no-wait': flag },
  purge: { ...FILTERS, yes: flag },
}
const STATES = ['waiting', 'dead', 'quarantined'] as const
const KINDS: readonly EventKind[] = ['order', 'orderDocuments', 'shipment', 'unknown']

type Values = Partial<Record<string, string | boolean>>

/** `'help'` where it was asked for. */
export function parseCommand(words: string[]): { directory: string; command: Command } | 'help' {
  const end = words.indexOf('--')
  if (words.slice(0, end < 0 ? undefined : end).some((word) => word === '--help' || word === '-h')) return 'help'
  const [area, directory, name, ...rest] = words
  if (area === undefined) throw new UsageError('What to do is missing.')
  if (area !== 'inbox') throw new UsageError(`Unknown command ${printable(area)}; there is only inbox.`)
  if (directory === undefined || directory === '') throw new UsageError('The folder of the inbox is missing.')
  if (name === undefined) throw new UsageError('The command is missing: list, show, replay or purge.')
  if (!isCommandName(name))
    throw new UsageError(`Unknown command ${printable(name)}; there are list, show, replay and purge.`)
  return { directory, command: readCommand(name, rest) }
}

function isCommandName(name: string): name is Command['name'] {
  return Object.hasOwn(OPTIONS, name)
}

function readCommand(name: Command['name'], rest: string[]): Command {
  const { values, positionals } = parse(name, rest)
  switch (name) {
    case 'list':
      refuseIds(name, positionals)
      return { name, filter: filterOf(values), json: values.json === true }
    case 'show': {
      const [id, ...more] = positionals.map(readId)
      if (id === undefined || more.length > 0) throw new UsageError('show takes one ID.')
      if (values.json && values.body) throw new UsageError('--json and --body exclude each other.')
      return { name, id, as: values.json ? 'json' : values.body ? 'body' : 'text' }
    }
    case 'replay':
      return { name, which: readWhich(positionals, values), wait: values['no-wait'] !== true }
    case 'purge': {
      refuseIds(name, positionals)
      const { state, ...filter } = filterOf(values)
      if (state !== 'dead' && state !== 'quarantined')
        throw new UsageError('purge needs --state dead or --state quarantined: events that wait are never removed.')
      return { name, filter: { ...filter, state }, yes: values.yes === true }
    }
  }
}

function parse(name: Command['name'], args: string[]): { values: Values; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS[name], allowPositionals: true, strict: true })
    return { values: values as Values, positionals }
  } catch (error) {
    // Its message ends with advice on how to give such a word as a positional: the first sentence is enough.
    const [message = ''] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(`${name}: ${printable(message.replace(/\.$/, ''))}.`)
  }
}

function readWhich(ids: string[], { all, ...values }: Values): string[] | InboxFilter {
  const filter = filterOf(values)
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  if (all === true) {
    if (ids.length > 0) throw new UsageError('replay takes IDs or --all, not both.')
    return { ...filter, state: filter.state ?? 'dead' }
  }
  if (ids.length === 0) throw new UsageError('replay needs IDs, or --all.')
  if (isFiltered) throw new UsageError('Filters of replay go with --all, not with IDs.')
  return [...new Set(ids.map(readId))]
}

function refuseIds(name: string, [word]: string[]): void {
  if (word !== undefined) throw new UsageError(`${name} takes no ${printable(word)}; see the filters.`)
}

function readId(word: string): string {
  const id = word.toLowerCase()
  if (!isEventId(id))
    throw new UsageError(`${printable(word)} is not the ID of an event: IDs are UUIDs, as list shows them.`)
  return id
}

function filterOf(values: Values): InboxFilter {
  const { state, kind, before, entity: entityId, 'event-name': eventName } = values as Partial<Record<string, string>>
  return {
    state: oneOf('--state', STATES, state),
    kind: oneOf('--kind', KINDS, kind),
    eventName,
    entityId,
    before: before === undefined ? undefined : readTime(before),
  }
}

function oneOf<T extends string>(option: string, allowed: readonly T[], value: string | undefined): T | undefined {
  if (value === undefined) return undefined
  const found = allowed.find((each) => each === value)
  if (found === undefined)
    throw new UsageError(`${option} is ${printable(value)}; it must be one of ${allowed.join(', ')}.`)
  return found
}

function readTime(value: string): Date {
  const match = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(value)
  const time = new Date(match ? value : NaN)
  // 30 February would be 2 March.
  const [year, month, day] = match ? match.slice(1, 4).map(Number) : []
  const isDay = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() === day
  if (!isDay || Number.isNaN(time.getTime()))
    throw new UsageError(
      `--before is ${printable(value)}; it must be a time in ISO 8601, such as 2026-05-31T08:00:00Z.`,
    )
  return time
}
