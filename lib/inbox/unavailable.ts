/** The error of an inbox when it cannot store or deliver events. The webhook then responds with 503. */
import { TradecloudWebhookError } from '../errors/errors'
import { within as withinOr } from '../wait/within'

/** A request that takes longer is refused, so that Tradecloud gets a 503 and sends the event again. */
export const PATIENCE_MS = 2_500

export function unavailable(message: string, cause?: unknown): TradecloudWebhookError {
  return new TradecloudWebhookError('unavailable', message, { status: 503, cause })
}

/** The result of `work`. Rejects with `unavailable` if `work` takes longer than `ms`. */
export function within<T>(ms: number, work: PromiseLike<T>, message: string): Promise<T> {
  return withinOr(ms, work, () => {
    throw unavailable(message)
  })
}
