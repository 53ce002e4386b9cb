/** The error of an inbox that cannot store or deliver events, for which the webhook responds with 503. */
import { TradecloudWebhookError } from '../errors/errors'
import { within as withinOr } from '../wait/within'

/** A request is refused after this time, so that Tradecloud gets 503 and keeps the event. */
export const PATIENCE_MS = 2_500

export function unavailable(message: string, cause?: unknown): TradecloudWebhookError {
  return new TradecloudWebhookError('unavailable', message, { status: 503, cause })
}

/** The result of `work`; rejects with `unavailable` if `ms` pass before. */
export function within<T>(ms: number, work: PromiseLike<T>, message: string): Promise<T> {
  return withinOr(ms, work, () => {
    throw unavailable(message)
  })
}
