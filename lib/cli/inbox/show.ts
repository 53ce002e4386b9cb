/** `inbox show`: one event and all that happened to it. */
import type { InboxAttempt, InboxEntry, StoredEvent } from '../../inbox/inbox'
import { JSON_OPTION, type Command } from '../command'
import { Failure, UsageError } from '../errors'
import { isTerminal, print, printLines, styled } from '../output'
import { prettyJson } from '../pretty-json'
import { byteSize, count, printable, printableJson, printableLines } from '../printable'
import { findEvent } from './ids'
import { TARGET_OPTIONS, withInbox } from './target'

/** On a terminal, more of a body is not shown. */
const SHOWN_LINES = 400

export const show: Command = {
  takes: '<id>',
  summary: 'Shows an event with its history, the reason of its last failure, and its body.',
  details: 'Any unique beginning of the ID is enough.',
  options: {
    raw: { type: 'boolean', help: 'Writes the bytes of the body, and nothing else.' },
    ...JSON_OPTION,
    ...TARGET_OPTIONS,
  },
  run: async (call) => {
    const { values, words } = call
    const [word, more] = words
    if (word === undefined || more !== undefined) throw new UsageError('show takes one ID.')
    if (values.json && values.raw) throw new UsageError('--json and --raw exclude each other.')
    return withInbox(call, async (inbox) => {
      const { id } = await findEvent(inbox, word)
      const shown = await inbox.show(id)
      if (!shown) throw new Failure(`Event ${id} has just been removed.`)
      const model = modelOf(shown)
      if (values.raw) await print(shown.bytes ?? fail(model))
      else if (values.json) await print(`${printableJson(model)}\n`)
      else await printLines(linesOf(model))
      return 0
    })
  },
}

interface Model
  extends InboxEntry, Pick<StoredEvent, 'method' | 'path' | 'contentType' | 'digest' | 'reserialized' | 'quarantine'> {
  /** Deliveries, the oldest first. Of many, the first ten and the last ten. */
  history: InboxAttempt[]
  /** Text, or base64 if it is not UTF-8. Absent if there is none, or if it is no longer kept. */
  body?: string | undefined
  bodyEncoding?: 'utf8' | 'base64' | undefined
}

function modelOf(shown: { entry: InboxEntry; event: StoredEvent; attempts: InboxAttempt[]; bytes?: Buffer }): Model {
  const { entry, event, attempts, bytes } = shown
  const { method, path, contentType, digest, reserialized, quarantine } = event
  const text = bytes && textOf(bytes)
  return {
    ...entry,
    ...{ method, path, contentType, digest, reserialized, quarantine },
    history: attempts,
    ...(bytes && { body: text ?? bytes.toString('base64'), bodyEncoding: text === undefined ? 'base64' : 'utf8' }),
  }
}

/** `undefined` if the bytes are not UTF-8. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function fail({ id, bytes }: Model): never {
  throw new Failure(bytes > 0 ? `The body of event ${id} is no longer kept.` : `Event ${id} has no body.`)
}

function* linesOf(model: Model): Generator<string> {
  const { entity, quarantine, trigger } = model
  const fields: Array<[string, string | undefined]> = [
    [entity?.kind === 'shipment' ? 'Shipment' : 'Order', entity?.id],
    ['Event', model.eventName],
    ['Kind', trigger === 'id' ? `${model.kind}, an ID to fetch` : model.kind],
    ['ID', model.id],
    ['State', model.state],
    ['Outcome', model.outcome],
    ['Reason', model.reason],
    ['Next attempt', model.nextAttemptAt],
    ['Waits behind', model.waitsBehind],
    ['Attempts', String(model.attempts)],
    ['Received', model.receivedAt],
    ['Settled', model.settledAt],
    ['Webhook', model.name],
    ['Request', `${model.requestId}, ${model.method} ${model.path}`],
    ['Content type', model.contentType],
    ['SHA-256', model.digest],
    ['Quarantine', quarantine && `${quarantine.code}: ${quarantine.reason}`],
    ...(quarantine?.issues ?? []).map(({ pointer, message }): [string, string] => ['Issue', `${pointer} ${message}`]),
    ['Reserialized', model.reserialized && 'yes: the app parsed the body, and it was written as JSON again'],
  ]
  for (const [label, value] of fields)
    if (value !== undefined) yield `${styled('bold', label.padEnd(14))}${printable(value)}`
  yield ''
  yield `${model.receivedAt}  received`
  for (const attempt of model.history) yield historyLine(attempt)
  yield ''
  yield* bodyLines(model)
}

function historyLine({ begunAt, endedAt, outcome, reason }: InboxAttempt): string {
  if (outcome === undefined) return `${begunAt}  attempt, ${endedAt === undefined ? 'running or cut short' : 'ended'}`
  const ms = endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(begunAt)
  const text = `attempt${ms === undefined ? '' : ` of ${count(ms)} ms`}: ${printable(outcome)}`
  return `${begunAt}  ${styled(outcome === 'delivered' ? 'green' : 'red', text)}${reason === undefined ? '' : `, ${printable(reason)}`}`
}

function* bodyLines({ trigger, bytes, body, bodyEncoding }: Model): Generator<string> {
  const lines =
    trigger === 'id'
      ? ['No body: the order or shipment is fetched when it is delivered.']
      : body === undefined
        ? [`The body of ${byteSize(bytes)} is no longer kept.`]
        : bodyEncoding === 'base64'
          ? [`The body of ${byteSize(bytes)} is not text: --raw writes it.`]
          : printableLines(prettyJson(body) ?? body)
  const shown = isTerminal() ? lines.slice(0, SHOWN_LINES) : lines
  yield* shown
  if (shown.length < lines.length)
    yield styled('dim', `… ${count(lines.length - shown.length)} more lines: --raw writes all.`)
}
