/**
 * Decides from the result of a delivery how its event is settled: as delivered, to be retried, dead, or quarantined.
 */
import { TradecloudWebhookError } from '../../errors/errors'
import type { InboxDelivery, Settlement } from '../../inbox/inbox'
import { describeUnquoted } from '../../log/describe-error'
import { escapeControls } from '../../bytes/quote'
import type { SettledRecord } from '../../answer/report'
import type { Outcome, Result } from '../../answer/respond'
import { backOffMs } from '../../wait/back-off'

export interface RetryPolicy {
  forMs: number
  minDelayMs: number
  maxDelayMs: number
}

/** Outcomes for which a retry cannot help. */
const FINAL: readonly Outcome[] = ['rejected', 'invalid_id']
/**
 * Outcomes whose event is kept for an operator. A later version of this package may be able to read the event, or a
 * process may have a callback for it.
 */
const QUARANTINED: readonly Outcome[] = ['malformed_body', 'invalid_body', 'unsupported_media_type', 'ignored']
/**
 * Minimum number of attempts before an event becomes dead because of its age. Otherwise, a system clock that is set
 * ahead would make the event dead at once.
 */
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

/**
 * The delay before a retry. Half of it is random: events that failed together are spread out, and none is retried
 * immediately.
 */
export function retryDelayMs(failures: number, { minDelayMs, maxDelayMs }: Omit<RetryPolicy, 'forMs'>): number {
  return Math.max(1, Math.round(backOffMs(failures, { firstMs: minDelayMs, maxMs: maxDelayMs, jitter: 0.5 })))
}

/** The reason of a failure; its outcome if no reason is known. For a `rejected` event, the message of its error. */
function reasonOf({ outcome, detail, cause }: Result): string {
  if (outcome === 'rejected' && detail !== undefined) return escapeControls(detail)
  const thrown = cause === undefined ? '' : describeUnquoted(cause)
  if (detail === undefined || detail === '') return thrown || outcome
  return thrown === '' ? detail : `${detail.replace(/\.$/, '')}: ${thrown}`
}

/** What is known about an event before its delivery. */
export function startOf({ event, replay }: InboxDelivery) {
  const { id, kind, eventName, entity, requestId, receivedAt } = event
  return { inboxId: id, kind, eventName, entityId: entity?.id, requestId, receivedAt: new Date(receivedAt), replay }
}

/** The record of a settled delivery. `noted` tells whether the inbox has recorded the settlement. */
export function recordOf(
  delivery: InboxDelivery,
  result: Result,
  settlement: Settlement,
  { settledAt, durationMs, noted }: { settledAt: number; durationMs: number; noted: boolean },
): SettledRecord {
  const { outcome, detail = 'The event was not delivered.' } = result
  return {
    result: settlement.result,
    outcome,
    ...startOf(delivery),
    deliveryId: result.deliveryId,
    attempt: delivery.attempt,
    durationMs,
    nextAttemptAt: settlement.result === 'retry' ? new Date(settledAt + settlement.delayMs) : undefined,
    noted,
    error:
      settlement.result === 'delivered'
        ? undefined
        : new TradecloudWebhookError(outcome, detail, { ...('cause' in result && { cause: result.cause }) }),
  }
}
