/** `inbox show`: one event with its history. */
import { fieldsOf, historyOf, modelOf, type EventModel, type HistoryLine, type ShownEvent } from '../../views/event'
import { prettyJson } from '../../views/json'
import { JSON_OPTION, type Command } from '../command'
import { Failure, UsageError } from '../errors'
import { isTerminal, print, printLines, styled } from '../output'
import { byteSize, count, printable, printableJson, printableLines } from '../printable'
import { findEvent } from './ids'
import { TARGET_OPTIONS, withInbox } from './target'

/** Maximum number of lines of a body that are shown on a terminal. */
const SHOWN_LINES = 400

export const show: Command = {
  takes: '<id>',
  summary: 'Shows an event with its history, the reason for its last failure, and its body.',
  details: 'Any unique prefix of the ID is enough.',
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
      const model = withBody(shown)
      if (values.raw) await print(shown.bytes ?? fail(model))
      else if (values.json) await print(`${printableJson(model)}\n`)
      else await printLines(linesOf(model))
      return 0
    })
  },
}

interface Model extends EventModel {
  /**
   * The body as text, or in base64 if it is not UTF-8. Absent if the event has no body or its body is no longer kept.
   */
  body?: string | undefined
  bodyEncoding?: 'utf8' | 'base64' | undefined
}

function withBody(shown: ShownEvent): Model {
  const { bytes } = shown
  const text = bytes && textOf(bytes)
  return {
    ...modelOf(shown),
    ...(bytes && { body: text ?? bytes.toString('base64'), bodyEncoding: text === undefined ? 'base64' : 'utf8' }),
  }
}

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
  for (const [label, value] of fieldsOf(model)) yield `${styled('bold', label.padEnd(14))}${printable(value)}`
  yield ''
  for (const line of historyOf(model)) yield historyLine(line)
  yield ''
  yield* bodyLines(model)
}

function historyLine({ at, text, outcome, reason }: HistoryLine): string {
  if (outcome === undefined) return `${at}  ${text}`
  const result = styled(outcome === 'delivered' ? 'green' : 'red', `${text}: ${printable(outcome)}`)
  return `${at}  ${result}${reason === undefined ? '' : `, ${printable(reason)}`}`
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
