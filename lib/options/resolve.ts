/**
 * Resolves options: checks them and applies defaults. An invalid option throws when the webhook or worker is created;
 * the error names the option.
 */
import type { TelemetryAdapter } from '../answer/telemetry'
import { TradecloudClient } from '../api'
import { checkFunction, checkKeys, checkWholeNumber, givenOptions, MAX_TIMER_MS, show } from '../errors/checks'
import { resolveCatchUp, type ResolvedCatchUp } from '../catch-up/catch-up-options'
import type { CallbackOptions } from '../deliver/handlers'
import { resolveDelivery, type Required_, type ResolvedDedupe, type ResolvedDelivery } from './resolve-delivery'
import { invalidOption } from '../errors/errors'
import type { Inbox } from '../inbox/inbox'
import type { LimitOptions, TradecloudWebhookOptions, TradecloudWorkerOptions } from './options'
import type { Logger } from '../log/logger'

type Optional = 'allow' | 'paths' | 'onError' | 'onDelivery' | 'schemas' | 'inbox' | keyof CallbackOptions
type Resolved = 'api' | 'dedupe' | 'delivery' | 'limits' | 'deliver' | 'catchUp' | 'onCatchUp'

/** The options that webhooks and workers share, with their defaults. */
export type ResolvedWorkerOptions = Required_<
  Omit<TradecloudWorkerOptions, Resolved | 'schemas' | 'inbox' | keyof CallbackOptions>
> &
  Pick<TradecloudWebhookOptions, 'schemas' | 'inbox' | keyof CallbackOptions> & {
    delivery: ResolvedDelivery
    catchUp: ResolvedCatchUp | undefined
    maxBytesInFlight: number
    client: TradecloudClient | undefined
    /** True if the client was created from the options in `api`: `close()` then closes the client. */
    ownsClient: boolean
  }

/** All options of a webhook with their defaults. */
export type ResolvedOptions = Required_<Omit<TradecloudWebhookOptions, Optional | Resolved>> &
  Pick<TradecloudWebhookOptions, Optional> &
  ResolvedWorkerOptions & {
    dedupe: ResolvedDedupe
    deliver: boolean
    uploadIdleTimeoutMs: number
    /** The value of `bodyLimit` for tXML. */
    txmlBodyLimit: number
  }

const MIB = 1024 * 1024
const CHOICES = {
  fetch: ['get', 'always', 'never'],
  validation: ['tolerant', 'strict', 'off'],
  refusals: ['final', 'retry'],
  unmatched: ['keep', 'next'],
} as const

const WORKER_DEFAULTS = {
  logger: console as Logger,
  fetch: 'get',
  validation: 'tolerant',
  concurrency: 32,
  fetchTimeoutMs: 20_000,
  notFoundGraceMs: 3_600_000,
  name: 'tradecloud',
  telemetry: [] as readonly TelemetryAdapter[],
} as const

const DEFAULTS = {
  ...WORKER_DEFAULTS,
  trustProxy: false,
  bodyLimit: 64 * MIB,
  answerTimeoutMs: 30_000,
  refusals: 'final',
  unmatched: 'keep',
  deliver: true,
} as const

const MAX_NAME = 256
const MAX_BYTES_IN_FLIGHT = 4 * DEFAULTS.bodyLimit
const UPLOAD_IDLE_TIMEOUT_MS = 10_000
/** How long `close()` waits for running callbacks. */
export const CLOSE_TIMEOUT_MS = 8_000
/** How long callbacks may take to end after `context.signal` was aborted. */
export const ABORT_GRACE_MS = 500

const CALLBACKS = ['onOrder', 'onOrderDocuments', 'onShipment', 'on', 'onUnknown'] as const
/** Options that have no effect where events are only stored. */
const OF_DELIVERY = [...CALLBACKS, 'fetch', 'concurrency', 'notFoundGraceMs'] as const
/** Options that have no effect where events are only stored, unless the catch-up polls there. */
const OF_CLIENT = ['api', 'fetchTimeoutMs'] as const
const WORKER_KEYS = [
  ...[...Object.keys(WORKER_DEFAULTS), ...CALLBACKS],
  ...['api', 'schemas', 'inbox', 'delivery', 'limits', 'catchUp', 'onCatchUp'],
]
const KEYS = [
  ...new Set([...WORKER_KEYS, ...Object.keys(DEFAULTS)]),
  ...['auth', 'allow', 'paths', 'onError', 'onDelivery', 'dedupe'],
]

/** Options of earlier versions, with their successors. */
const RENAMED = {
  retry: '`delivery.retry`',
  handlerTimeoutMs: '`delivery.handlerTimeoutMs`',
  quarantine: '`delivery.quarantine`',
  onSettled: '`delivery.onSettled`',
  maxBytesInFlight: '`limits.maxBytesInFlight`',
  uploadIdleTimeoutMs: '`limits.uploadIdleTimeoutMs`',
  closeTimeoutMs: 'an argument, `close({ timeoutMs })`',
} as const

/**
 * Resolves the options of a webhook. An option that is `undefined` counts as absent. Credentials, addresses, paths,
 * schemas and the callbacks that receive events are checked where they are used.
 */
export function resolveOptions(options: TradecloudWebhookOptions): ResolvedOptions {
  const given = read(options, KEYS, 'createTradecloudWebhook({ auth, onOrder })')
  const { limits = {}, ...merged } = { ...DEFAULTS, ...given }
  checkWholeNumber('bodyLimit', merged.bodyLimit, 1, Number.MAX_SAFE_INTEGER)
  const { maxBytesInFlight = 4 * merged.bodyLimit, uploadIdleTimeoutMs = UPLOAD_IDLE_TIMEOUT_MS } = checkLimits(
    limits,
    ['maxBytesInFlight', 'uploadIdleTimeoutMs'],
  )
  if (maxBytesInFlight < merged.bodyLimit) {
    throw invalidOption(
      'limits.maxBytesInFlight',
      `is ${maxBytesInFlight}, less than bodyLimit (${merged.bodyLimit}): a body of that size could never be accepted`,
    )
  }
  checkChoices(merged)
  checkWholeNumber('answerTimeoutMs', merged.answerTimeoutMs, 1, MAX_TIMER_MS)
  for (const option of ['onError', 'onDelivery'] as const) checkFunction(option, given[option])
  const delivering = resolveDelivery(given)
  if (!merged.deliver)
    for (const option of [...OF_DELIVERY, ...(given.catchUp === undefined ? OF_CLIENT : [])])
      if (given[option] !== undefined)
        throw invalidOption(option, 'has no effect with `deliver: false`: set it in the process that delivers events')
  return {
    ...merged,
    ...resolveShared(merged, given),
    ...delivering,
    maxBytesInFlight,
    uploadIdleTimeoutMs,
    txmlBodyLimit: given.bodyLimit ?? 2 * DEFAULTS.bodyLimit,
  }
}

export function resolveWorkerOptions(options: TradecloudWorkerOptions): ResolvedWorkerOptions & { inbox: Inbox } {
  const given = read(options, WORKER_KEYS, 'createTradecloudWorker({ inbox, onOrder })')
  if ((given.inbox as unknown) === undefined)
    throw invalidOption('inbox', 'is missing: a worker delivers from an inbox')
  const { limits = {}, ...merged } = { ...WORKER_DEFAULTS, ...given }
  const { maxBytesInFlight = MAX_BYTES_IN_FLIGHT } = checkLimits(limits, ['maxBytesInFlight'])
  checkChoices(merged)
  const { delivery } = resolveDelivery(given)
  if (given.delivery?.quarantine !== undefined)
    throw invalidOption('delivery.quarantine', 'has no effect on a worker: set it on the webhook that receives events')
  return { ...merged, ...resolveShared(merged, given), delivery, maxBytesInFlight }
}

function read<T extends object>(options: T, known: readonly string[], example: string): T {
  for (const [name, successor] of Object.entries(RENAMED))
    if ((options as Record<string, unknown> | undefined)?.[name] !== undefined)
      throw invalidOption(name, `is now ${successor}`)
  return givenOptions(options, known, example)
}

function checkLimits<Key extends keyof LimitOptions>(
  limits: LimitOptions,
  known: readonly Key[],
): Pick<LimitOptions, Key> {
  if (typeof (limits as unknown) !== 'object' || (limits as unknown) === null)
    throw invalidOption('limits', `must be { ${known.join(', ')} }`)
  checkKeys('limits', limits, known)
  const { maxBytesInFlight, uploadIdleTimeoutMs } = limits
  if (maxBytesInFlight !== undefined)
    checkWholeNumber('limits.maxBytesInFlight', maxBytesInFlight, 1, Number.MAX_SAFE_INTEGER)
  if (uploadIdleTimeoutMs !== undefined)
    checkWholeNumber('limits.uploadIdleTimeoutMs', uploadIdleTimeoutMs, 1, MAX_TIMER_MS)
  return limits
}

function checkChoices(merged: Partial<Record<keyof typeof CHOICES, unknown>>): void {
  for (const [option, allowed] of Object.entries(CHOICES)) {
    const value = merged[option as keyof typeof CHOICES]
    if (option in merged && !(allowed as readonly unknown[]).includes(value))
      throw invalidOption(option, `is ${show(value)}; allowed: ${allowed.join(', ')}`)
  }
}

/** Checks options that webhooks and workers share, and creates the client. */
function resolveShared(
  merged: Required_<Pick<TradecloudWorkerOptions, keyof typeof WORKER_DEFAULTS>>,
  given: Pick<
    TradecloudWebhookOptions,
    'api' | 'fetch' | 'fetchTimeoutMs' | 'inbox' | 'catchUp' | 'onCatchUp' | 'onOrder' | 'deliver'
  >,
) {
  checkWholeNumber('concurrency', merged.concurrency, 1, Number.MAX_SAFE_INTEGER)
  checkWholeNumber('fetchTimeoutMs', merged.fetchTimeoutMs, 1, MAX_TIMER_MS)
  checkWholeNumber('notFoundGraceMs', merged.notFoundGraceMs, 0, Number.MAX_SAFE_INTEGER)
  if (typeof merged.name !== 'string' || merged.name === '') throw invalidOption('name', 'must be a non-empty string')
  // The name is part of keys in databases. Some databases cannot index a longer text. Some cannot store control
  // characters or unpaired surrogates.
  if (merged.name.length > MAX_NAME || /[\p{Cc}\p{Cs}]/u.test(merged.name))
    throw invalidOption('name', `must have at most ${MAX_NAME} characters, and no control characters`)
  const logger = merged.logger as Partial<Logger> | null
  if (typeof logger?.warn !== 'function' || typeof logger.error !== 'function')
    throw invalidOption('logger', 'must have the functions warn and error')
  checkTelemetry(merged.telemetry)
  const client = resolveClient(given.api, given.fetchTimeoutMs)
  if (merged.fetch === 'always' && !client) throw invalidOption('fetch', "is 'always', which needs `api`")
  return {
    client,
    catchUp: resolveCatchUp({ ...given, client }),
    ownsClient: client !== undefined && client !== given.api,
    // The client's own `fetchTimeoutMs` takes precedence, even if the client was passed in.
    fetchTimeoutMs: client?.ownFetchTimeoutMs ?? merged.fetchTimeoutMs,
  }
}

function checkTelemetry(adapters: unknown): void {
  const isAdapter = (one: unknown): boolean => typeof (one as Partial<TelemetryAdapter> | null)?.attach === 'function'
  if (Array.isArray(adapters) && adapters.every(isAdapter)) return
  throw invalidOption('telemetry', 'must be a list of adapters, as in [prometheusMetrics()]')
}

function resolveClient(
  api: TradecloudWebhookOptions['api'],
  fetchTimeoutMs: number | undefined,
): TradecloudClient | undefined {
  if (api === undefined) return undefined
  if (typeof (api as unknown) !== 'object' || (api as unknown) === null)
    throw invalidOption('api', 'must be an object or a TradecloudClient')
  if ('fetchEntity' in api) return api
  const options = { ...api, fetchTimeoutMs: api.fetchTimeoutMs ?? fetchTimeoutMs }
  // The options of the client are checked here too, because an error of the client itself would not name the option
  // `api`.
  const { resolveClientOptions } = require('../api/client-options') as typeof import('../api/client-options')
  resolveClientOptions(options, 'api')
  return new TradecloudClient(options)
}
