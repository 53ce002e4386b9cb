/** `show`: one event and all that happened to it. */
import type { Note } from '../inbox/file/event-file'
import { Folder } from '../inbox/file/folder'
import { showEvent, type ShownEvent } from '../inbox/file/snapshot'
import type { Command } from './arguments'
import { notThere } from './choose'
import { print, printLines } from './output'
import { count, printable, printableJson } from './printable'
import { UsageError } from './usage'

export async function show(directory: string, { id, as }: Command & { name: 'show' }): Promise<void> {
  const folder = new Folder(directory)
  const shown = await showEvent(folder, id)
  if (!shown) throw new UsageError(await notThere(folder, id))
  if (as === 'body') await print(shown.bytes)
  else if (as === 'json') await print(`${printableJson(jsonOf(shown))}\n`)
  else await printLines(linesOf(shown))
}

function jsonOf({ entry, event, notes, bytes }: ShownEvent): object {
  const text = textOf(bytes)
  return {
    entry,
    event,
    history: notes.map((note) => ({ ...note, ...timesOf(note) })),
    body: text ?? bytes.toString('base64'),
    bodyEncoding: text === undefined ? 'base64' : 'utf8',
  }
}

/** `undefined` for bytes that are no UTF-8. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function timesOf(note: Note): Partial<Record<'at' | 'dueAt', string>> {
  return {
    ...('at' in note && { at: isoOf(note.at) }),
    ...('dueAt' in note && { dueAt: isoOf(note.dueAt) }),
  }
}

function linesOf({ entry, event, notes }: ShownEvent): string[] {
  const { entity, quarantine } = event
  const fields: Array<[string, string | undefined]> = [
    ['Event', entry.id],
    ['State', entry.state],
    ['Reason', entry.reason],
    ['Next attempt', entry.nextAttemptAt],
    ['Attempts', String(entry.attempts)],
    ['Kind', event.trigger === 'id' ? `${event.kind}, an ID to fetch` : event.kind],
    ['Event name', event.eventName],
    [entity?.kind === 'shipment' ? 'Shipment' : 'Order', entity?.id],
    ['Received', event.receivedAt],
    ['Request', event.requestId],
    ['Method', event.method],
    ['Path', event.path],
    ['Content type', event.contentType],
    ['Body', event.trigger === 'id' ? 'none' : count(entry.bytes, 'byte')],
    ['SHA-256', event.digest],
    ['Reserialized', event.reserialized && 'yes: the body was parsed by the app and written as JSON again'],
    ['Quarantine', quarantine && `${quarantine.code}: ${quarantine.reason}`],
    ...(quarantine?.issues ?? []).map(({ pointer, message }): [string, string] => ['Issue', `${pointer} ${message}`]),
  ]
  return [
    ...fields.flatMap(([label, value]) => (value === undefined ? [] : `${label.padEnd(14)}${printable(value)}`)),
    '',
    `${event.receivedAt}  stored`,
    ...notes.map(historyLine),
  ]
}

function historyLine(note: Note): string {
  return `${isoOf(note.at).padEnd(24)}  ${whatHappened(note)}`
}

function whatHappened(note: Note): string {
  switch (note.note) {
    case 'attempt':
      return 'handed to the callback'
    case 'retry':
      return `failed, to be tried again at ${isoOf(note.dueAt)}: ${printable(note.reason)}`
    case 'dead':
      return `given up: ${printable(note.reason)}`
    case 'quarantined':
      return `to quarantine: ${printable(note.reason)}`
    case 'queued':
      return note.replay ? 'queued again by a person' : 'queued again: Tradecloud sent it again'
    case 'woken':
      return 'woken by a person, to be tried at once'
    default:
      // Of a newer version.
      return printable(JSON.stringify(note))
  }
}

/** What stands in a file may be anything. */
function isoOf(time: unknown): string {
  const date = new Date(typeof time === 'number' ? time : NaN)
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString()
}
