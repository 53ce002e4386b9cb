/** One request and its response, with the time limits of the upload and of the response. */
import { randomUUID } from 'node:crypto'
import { IncomingMessage, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { Facts } from '../events/trigger'
import type { TraceContext } from '../inbox/stored-event'
import type { Pieces } from '../bytes/pieces'
import type { Refusal } from './refusal'
import type { DeliveryRecord, Reporter } from './report'
import { answerFor, send, type Result } from './respond'
import type { RequestObserver, Telemetry } from './telemetry'
import type { InProgress } from '../wait/queues'
import { restartTimer, startTimer, type Timer } from '../wait/timers'

export interface ExchangeOptions {
  answerTimeoutMs: number
  refusals: 'final' | 'retry'
  reporter: Reporter
  telemetry: Telemetry | undefined
  open: InProgress<Exchange>
}

/**
 * Time limit of an upload, counted from the headers. Shorter than Node's limit of 300 s, at which Node responds with
 * 408: Tradecloud does not send an event again after a 408.
 */
const UPLOAD_TIMEOUT_MS = 240_000

/** The detail of `answer_timeout`, by what the response was waiting for. */
const LATE = {
  credentials: 'The credentials were not checked in time.',
  body: 'The body was not parsed in time.',
  turn: 'The event waited too long for other events.',
  fetch: 'The order or shipment was not fetched in time.',
  callback: 'The callback did not finish in time. It continues to run.',
  inbox: 'The inbox did not store the event in time.',
} as const

export interface Progress {
  readonly stage: keyof typeof LATE
}
const AT_CREDENTIALS: Progress = { stage: 'credentials' }
const AT_BODY: Progress = { stage: 'body' }

/** The result of the check of the sender's address. */
export interface Client {
  /** `undefined` if the address is unknown, or if a proxy forwarded a value that is not an address. */
  address?: string | undefined
  /**
   * Set if the address is not allowed, or could not be checked. Sent only if the credentials are valid, so that
   * strangers learn nothing about addresses.
   */
  refusal?: Refusal | undefined
}

/** A body, either as received or as restored from what a body parser of the app produced. */
export interface TakenBody {
  bytes: Pieces
  /**
   * True if a parser of the app turned the body into an object: the bytes are the JSON of that object, not the bytes
   * that were sent.
   */
  reserialized: boolean
  /**
   * True if these bytes are almost certainly what the sender sent: only then can a malformed body be the sender's
   * fault.
   */
  exact: boolean
  /** Content-Encoding, if the bytes are not decoded. */
  encoding?: string | undefined
}

export class Exchange {
  /*
   * Method and headers are read once, because Express swaps the prototype of the request, which makes each property
   * access slow; see docs/performance.md.
   */
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly requestId = randomUUID()
  readonly receivedAt = new Date()
  facts: Facts = {}
  body: TakenBody | undefined
  /** A request of `doctor` with valid credentials. It is not reported to the user. */
  isProbe = false
  /**
   * True for a GET trigger that shares the delivery of another GET trigger, or was merged into a GET trigger that waits
   * in the inbox.
   */
  merged = false
  /** Set only with the option `allow`. */
  client: Client | undefined
  /** Called when the response is sent: stops reading the body, or waiting for the delivery. */
  abandon: (() => void) | undefined
  progress = AT_CREDENTIALS
  finished = false
  /** Only with the option `telemetry`. */
  readonly trace: TraceContext | undefined
  readonly #options: ExchangeOptions
  readonly #startedAt = performance.now()
  readonly #observer: RequestObserver | undefined
  #timer: Timer
  #isUploading = false
  #uploadTimer: Timer | undefined
  readonly #whenDone: Array<() => void> = []

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    options: ExchangeOptions,
  ) {
    // An `error` event without a listener would end the process. Node makes an exception for its own requests, but not
    // for the request object of an adapter.
    if (!(req instanceof IncomingMessage)) (req as Partial<IncomingMessage>).on?.('error', () => undefined)
    this.method = req.method ?? ''
    this.headers = req.headers
    this.#options = options
    const { method, headers, requestId, receivedAt } = this
    this.#observer = options.telemetry?.request({ method, headers, requestId, receivedAt })
    this.trace = this.#observer?.trace
    options.open.add(this)
    this.#timer = startTimer(this.#onTime, options.answerTimeoutMs)
  }

  /** Suspends the answer time limit while a body is arriving, because an upload has a time limit of its own. */
  startUpload(stop: () => void): void {
    this.abandon = stop
    // If the whole body arrived while the credentials were checked, there is no upload to wait for.
    this.#isUploading = !this.req.complete
  }

  /** Called when the last byte of the body has arrived. */
  endUpload(): void {
    this.progress = AT_BODY
    if (!this.#isUploading) return
    this.#isUploading = false
    clearTimeout(this.#uploadTimer)
    this.#timer = restartTimer(this.#timer, this.#onTime, this.#options.answerTimeoutMs)
  }

  #onTime = (): void => {
    if (!this.#isUploading) {
      this.finish({ outcome: 'answer_timeout', detail: LATE[this.progress.stage] })
      return
    }
    const left = UPLOAD_TIMEOUT_MS - (performance.now() - this.#startedAt)
    if (left > 0) {
      this.#uploadTimer = startTimer(this.#onTime, left)
      return
    }
    const cause = new Error('The upload was too slow, although it never stalled.')
    const detail = `The upload took longer than ${UPLOAD_TIMEOUT_MS / 1000} s.`
    this.finish({ outcome: 'unavailable', detail, cause })
  }

  /** Calls `callback` after the response, or at once if the response was already sent. */
  whenDone(callback: () => void): void {
    if (this.finished) callback()
    else this.#whenDone.push(callback)
  }

  /** Responds, unless a response was already sent. `respond` sends the response and returns whether it could. */
  finish(result: Result & { attempt?: number | undefined; inboxId?: string | undefined }, respond = send): void {
    if (this.finished) return
    this.finished = true
    clearTimeout(this.#timer)
    clearTimeout(this.#uploadTimer)
    this.abandon?.()
    const { refusals, reporter, open } = this.#options
    const answer = answerFor(result, this.requestId, refusals)
    const answered = respond(this.req, this.res, answer)
    const { kind, eventName, entityId, issues = 0 } = this.facts
    const record: DeliveryRecord = {
      outcome: result.outcome,
      status: answer.status,
      givenUp: answer.givenUp,
      answered,
      method: this.method,
      address: this.client?.address,
      kind,
      eventName,
      entityId,
      deliveryId: result.deliveryId,
      inboxId: result.inboxId,
      requestId: this.requestId,
      attempt: result.attempt,
      merged: this.merged,
      issues,
      bodyBytes: this.body?.bytes.size ?? 0,
      receivedAt: this.receivedAt,
      durationMs: performance.now() - this.#startedAt,
    }
    open.delete(this)
    for (const callback of this.#whenDone) callback()
    this.#observer?.end(this.isProbe ? undefined : record)
    if (this.isProbe) reporter.probe(record)
    else reporter.request(record, result, answer, this.body?.reserialized ? undefined : this.body?.bytes)
  }
}
