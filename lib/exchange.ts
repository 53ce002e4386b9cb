/** One request and its one answer, with the clock that runs between them and what is known of the trigger so far. */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { EventKind } from './events'
import type { Client } from './receive/address-check'
import type { TakenBody } from './receive/parse-body'
import type { Pieces } from './receive/pieces'
import type { DeliveryRecord, Reporter } from './report'
import { answerFor, send, type Result } from './respond'
import { startTimer, type Timer } from './timers'

export interface ExchangeOptions {
  answerTimeoutMs: number
  refusals: 'final' | 'retry'
  reporter: Reporter
}

/** What is known of a trigger so far. */
export interface Known {
  kind?: EventKind
  eventName?: string | undefined
  entityId?: string
  merged?: boolean
  issues?: number
}

export class Exchange {
  /* Looked at once: to look at a request that Express has in hands is dear, see docs/performance.md. */
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly requestId = randomUUID()
  readonly receivedAt = new Date()
  /** What is learned on the way, for the record. */
  readonly known: Known = {}
  /** With the option `allow`. */
  client: Client | undefined
  body: TakenBody | undefined
  bodyBytes = 0
  /** Ends whatever this request is waiting for, once nobody waits for the answer any more. */
  abandon: (() => void) | undefined
  readonly #options: ExchangeOptions
  readonly #startedAt = performance.now()
  readonly #timer: Timer
  /** Called once it is answered; absent from then on. */
  #whenDone: Array<() => void> | undefined = []

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    options: ExchangeOptions,
  ) {
    // No listener for errors: Node tells those of a request only to who listens, and `respond.ts` listens where an answer is
    // sent in more than one step.
    this.method = req.method ?? ''
    this.headers = req.headers
    this.#options = options
    this.#timer = startTimer(() => this.finish({ outcome: 'answer_timeout' }), options.answerTimeoutMs)
  }

  get finished(): boolean {
    return this.#whenDone === undefined
  }

  /** The bytes that were sent, where they are known. */
  get rawBody(): Pieces | undefined {
    return this.body?.reserialized ? undefined : this.body?.bytes
  }

  /** Calls back when the request was answered, at once where it was. */
  whenDone(callback: () => void): void {
    if (this.#whenDone) this.#whenDone.push(callback)
    else callback()
  }

  /** Answers, unless that was done before. */
  finish(result: Result & { attempt?: number | undefined; inboxId?: string | undefined }): void {
    const whenDone = this.#whenDone
    if (!whenDone) return
    this.#whenDone = undefined
    clearTimeout(this.#timer)
    this.abandon?.()
    const { refusals, reporter } = this.#options
    const answer = answerFor(result, this.requestId, refusals)
    const answered = send(this.req, this.res, answer)
    const record: DeliveryRecord = {
      outcome: result.outcome,
      status: answer.status,
      givenUp: answer.givenUp,
      answered,
      method: this.method,
      address: this.client?.address,
      kind: this.known.kind,
      eventName: this.known.eventName,
      entityId: this.known.entityId,
      deliveryId: result.deliveryId,
      inboxId: result.inboxId,
      requestId: this.requestId,
      attempt: result.attempt,
      merged: this.known.merged ?? false,
      issues: this.known.issues ?? 0,
      bodyBytes: this.bodyBytes,
      receivedAt: this.receivedAt,
      durationMs: performance.now() - this.#startedAt,
    }
    for (const callback of whenDone) callback()
    reporter.request(record, result, answer, this.rawBody)
  }
}
