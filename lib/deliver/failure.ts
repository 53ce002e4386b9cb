/** Converts what a callback threw to the outcome of the event. */
import { isRejectEvent } from '../errors/errors'
import type { Result } from '../answer/respond'
import { isThenable } from '../wait/thenable'

/**
 * Only a `RejectEvent` with a 4xx status is final; after anything else, the event is retried. A callback may throw any
 * value, even an object whose getters throw.
 */
export function failureOf(cause: unknown): Result {
  try {
    // A thrown promise (a forgotten `await`) gets a handler, because its unhandled rejection would end the process.
    if (isThenable(cause)) cause.then(undefined, () => undefined)
    if (!isRejectEvent(cause)) return { outcome: 'handler_failed', cause }
    const { status, message } = cause as { status: unknown; message: unknown }
    if (!Number.isInteger(status) || (status as number) < 400 || (status as number) > 499) {
      return { outcome: 'handler_failed', detail: 'The event was rejected with a status outside 400 to 499.', cause }
    }
    const detail = typeof message === 'string' && message !== '' ? message.slice(0, 500) : undefined
    return { outcome: 'rejected', status: status as number, detail, cause }
  } catch {
    return { outcome: 'handler_failed', cause }
  }
}
