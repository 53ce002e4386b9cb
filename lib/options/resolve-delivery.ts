/** Resolves the options for delivering: dedupe, or an inbox with its retries. These exclude each other. */
import {
  checkBoolean,
  checkFunction,
  checkHasEffect,
  checkKeys,
  checkWholeNumber,
  MAX_TIMER_MS,
} from '../errors/checks'
import { MemoryStore } from '../deliver/dedupe/memory-store'
import type { Store } from '../deliver/dedupe/store'
import { invalidOption } from '../errors/errors'
import type { Inbox } from '../inbox/inbox'
import type { DedupeOptions, DeliveryOptions, RetryOptions, TradecloudWebhookOptions } from './options'

export type Required_<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> }

export interface ResolvedDelivery {
  retry: Required_<RetryOptions>
  handlerTimeoutMs: number
  quarantine: boolean
  onSettled: DeliveryOptions['onSettled']
  transaction: boolean
}

export type ResolvedDedupe = false | { store: Store; ttlMs: number }

const DAY_MS = 86_400_000
const RETRY = { forMs: 7 * DAY_MS, minDelayMs: 1_000, maxDelayMs: 15 * 60_000 }
const HANDLER_TIMEOUT_MS = 300_000
const KEYS = ['retry', 'handlerTimeoutMs', 'quarantine', 'onSettled', 'transaction']
const INBOX_METHODS = [
  ...['ready', 'accept', 'isWanted', 'attach', 'take', 'settle'],
  ...['list', 'show', 'replay', 'giveUp', 'purge', 'stats', 'close'],
] as ReadonlyArray<keyof Inbox>

export function resolveDelivery({
  inbox,
  dedupe,
  delivery,
  deliver,
  auth,
}: Pick<TradecloudWebhookOptions, 'inbox' | 'dedupe' | 'delivery' | 'deliver'> & { auth?: unknown }): {
  dedupe: ResolvedDedupe
  delivery: ResolvedDelivery
} {
  checkBoolean('deliver', deliver)
  if (inbox === undefined) {
    checkHasEffect('delivery', delivery, 'an `inbox`', false)
    // `deliver: true` is the default, so it is allowed without an inbox.
    checkHasEffect('deliver', deliver === false ? false : undefined, 'an `inbox`', false)
    return { dedupe: resolveDedupe(dedupe), delivery: { ...resolveSettings({}, auth), quarantine: false } }
  }
  for (const method of INBOX_METHODS) {
    if (typeof (inbox as Partial<Inbox> | null)?.[method] !== 'function')
      throw invalidOption(
        'inbox',
        `has no method ${method}; sqliteInbox({ file }) of tradecloud-webhook/sqlite and postgresInbox({ pool }) of tradecloud-webhook/postgres create one`,
      )
  }
  if (dedupe !== undefined)
    throw invalidOption(
      'dedupe',
      'cannot be combined with `inbox`, which recognises duplicates itself: see its dedupeTtlMs',
    )
  if (delivery !== undefined && (typeof (delivery as unknown) !== 'object' || (delivery as unknown) === null))
    throw invalidOption('delivery', `must be { ${KEYS.join(', ')} }`)
  checkKeys('delivery', delivery ?? {}, KEYS)
  const settings = resolveSettings(delivery ?? {}, auth)
  if (settings.transaction && inbox.withTransaction === undefined)
    throw invalidOption('delivery.transaction', 'needs an inbox with transactions, such as postgresInbox')
  if (deliver === false)
    for (const option of ['retry', 'onSettled', 'transaction'] as const)
      if (delivery?.[option] !== undefined)
        throw invalidOption(
          `delivery.${option}`,
          'has no effect with `deliver: false`: set it in the process that delivers events',
        )
  return { dedupe: false, delivery: settings }
}

function resolveSettings(delivery: DeliveryOptions, auth: unknown): ResolvedDelivery {
  const { quarantine = auth !== 'none', transaction = false } = delivery
  const { retry = {}, handlerTimeoutMs = HANDLER_TIMEOUT_MS, onSettled } = delivery
  checkWholeNumber('delivery.handlerTimeoutMs', handlerTimeoutMs, 1, MAX_TIMER_MS)
  for (const [option, value] of Object.entries({ quarantine, transaction })) checkBoolean(`delivery.${option}`, value)
  if (quarantine && auth === 'none')
    throw invalidOption('delivery.quarantine', "is true with auth: 'none': anyone could fill the inbox")
  checkFunction('delivery.onSettled', onSettled)
  return { retry: resolveRetry(retry), handlerTimeoutMs, quarantine, onSettled, transaction }
}

function resolveRetry(retry: unknown): ResolvedDelivery['retry'] {
  if (typeof retry !== 'object' || retry === null)
    throw invalidOption('delivery.retry', 'must be { forMs, minDelayMs, maxDelayMs }')
  checkKeys('delivery.retry', retry, Object.keys(RETRY))
  const { forMs = RETRY.forMs, minDelayMs = RETRY.minDelayMs, maxDelayMs = RETRY.maxDelayMs } = retry as RetryOptions
  checkWholeNumber('delivery.retry.forMs', forMs, 0, Number.MAX_SAFE_INTEGER)
  checkWholeNumber('delivery.retry.minDelayMs', minDelayMs, 1, MAX_TIMER_MS)
  checkWholeNumber('delivery.retry.maxDelayMs', maxDelayMs, minDelayMs, MAX_TIMER_MS)
  return { forMs, minDelayMs, maxDelayMs }
}

function resolveDedupe(dedupe: unknown): ResolvedDedupe {
  if (dedupe === false) return false
  if (dedupe !== undefined && (typeof dedupe !== 'object' || dedupe === null))
    throw invalidOption('dedupe', 'must be false or { store, ttlMs }')
  checkKeys('dedupe', dedupe ?? {}, ['store', 'ttlMs'])
  const { store = new MemoryStore(), ttlMs = DAY_MS } = (dedupe ?? {}) as DedupeOptions
  checkWholeNumber('dedupe.ttlMs', ttlMs, 1, Number.MAX_SAFE_INTEGER)
  for (const method of ['claim', 'renew', 'complete', 'release'] as const) {
    if (typeof (store as Partial<Store> | null)?.[method] !== 'function')
      throw invalidOption('dedupe.store', `has no method ${method}; a store has claim, renew, complete and release`)
  }
  return { store, ttlMs }
}
