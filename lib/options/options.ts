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
 * Exponential back-off with jitter: the upper limit of the wait doubles after each failure, and the actual wait is
 * random between half of that limit and the limit.
 */
export interface RetryOptions {
  /**
   * An event becomes dead when an attempt fails, if the first attempt was at least this long ago and there have been at
   * least ten attempts. Default: 604,800,000 ms (7 days).
   */
  forMs?: number | undefined
  /** Upper limit for the wait after the first failure. The wait is at least half of this. Default: 1,000 ms. */
  minDelayMs?: number | undefined
  /** Upper limit for all waits. Default: 900,000 ms (15 min). */
  maxDelayMs?: number | undefined
}

export interface DedupeOptions {
  /** The store that remembers processed events, such as `redisStore(…)`. Default: a `MemoryStore` of this webhook. */
  store?: Store | undefined
  /** How long a processed event is remembered. Default: 86,400,000 ms (24 h). */
  ttlMs?: number | undefined
}

/** How events are delivered from an inbox. */
export interface DeliveryOptions {
  /** When a failed delivery is repeated. Default: for 7 days, with at most 15 min between attempts. */
  retry?: RetryOptions | undefined
  /**
   * After this time, a running callback frees its slot for another event. The callback continues, and its order or
   * shipment stays blocked until the callback ends. Also, an alarm is raised if an event has been due for this long and
   * no process has a callback for that event. Default: 300,000 ms (5 min).
   */
  handlerTimeoutMs?: number | undefined
  /**
   * Whether to quarantine a body that cannot be read, does not fit an enforced schema, or has an unknown kind while
   * `onUnknown` is not set. A quarantined body is answered with 202 and kept in the inbox for an operator. With
   * `false`, such a body is answered as without an inbox. Default: true; false with `auth: 'none'`.
   */
  quarantine?: boolean | undefined
  /** Called after each delivery from the inbox, with its result: for logs and metrics. Default: none. */
  onSettled?: ((record: SettledRecord) => void | Promise<void>) | undefined
  /**
   * With `postgresInbox`: the callback gets `context.transaction`, a database client. The event is marked as delivered
   * in the same transaction, so what the callback writes with this client is committed exactly once, or not at all. A
   * transaction that exceeds `handlerTimeoutMs` is rolled back. Default: false.
   */
  transaction?: boolean | undefined
}

export interface TradecloudWebhookOptions extends CallbackOptions {
  /**
   * Who may send events: `{ type: 'basic', username, password }`, `{ type: 'bearer', token }`, `{ type: 'oauth',
   * tenantId, audience }`, a list of these (rotation, several senders), or a function of the request. `'none'` accepts
   * anyone. Required.
   */
  auth: AuthOption
  /**
   * Addresses from which requests may come, checked in addition to the credentials. The list may contain
   * `'acceptance'` and `'production'` (Tradecloud's own addresses), IPv4 and IPv6 addresses, and CIDR ranges. If a
   * request has valid credentials but comes from another address, the response is 503, because Tradecloud's addresses
   * may change. With `auth: 'none'`, the response is 403. Default: any address.
   */
  allow?: readonly AllowEntry[] | undefined
  /**
   * For `allow` with `webhook.listener`: the proxies whose `X-Forwarded-For` is trusted, as in Express's setting `trust
   * proxy`. Under Express, the setting of the app applies instead. Default: false (no proxy is trusted).
   */
  trustProxy?: TrustProxyOption | undefined
  /**
   * Paths below the mount path: patterns of path-to-regexp 8, RegExps with groups named `orderId` or `shipmentId`, or
   * lists of these; `false` disables a path. Default: the defaults of `order`, `shipment` and `any`.
   */
  paths?: PathsOption | undefined
  /**
   * Called after every response of the webhook other than 2xx. The `code` of the error is the outcome. Its `cause` is
   * what was thrown, and is absent if nothing was thrown. The function cannot change the response. Default: none.
   */
  onError?: ((error: TradecloudWebhookError, context: ErrorContext) => void | Promise<void>) | undefined
  /**
   * Metrics and traces: `prometheusMetrics()` of `tradecloud-webhook/prometheus`, `openTelemetry()` of
   * `tradecloud-webhook/opentelemetry`, or adapters of your own. They cannot change a response. Default: none.
   */
  telemetry?: readonly TelemetryAdapter[] | undefined
  /** Called with one record for each request that the webhook has handled: for logs and metrics. Default: none. */
  onDelivery?: ((record: DeliveryRecord) => void | Promise<void>) | undefined
  /**
   * Receives losses and alarms, each as one line of text and an object of fields (`LogFields`): `console`, pino,
   * winston or `{ warn, error }`. Everything else goes to `DEBUG=tradecloud-webhook:*`. Losses are never omitted; other
   * lines are limited to ten per minute and topic, and the omitted ones are counted. Default: `console`.
   */
  logger?: Logger | undefined
  /**
   * The Tradecloud API to fetch from: `{ environment, username, password }`, `{ baseUrl, username, password }`, or a
   * `TradecloudClient`. The webhook does not close a client that you created. Default: none. Events of GET triggers
   * are then `'id-only'`.
   */
  api?: TradecloudClient | TradecloudClientOptions | undefined
  /**
   * When to fetch the whole order or shipment. `'get'`: for GET triggers. `'always'`: also for each body, so that
   * `order` contains all lines. `'never'`: not at all. Default: `'get'`.
   */
  fetch?: 'get' | 'always' | 'never' | undefined
  /**
   * What happens to events that deviate from the schemas. `'tolerant'`: they are delivered, and the deviations are
   * listed in `event.issues`. `'strict'`: they are refused. `'off'`: deviations are not looked for. The fields that
   * determine the kind and the ID of an event are always checked. Default: `'tolerant'`.
   */
  validation?: 'tolerant' | 'strict' | 'off' | undefined
  /**
   * Your own JSON Schemas by kind (draft-07, 2019-09 or 2020-12), which are always enforced. If a fetched order or
   * shipment does not fit its schema, the response is 502, and Tradecloud sends the event again; with an `inbox`, the
   * delivery is retried. Default: none.
   */
  schemas?: UserSchemas | undefined
  /**
   * Largest body after decompression, in bytes. Even the largest order in Tradecloud's documentation is smaller than
   * the default. Default: 64 MiB, and 128 MiB for tXML, which names each value twice.
   */
  bodyLimit?: number | undefined
  /** Limits for the bodies in memory and for stalled uploads. Default: the defaults of each limit. */
  limits?: LimitOptions | undefined
  /**
   * Maximum number of callbacks that run at the same time. Further events wait: without an inbox, at most
   * `answerTimeoutMs`. Default: 32.
   */
  concurrency?: number | undefined
  /**
   * Maximum time from the last byte of a request to its response. After this time, the response is 504, and a running
   * callback continues. Default: 30,000 ms.
   */
  answerTimeoutMs?: number | undefined
  /**
   * Time limit of a fetch, including its login, retries and waits. If `api` (options or a client) sets its own
   * `fetchTimeoutMs`, that applies instead. Default: 20,000 ms.
   */
  fetchTimeoutMs?: number | undefined
  /**
   * Grace period for an ID that the API does not know yet. The response is 503 during this period, and 404 after it.
   * With an `inbox`, the delivery is retried during this period. Default: 3,600,000 ms (1 h).
   */
  notFoundGraceMs?: number | undefined
  /**
   * `'retry'` answers 503 instead of 400, 401, 413 and 415, so that Tradecloud sends the event again: for the first
   * days of an integration, and while a password is changed. Default: `'final'`.
   */
  refusals?: 'final' | 'retry' | undefined
  /**
   * What happens to a request with valid credentials whose path matches no pattern. `'keep'`: if the app responds to a
   * POST, PUT or GET with 404, the response becomes 503 `not_routed`, so that Tradecloud sends the event again.
   * `'next'`: the app's response is never changed. Default: `'keep'`.
   */
  unmatched?: 'keep' | 'next' | undefined
  /**
   * Name of the webhook, at most 256 characters. It is part of all keys, and distinguishes webhooks that share a store
   * or an inbox. Default: `'tradecloud'`.
   */
  name?: string | undefined
  /**
   * Prevents duplicate processing of events; `false` disables it. Not allowed with an `inbox`, which recognises
   * duplicates itself. Default: a `MemoryStore`, for 24 hours.
   */
  dedupe?: false | DedupeOptions | undefined
  /**
   * Stores each event before it is answered 202; the event is then delivered from the inbox. Use
   * `sqliteInbox({ file })` of `tradecloud-webhook/sqlite` on one machine, `postgresInbox({ pool })` of
   * `tradecloud-webhook/postgres` on several. The webhook closes the inbox. Default: none. The callback then runs
   * before the response.
   */
  inbox?: Inbox | undefined
  /**
   * With an `inbox`: `false` only stores events. They are delivered by `createTradecloudWorker`, or by a webhook of
   * another process. With `false`, callbacks are neither required nor allowed, and all events are stored: none is
   * ignored, and unknown kinds are stored too. Default: true.
   */
  deliver?: boolean | undefined
  /** With an `inbox`: how events are delivered from it. Default: the defaults of each option. */
  delivery?: DeliveryOptions | undefined
  /**
   * With an `inbox` and `api`: polls in the background for changes that never arrived, and delivers them to `onOrder`
   * and `onShipment` through the inbox. Default: none. Events that are lost before they arrive are then not noticed.
   */
  catchUp?: CatchUpOptions | undefined
  /** Called with a report after every run of the catch-up. Default: none. */
  onCatchUp?: ((report: CatchUpReport) => void | Promise<void>) | undefined
}

export interface LimitOptions {
  /**
   * Limit for all bodies together, in bytes, counted from their arrival until the response. With an `inbox`, it also
   * applies to the bodies of all running deliveries together. Default: four times `bodyLimit`.
   */
  maxBytesInFlight?: number | undefined
  /**
   * An upload is ended with 503 if no byte arrives for this long. Any upload is ended after 240 s in total. Default:
   * 10,000 ms.
   */
  uploadIdleTimeoutMs?: number | undefined
}

export interface WorkerLimitOptions {
  /**
   * Limit for the bodies of all running deliveries together, in bytes. One body may exceed it, so that a large body
   * does not wait forever. Default: 268,435,456 (256 MiB).
   */
  maxBytesInFlight?: number | undefined
}

/** The options of a process that delivers from an inbox: the options of a webhook that do not concern requests. */
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
  /** The inbox from which events are delivered. The worker closes it. Required. */
  inbox: Inbox
  /** Limits for what is delivered at the same time. Default: the defaults of each limit. */
  limits?: WorkerLimitOptions | undefined
}

/** Options of `close()`. */
export interface CloseOptions {
  /** How long running callbacks may take to finish. Default: 8,000 ms. */
  timeoutMs?: number | undefined
}
