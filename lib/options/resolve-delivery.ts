/** The options of delivering: dedupe, or an inbox with its retries. They exclude each other. */
import { checkHasEffect, checkKeys, checkWholeNumber, MAX_TIMER_MS, show } from '../errors/checks'
import { MemoryStore } from '../deliver/dedupe/memory-store'
import type { Store } from '../deliver/dedupe/store'
import { invalidOption } from '../errors/errors'
import type { Inbox } from '../inbox/inbox'
import type { DedupeOptions, RetryOptions, TradecloudWebhookOptions } from './options'

export type Required_<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> }

export interface ResolvedDelivery {
  dedupe: false | { store: Store; ttlMs: number }
  quarantine: boolean
  retry: Required_<RetryOptions>
}

const DAY_MS = 86_400_000
const RETRY = { forMs: 7 * DAY_MS, minDelayMs: 1_000, maxDelayMs: 15 * 60_000 }
/** Options that mean nothing without an inbox: one that is set all the same is a mistake. */
const OF_INBOX = ['quarantine', 'retry', 'handlerTimeoutMs', 'onSettled'] as const

/** How events are delivered: after the answer out of an inbox, or before it. */
export function resolveDelivery({ inbox, dedupe, auth, ...given }: TradecloudWebhookOptions): ResolvedDelivery {
  if (inbox === undefined) {
    for (const option of OF_INBOX) checkHasEffect(option, given[option], 'an `inbox`', false)
    return { dedupe: resolveDedupe(dedupe), retry: RETRY, quarantine: false }
  }
  for (const method of ['accept', 'deliver', 'settle', 'list', 'replay', 'close'] as const) {
    if (typeof (inbox as Partial<Inbox> | null)?.[method] !== 'function')
      throw invalidOption('inbox', `has no method ${method}; fileInbox({ directory }) makes one that has`)
  }
  if (dedupe !== undefined)
    throw invalidOption('dedupe', 'is set beside `inbox`, which finds duplicates by itself: see its dedupeTtlMs')
  const { quarantine = auth !== 'none', retry = {} } = given
  if (typeof quarantine !== 'boolean')
    throw invalidOption('quarantine', `is ${show(quarantine)}; allowed are true, false`)
  // Anyone could fill the disk with it.
  if (quarantine && auth === 'none')
    throw invalidOption('quarantine', "is true with auth: 'none', where anyone could fill it")
  return { dedupe: false, retry: resolveRetry(retry), quarantine }
}

function resolveRetry(retry: unknown): ResolvedDelivery['retry'] {
  if (typeof retry !== 'object' || retry === null)
    throw invalidOption('retry', 'must be { forMs, minDelayMs, maxDelayMs }')
  checkKeys('retry', retry, Object.keys(RETRY))
  const { forMs = RETRY.forMs, minDelayMs = RETRY.minDelayMs, maxDelayMs = RETRY.maxDelayMs } = retry as RetryOptions
  checkWholeNumber('retry.forMs', forMs, 0, Number.MAX_SAFE_INTEGER)
  checkWholeNumber('retry.minDelayMs', minDelayMs, 1, MAX_TIMER_MS)
  checkWholeNumber('retry.maxDelayMs', maxDelayMs, minDelayMs, MAX_TIMER_MS)
  return { forMs, minDelayMs, maxDelayMs }
}

function resolveDedupe(dedupe: unknown): ResolvedDelivery['dedupe'] {
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
