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

/** Trying again cannot help: the callback said so, or nobody wants it. */
const FINAL: readonly Outcome[] = ['rejected', 'ignored', 'invalid_id']
const UNREADABLE: readonly Outcome[] = ['malformed_body', 'invalid_body', 'unsupported_media_type']

export interface SettlementOptions {
  retry: RetryPolicy
  notFoundGraceMs: number
}

export function settlementOf(
  result: Result,
  { attempt, firstAttemptAt, event }: InboxDelivery,
  { retry, notFoundGraceMs }: SettlementOptions,
): Settlement {
  const { outcome } = result
  if (outcome === 'delivered') return { result: 'delivered' }
  const reason = reasonOf(result)
  if (UNREADABLE.includes(outcome)) return { result: 'quarantined', reason }
  const now = Date.now()
  const overdue = now - firstAttemptAt.getTime() >= retry.forMs
  const unknownForLong = outcome === 'not_found' && now - Date.parse(event.receivedAt) >= notFoundGraceMs
  if (FINAL.includes(outcome) || overdue || unknownForLong) return { result: 'dead', reason }
  return { result: 'retry', delayMs: retryDelayMs(attempt, retry), reason }
}

/** Half of it is random: events that failed together do not come back together, and none comes back at once. */
export function retryDelayMs(failures: number, { minDelayMs, maxDelayMs }: Omit<RetryPolicy, 'forMs'>): number {
  return Math.max(1, Math.round(backOffMs(failures, { firstMs: minDelayMs, maxMs: maxDelayMs, jitter: 0.5 })))
}

function reasonOf({ outcome, detail, cause }: Result): string {
  const parts = [outcome, detail, cause === undefined ? undefined : describe(cause)]
  return parts.filter((part) => part !== undefined && part !== '').join(': ')
}
