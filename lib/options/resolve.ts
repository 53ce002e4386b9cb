/** The options of a webhook with their defaults in. A wrong option throws when the webhook is created, and names itself. */
import { TradecloudClient } from '../api'
import { checkWholeNumber, givenOptions, MAX_TIMER_MS, show } from '../errors/checks'
import type { CallbackOptions } from '../deliver/handlers'
import { resolveDelivery, type Required_, type ResolvedDelivery } from './resolve-delivery'
import { invalidOption } from '../errors/errors'
import type { TradecloudWebhookOptions } from './options'
import type { Logger } from '../log/logger'

type Optional =
  | 'allow'
  | 'paths'
  | 'onError'
  | 'onDelivery'
  | 'onSettled'
  | 'api'
  | 'schemas'
  | 'dedupe'
  | 'inbox'
  | 'retry'
  | keyof CallbackOptions

/** All options with their defaults in. */
export type ResolvedOptions = Required_<Omit<TradecloudWebhookOptions, Optional>> &
  Pick<
    TradecloudWebhookOptions,
    'allow' | 'paths' | 'onError' | 'onDelivery' | 'onSettled' | 'schemas' | 'inbox' | keyof CallbackOptions
  > &
  ResolvedDelivery & {
    client: TradecloudClient | undefined
    /** The webhook made the client and has to close it. */
    ownsClient: boolean
    /** `bodyLimit` for tXML. */
    txmlBodyLimit: number
  }

const MIB = 1024 * 1024
const CHOICES = {
  fetch: ['get', 'always', 'never'],
  validation: ['tolerant', 'strict', 'off'],
  refusals: ['final', 'retry'],
  unmatched: ['keep', 'next'],
} as const

const DEFAULTS = {
  trustProxy: false,
  logger: console as Logger,
  fetch: 'get',
  validation: 'tolerant',
  bodyLimit: 64 * MIB,
  uploadIdleTimeoutMs: 10_000,
  concurrency: 32,
  answerTimeoutMs: 30_000,
  fetchTimeoutMs: 20_000,
  notFoundGraceMs: 3_600_000,
  closeTimeoutMs: 8_000,
  handlerTimeoutMs: 300_000,
  refusals: 'final',
  unmatched: 'keep',
  name: 'tradecloud',
} as const

const KNOWN = [
  ...Object.keys(DEFAULTS),
  ...[
    'auth',
    'allow',
    'paths',
    'onOrder',
    'onOrderDocuments',
    'onShipment',
    'on',
    'onUnknown',
    'onError',
    'onDelivery',
  ],
  ...['api', 'schemas', 'maxBytesInFlight', 'dedupe', 'inbox', 'quarantine', 'retry', 'onSettled'],
]

/** An option that is `undefined` counts as absent. Credentials, addresses, callbacks and paths are checked where they are used. */
export function resolveOptions(options: TradecloudWebhookOptions): ResolvedOptions {
  const given = givenOptions(options, KNOWN, 'createTradecloudWebhook({ auth, onOrder })')
  const merged = { ...DEFAULTS, ...given }
  checkWholeNumber('bodyLimit', merged.bodyLimit, 1, Number.MAX_SAFE_INTEGER)
  const { maxBytesInFlight = 4 * merged.bodyLimit } = given
  const resolved = { ...merged, maxBytesInFlight }

  for (const [option, allowed] of Object.entries(CHOICES)) {
    const value: unknown = resolved[option as keyof typeof CHOICES]
    if (!(allowed as readonly unknown[]).includes(value)) {
      throw invalidOption(option, `is ${show(value)}; allowed are ${allowed.join(', ')}`)
    }
  }
  for (const option of ['maxBytesInFlight', 'concurrency'] as const)
    checkWholeNumber(option, resolved[option], 1, Number.MAX_SAFE_INTEGER)
  for (const option of ['uploadIdleTimeoutMs', 'answerTimeoutMs', 'fetchTimeoutMs', 'handlerTimeoutMs'] as const)
    checkWholeNumber(option, resolved[option], 1, MAX_TIMER_MS)
  checkWholeNumber('closeTimeoutMs', resolved.closeTimeoutMs, 0, MAX_TIMER_MS)
  checkWholeNumber('notFoundGraceMs', resolved.notFoundGraceMs, 0, Number.MAX_SAFE_INTEGER)
  if (resolved.maxBytesInFlight < resolved.bodyLimit) {
    throw invalidOption(
      'maxBytesInFlight',
      `is ${resolved.maxBytesInFlight}, less than bodyLimit (${resolved.bodyLimit}): a large body could never come in`,
    )
  }
  if (typeof resolved.name !== 'string' || resolved.name === '')
    throw invalidOption('name', 'must be a text that is not empty')
  for (const option of ['onError', 'onDelivery', 'onSettled'] as const) {
    if (given[option] !== undefined && typeof given[option] !== 'function')
      throw invalidOption(option, `is ${typeof given[option]}, not a function`)
  }
  if (
    typeof (resolved.logger as Partial<Logger> | null)?.warn !== 'function' ||
    typeof resolved.logger.error !== 'function'
  ) {
    throw invalidOption('logger', 'must have the functions warn and error')
  }
  const client = resolveClient(given.api, given.fetchTimeoutMs)
  // An option of the client itself takes precedence, also of one that was passed in.
  const fetchTimeoutMs = client?.ownFetchTimeoutMs ?? resolved.fetchTimeoutMs
  if (resolved.fetch === 'always' && !client) throw invalidOption('fetch', "is 'always', which needs `api`")
  return {
    ...resolved,
    fetchTimeoutMs,
    ...resolveDelivery(given),
    txmlBodyLimit: given.bodyLimit ?? 2 * DEFAULTS.bodyLimit,
    client,
    ownsClient: client !== undefined && client !== given.api,
  }
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
  // Checked here as well: the client does not know that its options are in `api`.
  const { resolveClientOptions } = require('../api/client-options') as typeof import('../api/client-options')
  resolveClientOptions(options, 'api')
  return new TradecloudClient(options)
}
