/** The options of a webhook: what users may set, and the defaults. */
import type { TradecloudClient, TradecloudClientOptions } from '../api'
import type { CatchUpOptions, CatchUpReport } from '../catch-up/catch-up-options'
import type { CallbackOptions } from '../deliver/handlers'
import type { Store } from '../deliver/dedupe/store'
import type { TradecloudWebhookError } from '../errors/errors'
import type { Inbox } from '../inbox/inbox'
import type { Logger } from '../log/logger'
import type { AllowEntry } from '../net/address'
import type { AuthOption } from '../receive/sender/authenticate'
import type { TrustProxyOption } from '../receive/sender/client-address'
import type { PathsOption } from '../receive/route'
import type { DeliveryRecord, ErrorContext, SettledRecord } from '../answer/report'
import type { TelemetryAdapter } from '../answer/telemetry'
import type { UserSchemas } from '../events/validate'

/**
 * Exponential back-off with jitter: the longest possible wait doubles after each failure, and the actual wait is a
 * random time between half of it and all of it.
 */
export interface RetryOptions {
  /**
   * An event becomes dead if it still fails this long after its first attempt, and after at least ten attempts.
   * Default: 604,800,000 ms (7 days).
   */
  forMs?: number | undefined
  /** The longest wait after the first failure. Default: 1,000 ms. */
  minDelayMs?: number | undefined
  /** The longest wait of all. Default: 900,000 ms (15 min). */
  maxDelayMs?: number | undefined
}

export interface DedupeOptions {
  /** Where processed events are remembered, such as `redisStore`. Default: a `MemoryStore` of this webhook. */
  store?: Store | undefined
  /** How long a processed event is remembered. Default: 86,400,000 ms (24 h). */
  ttlMs?: number | undefined
}

/** How events are delivered from an inbox. */
export interface DeliveryOptions {
  /** When an event whose callback failed is delivered again. Default: for 7 days, at most 15 min apart. */
  retry?: RetryOptions | undefined
  /**
   * A callback that runs for longer frees its slot for another event. It continues to run, and its order or shipment
   * stays blocked until it ends. An event that no process takes within this time raises an alarm. Default: 300,000 ms
   * (5 min).
   */
  handlerTimeoutMs?: number | undefined
  /**
   * A body that cannot be read, does not fit a schema, or is of a kind that no callback handles is kept in the inbox for a
   * person, and answered 202. `false`: it is answered as without an inbox. Default: true; false with `auth: 'none'`.
   */
  quarantine?: boolean | undefined
  /** Called after each delivery from the inbox, with its result: for logs and metrics. Default: none. */
  onSettled?: ((record: SettledRecord) => void | Promise<void>) | undefined
  /**
   * With `postgresInbox`: the callback gets `context.transaction`, a client inside the transaction that also marks the
   * event as delivered. What the callback writes with it is committed exactly once, or not at all: if it exceeds
   * `handlerTimeoutMs`, it is rolled back. Default: false.
   */
  transaction?: boolean | undefined
}

export interface TradecloudWebhookOptions extends CallbackOptions {
  /**
   * Who may come in: `{ type: 'basic', username, password }`, `{ type: 'bearer', token }`, `{ type: 'oauth', tenantId,
   * audience }`, a list of these (rotation, several senders), or a function of the request. `'none'` accepts anyone.
   * Required.
   */
  auth: AuthOption
  /**
   * Source addresses that may send, on top of the credentials: `'acceptance'` and `'production'` for Tradecloud's own,
   * addresses and CIDR ranges, IPv4 and IPv6. Any other is answered 503, as Tradecloud's addresses change, with
   * `auth: 'none'` 403. Default: any address.
   */
  allow?: readonly AllowEntry[] | undefined
  /**
   * For `allow` with `webhook.listener`: the proxies in front whose `X-Forwarded-For` counts, as in Express's setting
   * `trust proxy`. Under Express the setting of the app counts instead. Default: false, none.
   */
  trustProxy?: TrustProxyOption | undefined
  /**
   * Paths below the mount path: patterns of path-to-regexp 8, RegExps with groups named `orderId` or `shipmentId`, or lists
   * of these; `false` switches one off. Default: see each of them.
   */
  paths?: PathsOption | undefined
  /**
   * Called after every answer that is not 2xx, with an error whose `code` is the outcome and whose `cause` is what was
   * thrown. Cannot change the answer. Default: none.
   */
  onError?: ((error: TradecloudWebhookError, context: ErrorContext) => void | Promise<void>) | undefined
  /**
   * Metrics and traces: `prometheusMetrics()` of `tradecloud-webhook/prometheus`, `openTelemetry()` of
   * `tradecloud-webhook/opentelemetry`, or adapters of your own. They cannot change an answer. Default: none.
   */
  telemetry?: readonly TelemetryAdapter[] | undefined
  /** Called with one record for each request, once it is answered: for logs and metrics. Default: none. */
  onDelivery?: ((record: DeliveryRecord) => void | Promise<void>) | undefined
  /**
   * Receives losses and alarms, each as one line of text and an object of fields (`LogFields`): `console`, pino, winston
   * or `{ warn, error }`. Everything else goes to `DEBUG=tradecloud-webhook:*`. Losses are never omitted; other lines are
   * limited to ten per minute and topic, and the omitted ones are counted. Default: `console`.
   */
  logger?: Logger | undefined
  /**
   * The Tradecloud API to fetch from: `{ environment, username, password }`, `{ baseUrl, username, password }`, or a
   * `TradecloudClient`, which the webhook then does not close. Default: none; GET triggers come as `'id-only'`.
   */
  api?: TradecloudClient | TradecloudClientOptions | undefined
  /**
   * `'get'`: fetch for GET triggers. `'always'`: also for each body, so that `order` holds all lines. `'never'`.
   * Default: `'get'`.
   */
  fetch?: 'get' | 'always' | 'never' | undefined
  /**
   * `'tolerant'`: deviations from the schemas are delivered and listed in `event.issues`. `'strict'`: they are refused.
   * `'off'`: they are not looked for. What routing needs is always checked. Default: `'tolerant'`.
   */
  validation?: 'tolerant' | 'strict' | 'off' | undefined
  /**
   * Your own JSON Schemas by kind (draft-07, 2019-09 or 2020-12), always enforced. A fetched order or shipment that
   * does not fit is answered 502 and tried again. Default: none.
   */
  schemas?: UserSchemas | undefined
  /**
   * Bytes of a body after decompression. Default: 64 MiB, of tXML 128 MiB: above the largest order that Tradecloud
   * documents, in which tXML names each value twice.
   */
  bodyLimit?: number | undefined
  /** Bounds on what is received at the same time. Default: see each of them. */
  limits?: LimitOptions | undefined
  /** Callbacks that run at once; further events wait, at most `answerTimeoutMs`. Default: 32. */
  concurrency?: number | undefined
  /** From the last byte of a request to its answer; then 504, and the callback runs on. Default: 30,000 ms. */
  answerTimeoutMs?: number | undefined
  /**
   * For a fetch with its login, retries and waits. Applies unless `api` (options or a client) sets its own
   * `fetchTimeoutMs`. Default: 20,000 ms.
   */
  fetchTimeoutMs?: number | undefined
  /** How long an ID that the API does not know may still appear there: 503 until then, 404 after. Default: 3,600,000 ms (1 h). */
  notFoundGraceMs?: number | undefined
  /**
   * `'retry'` answers 503 instead of 400, 401, 413 and 415, so that Tradecloud keeps the event: for the first days of an
   * integration, and while a password is changed. Default: `'final'`.
   */
  refusals?: 'final' | 'retry' | undefined
  /**
   * What happens to a request with valid credentials whose path matches no pattern. `'keep'`: if the app responds to a POST,
   * PUT or GET with 404, the response becomes 503 `not_routed`, so that Tradecloud keeps the event. `'next'`: the app's
   * response is never changed. Default: `'keep'`.
   */
  unmatched?: 'keep' | 'next' | undefined
  /**
   * Part of all keys: distinguishes webhooks that share a store or an inbox. At most 256 characters. Default:
   * `'tradecloud'`.
   */
  name?: string | undefined
  /**
   * Keeps an event from being processed twice: `false` switches it off. Not with an `inbox`, which does it by itself.
   * Default: a `MemoryStore`, for 24 hours.
   */
  dedupe?: false | DedupeOptions | undefined
  /**
   * Where events are stored before they are answered 202, and delivered from afterwards: `sqliteInbox({ file })` of
   * `tradecloud-webhook/sqlite` on one machine, `postgresInbox({ pool })` of `tradecloud-webhook/postgres` on many. The
   * webhook closes it. Default: none; the callback runs before the answer.
   */
  inbox?: Inbox | undefined
  /**
   * With an `inbox`: `false` only stores events, for `createTradecloudWorker` or a webhook of another process to deliver.
   * No callback is required or allowed; every kind is stored, including unknown ones, and nothing is ignored. Default: true.
   */
  deliver?: boolean | undefined
  /** With an `inbox`: how events are delivered from it. Default: see each of them. */
  delivery?: DeliveryOptions | undefined
  /**
   * With an `inbox` and `api`: polls in the background, and delivers what never arrived through the same inbox to `onOrder`
   * and `onShipment`. Default: none; an event that is lost on its way is not noticed.
   */
  catchUp?: CatchUpOptions | undefined
  /** Called after every run of the catch-up with its report. Default: none. */
  onCatchUp?: ((report: CatchUpReport) => void | Promise<void>) | undefined
}

export interface LimitOptions {
  /** Bytes of all bodies together, from their arrival until they are answered. Default: four times `bodyLimit`. */
  maxBytesInFlight?: number | undefined
  /**
   * An upload without a byte for this long is ended with 503. So is one that takes longer than 240 s in total. Default:
   * 10,000 ms.
   */
  uploadIdleTimeoutMs?: number | undefined
}

export interface WorkerLimitOptions {
  /**
   * Bytes of all bodies that are at callbacks together; a body that waits for room may exceed it, one at a time.
   * Default: 268,435,456 (256 MiB).
   */
  maxBytesInFlight?: number | undefined
}

/** The options of a process that delivers from an inbox: those of a webhook that concern no requests. */
export interface TradecloudWorkerOptions extends Pick<
  TradecloudWebhookOptions,
  | keyof CallbackOptions
  | 'logger'
  | 'api'
  | 'fetch'
  | 'validation'
  | 'schemas'
  | 'concurrency'
  | 'fetchTimeoutMs'
  | 'notFoundGraceMs'
  | 'name'
  | 'delivery'
  | 'telemetry'
  | 'catchUp'
  | 'onCatchUp'
> {
  /** The inbox that other processes store events in. The worker closes it. Required. */
  inbox: Inbox
  /** Bounds on what is delivered at the same time. Default: see each of them. */
  limits?: WorkerLimitOptions | undefined
}

/** Options of `close()`. */
export interface CloseOptions {
  /** How long running callbacks may take to finish. Default: 8,000 ms. */
  timeoutMs?: number | undefined
}
