/** What becomes of an event out of the inbox: from the result of a delivery to delivered, tried again, or kept as dead. */
import type { InboxDelivery, Settlement } from '../../inbox/inbox'
import { describe } from '../../log/describe-error'
import type { Outcome, Result } from '../../answer/respond'
import { backOffMs } from '../../wait/back-off'

export interface RetryPolicy {
  forMs: number
  minDelayMs: number
  maxDelayMs: number
}

/** Trying again cannot help. */
const FINAL: readonly Outcome[] = ['rejected', 'invalid_id']
/** Kept for a person: a later version, or a process with a callback for it, may be able to deliver it. */
const QUARANTINED: readonly Outcome[] = ['malformed_body', 'invalid_body', 'unsupported_media_type', 'ignored']
/** A clock that jumps ahead must not make an event dead after its first attempts. */
const MIN_ATTEMPTS = 10

export interface SettlementOptions {
  retry: RetryPolicy
  notFoundGraceMs: number
}

export function settlementOf(
  result: Result,
  { attempt, firstAttemptAt, event }: Pick<InboxDelivery, 'attempt' | 'firstAttemptAt' | 'event'>,
  { retry, notFoundGraceMs }: SettlementOptions,
): Settlement {
  const { outcome } = result
  if (outcome === 'delivered') return { result: 'delivered' }
  const reason = reasonOf(result)
  if (QUARANTINED.includes(outcome)) return { result: 'quarantined', outcome, reason }
  const now = Date.now()
  const hasTriedEnough = attempt >= MIN_ATTEMPTS
  const isOverdue = hasTriedEnough && now - firstAttemptAt.getTime() >= retry.forMs
  const isUnknown =
    outcome === 'not_found' &&
    (notFoundGraceMs === 0 || (hasTriedEnough && now - Date.parse(event.receivedAt) >= notFoundGraceMs))
  if (FINAL.includes(outcome) || isOverdue || isUnknown) return { result: 'dead', outcome, reason }
  return { result: 'retry', delayMs: retryDelayMs(attempt, retry), outcome, reason }
}

/** Half of it is random: events that failed together do not come back together, and none comes back at once. */
export function retryDelayMs(failures: number, { minDelayMs, maxDelayMs }: Omit<RetryPolicy, 'forMs'>): number {
  return Math.max(1, Math.round(backOffMs(failures, { firstMs: minDelayMs, maxMs: maxDelayMs, jitter: 0.5 })))
}

/** Without the outcome, which is stored next to it. */
function reasonOf({ outcome, detail, cause }: Result): string {
  const parts = [detail, cause === undefined ? undefined : describe(cause)]
  return parts.filter((part) => part !== undefined && part !== '').join(': ') || outcome
}
