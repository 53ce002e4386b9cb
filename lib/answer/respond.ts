/**
 * The table of responses: the outcome of a request decides the status that Tradecloud gets. No other code of the
 * webhook chooses a status. No row is 500, because Tradecloud regards 500 as final, like a 4xx, and would never send
 * the event again.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Issue } from '../events/events'
import { startInterval } from '../wait/timers'

/** The outcome of a request, or of a delivery from the inbox. */
export type Outcome =
  | 'delivered'
  | 'queued'
  | 'quarantined'
  | 'duplicate'
  | 'ignored'
  | 'malformed_body'
  | 'invalid_body'
  | 'invalid_id'
  | 'rejected'
  | 'unauthorized'
  | 'address_not_allowed'
  | 'not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'fetch_failed'
  | 'fetch_timeout'
  | 'answer_timeout'
  | 'handler_failed'
  | 'in_progress'
  | 'unavailable'
  | 'not_routed'
  | 'probe'

export interface ResponseRow {
  status: number
  /** The default `detail` of the response. */
  detail: string
  /** The response is 503 instead if the option `refusals` is `'retry'`. */
  refusal?: true
  /** The response is 503 instead if the result says that a retry may still help. */
  mayPass?: true
  /** The result may specify another 4xx. */
  mayDiffer?: true
}

export const TABLE: Readonly<Record<Outcome, ResponseRow>> = {
  delivered: { status: 200, detail: 'The event was processed.' },
  queued: { status: 202, detail: 'The event is stored and will be processed.' },
  quarantined: { status: 202, detail: 'The body cannot be read and is kept for manual review.' },
  duplicate: { status: 200, detail: 'The event had been processed or stored before.' },
  ignored: { status: 200, detail: 'There is no callback for this kind of event.' },
  malformed_body: { status: 400, detail: 'The body cannot be read.', refusal: true },
  invalid_body: { status: 400, detail: 'The body is not an event.', refusal: true },
  invalid_id: { status: 400, detail: 'The URL contains no usable order or shipment ID.', refusal: true },
  rejected: { status: 422, detail: 'The event was rejected.', mayDiffer: true },
  unauthorized: { status: 401, detail: 'The credentials are missing or wrong.', refusal: true },
  address_not_allowed: { status: 403, detail: 'The source address is not allowed.', mayPass: true },
  not_found: { status: 404, detail: 'The Tradecloud API does not know this ID.', mayPass: true },
  method_not_allowed: { status: 405, detail: 'Only GET, POST and PUT are accepted.' },
  body_too_large: { status: 413, detail: 'The body is too large.', refusal: true },
  unsupported_media_type: { status: 415, detail: 'The media type of the body is not supported.', refusal: true },
  fetch_failed: { status: 502, detail: 'The order or shipment could not be fetched from the Tradecloud API.' },
  fetch_timeout: { status: 504, detail: 'The Tradecloud API did not answer in time.' },
  answer_timeout: { status: 504, detail: 'The event was not processed in time.' },
  handler_failed: { status: 503, detail: 'The event could not be processed now.' },
  in_progress: { status: 503, detail: 'The same event is being processed right now.' },
  unavailable: { status: 503, detail: 'The receiver cannot accept the event now.' },
  not_routed: { status: 503, detail: 'No path of the webhook matches this URL.' },
  probe: { status: 200, detail: 'A probe from `doctor`; it contains no event.' },
}

export const OUTCOMES = Object.keys(TABLE) as readonly Outcome[]

/** A short `Retry-After`: Tradecloud has its own schedule, so this only prevents an immediate retry. */
const RETRY_AFTER_S = 10

/** Describes a probe of `doctor` as it arrived, for comparison with what was sent. `undefined` fields are left out. */
export interface Arrived {
  /** Value of the header that marks a request as a probe. */
  probe: string
  method: string
  /** Path and query as Node received them, with the mount path. */
  path: string
  /** Whether the path matches a pattern of the webhook. */
  matched: boolean
  /** The order or shipment ID in the URL, read as for a GET trigger. */
  id?: string | undefined
  /** What is wrong with the ID in the URL. Absent if the ID is usable, or if the URL contains no ID. */
  problem?: string | undefined
  /** Names of the headers, in lower case. */
  headers: string[]
  /** Size of the body as it was sent. `null`: unknown, because the webhook has not read the body. */
  bytes: number | null
  /** The app read the body before the request reached the webhook. */
  readBefore?: true | undefined
}

/** An outcome with everything that the response, the log and the delivery record need. */
export interface Result {
  outcome: Outcome
  /** Message for the sender. Contains no secret and no part of the body. */
  detail?: string | undefined
  /** For `rejected`: the status that the callback chose. */
  status?: number | undefined
  /** For `not_found` and `address_not_allowed`: a retry may still help. */
  retry?: boolean | undefined
  issues?: Issue[] | undefined
  deliveryId?: string | undefined
  headers?: Readonly<Record<string, string>> | undefined
  arrived?: Arrived | undefined
  /** The cause, for the log and `onError`. Never sent. */
  cause?: unknown
}

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
  /** True if the event was not processed and Tradecloud will not send it again. */
  givenUp: boolean
  detail: string
}

/** Creates the response for an outcome from its row in the table. */
export function answerFor(result: Result, requestId: string, refusals: 'final' | 'retry'): Answer {
  const row = TABLE[result.outcome]
  const again = row.refusal ? refusals === 'retry' : row.mayPass && result.retry
  const status = again ? 503 : ((row.mayDiffer && result.status) ?? row.status)
  const detail = result.detail ?? row.detail
  const { outcome, deliveryId, issues, arrived } = result
  const ok = status < 300
  const title = STATUS_CODES[status] ?? 'Refused'
  const body = JSON.stringify(
    ok ? { outcome, deliveryId, ...arrived } : { title, status, detail, code: outcome, deliveryId, requestId, issues },
  )
  const headers: Record<string, string> = {
    ...result.headers,
    'Content-Type': ok ? 'application/json' : 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    // Prevents caching: a cached response to a GET trigger would hide a later change.
    'Cache-Control': 'no-store',
  }
  if (status === 503) headers['Retry-After'] = String(RETRY_AFTER_S)
  return { status, headers, body, givenUp: status >= 400 && status <= 500, detail }
}

/**
 * A response may be sent before the whole body has arrived. The rest of the body is then read and discarded, because
 * some clients read the response only after they have sent the whole body. This ends when nothing has arrived for a
 * second, and after five seconds at the latest.
 */
const SILENCE_MS = 1_000
const MAX_DRAIN_MS = 5_000

/** Sends a response, unless one was sent or the client has disconnected. */
export function send(req: IncomingMessage, res: ServerResponse, answer: Answer): boolean {
  if (res.headersSent || res.destroyed) return false
  try {
    if (answer.status === 404) markOwn404(res)
    // The request object of an adapter may lack these properties. Without `readableEnded`, the body counts as read.
    const unread = !req.complete && (req.readableEnded as boolean | undefined) === false
    // With `rejectNonStandardBodyWrites`, Node throws if a HEAD response has a body.
    const body = req.method === 'HEAD' ? undefined : answer.body
    const closes = (unread || answer.givenUp) && req.httpVersionMajor < 2
    res.writeHead(answer.status, closes ? { ...answer.headers, Connection: 'close' } : answer.headers)
    if (unread && !req.destroyed) endWhenDrained(req, res, body)
    else res.end(body)
    return true
  } catch {
    // Our headers may conflict with headers that other code has set: no response is better than a wrong one.
    try {
      res.destroy()
    } catch {
      // An adapter's response object may throw.
    }
    return false
  }
}

/** A registered symbol, so that other copies of this package in the same app recognise it too. */
const OWN_404 = Symbol.for('tradecloud-webhook.own-404')

/** True for a 404 that any webhook or inspector of the app sends on purpose. */
export function isOwn404(res: ServerResponse): boolean {
  return OWN_404 in res
}

export function markOwn404(res: ServerResponse): void {
  Object.assign(res, { [OWN_404]: true })
}

/**
 * Sets the status and headers of `answer` on a response that the app is about to send. Removes the headers that
 * describe the app's body. The caller must set the length together with the new body.
 */
export function replaceHead(req: IncomingMessage, res: ServerResponse, { status, headers }: Answer): void {
  for (const name of res.getHeaderNames()) if (DESCRIBES_BODY.test(name)) res.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) if (name !== 'Content-Length') res.setHeader(name, value)
  if (req.httpVersionMajor < 2) res.statusMessage = STATUS_CODES[status] ?? ''
  res.statusCode = status
}

const DESCRIBES_BODY =
  /^(?:content-(?!security-policy)|(?:accept-ranges|digest|etag|expires|last-modified|repr-digest|trailer|transfer-encoding)$)/

/**
 * Sends the body of a response while the request is still being uploaded, and ends the response once the upload stops.
 */
function endWhenDrained(req: IncomingMessage, res: ServerResponse, body: string | undefined): void {
  // An error of the connection must not end the process.
  res.on('error', () => undefined)
  // If the connection is closed while bytes still arrive, the kernel resets it and the client loses the response. So
  // the response is sent with its length, and the connection is closed only after the client has finished, has been
  // silent, or has taken too long.
  if (body === undefined) res.flushHeaders()
  else res.write(body)
  let arriving = false
  let waitedMs = 0
  const note = (): void => void (arriving = true)
  const end = (): void => {
    clearInterval(timer)
    req.off('data', note).off('end', end).off('close', end)
    res.end()
  }
  const check = (): void => {
    waitedMs += SILENCE_MS
    if (!arriving || waitedMs >= MAX_DRAIN_MS) end()
    arriving = false
  }
  // After the event loop was blocked, timers run before pending data is read. `setImmediate` postpones the check until
  // that data has been read.
  const timer = startInterval(() => setImmediate(check), SILENCE_MS)
  req.on('data', note).on('end', end).on('close', end).resume()
}
