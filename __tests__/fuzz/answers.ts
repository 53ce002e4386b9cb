/** Parses all responses on a connection, and finds errors in them. */
import { fits } from '../integration/answer-table'

export interface Answer {
  status: number
  /** `undefined` for responses of Node itself and of the app, and for responses without a body. */
  outcome: string | undefined
}

/** Statuses of responses that Node or the app sends instead of the webhook. */
const NOT_OURS = [400, 404, 408, 413, 417, 431]
/** A valid header: a name, and a value without control characters other than tabs. */
const HEADER = /^[\w-]+: [\t\x20-\x7e\xa0-\xff]*$/

/**
 * Reads the complete responses in `received`. `bytes`: the number of bytes that these responses take up, or 0 if
 * `received` ends within the body of a response. Throws if `received` is not HTTP, or contains a response that must
 * never be sent.
 */
export function readAnswers(received: Buffer, noBody: readonly boolean[] = []): { answers: Answer[]; bytes: number } {
  const answers: Answer[] = []
  let at = 0
  for (;;) {
    const headEnd = received.indexOf('\r\n\r\n', at)
    if (headEnd < 0) break
    const [line = '', ...headers] = received.toString('latin1', at, headEnd).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) [\w' -]+$/.exec(line)?.[1])
    const bad = headers.find((header) => !HEADER.test(header))
    if (Number.isNaN(status) || bad !== undefined) throw new Error(`not HTTP: ${JSON.stringify([line, bad])}`)
    at = headEnd + 4
    if (status === 100) continue
    const fields = new Map(
      headers.map((header) => [header.split(':', 1)[0]?.toLowerCase(), header.replace(/^.*?: /, '')]),
    )
    const body = noBody[answers.length] ? { text: '', end: at } : bodyAt(received, at, fields)
    // The last response is not complete yet.
    if (!body) return { answers, bytes: 0 }
    at = body.end
    answers.push({ status, outcome: outcomeOf(status, fields, body.text, noBody[answers.length] ?? false) })
  }
  return { answers, bytes: at }
}

/** Returns `undefined` if the body is not complete yet. */
function bodyAt(
  received: Buffer,
  start: number,
  fields: Map<string | undefined, string>,
): { text: string; end: number } | undefined {
  const length = Number(fields.get('content-length') ?? 0)
  if (fields.get('transfer-encoding') !== 'chunked') {
    const end = start + length
    return received.length < end ? undefined : { text: received.toString('utf8', start, end), end }
  }
  // Only Node's own responses are chunked, and these are empty.
  const empty = '0\r\n\r\n'
  return received.toString('latin1', start, start + empty.length) === empty
    ? { text: '', end: start + empty.length }
    : undefined
}

function outcomeOf(
  status: number,
  fields: Map<string | undefined, string>,
  text: string,
  noBody: boolean,
): string | undefined {
  const shown = `${status} ${JSON.stringify([...fields])} ${text.slice(0, 500)}`
  if (status === 500) throw new Error(`500: ${shown}`)
  if (fields.has('set-cookie') || fields.has('x-evil') || fields.has('location'))
    throw new Error(`an injected header: ${shown}`)
  if (/canary/i.test(shown)) throw new Error(`a secret: ${shown}`)
  const isOurs = fields.get('cache-control') === 'no-store'
  if (!isOurs) {
    if (!NOT_OURS.includes(status)) throw new Error(`not of the table: ${shown}`)
    return undefined
  }
  if (noBody) return undefined
  const { outcome, code } = JSON.parse(text) as { outcome?: string; code?: string }
  const what = outcome ?? code ?? ''
  if (!fits(what, status, 'either')) throw new Error(`not of the table: ${shown}`)
  return what
}
