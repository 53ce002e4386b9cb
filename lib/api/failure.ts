/** Classifies a failed outcome: its code, its message, and whether to retry. */
import { readRetryAfter } from './back-off'
import type { TradecloudApiErrorCode } from './api-error'
import type { OpenOutcome, ApiOutcome } from './outcome'

export interface RequestFailure {
  code: TradecloudApiErrorCode
  /** The rest of an error message that begins with the request, such as "GET /order/1". */
  text: string
  /** `at-once`: the retry sends a different request, so it need not wait. */
  retry: boolean | 'at-once'
  status?: number
  retryAfterMs?: number | undefined
  cause?: Error | undefined
  /** True if the response is larger than `maxResponseBytes`, or has more than `MAX_VALUES` values. */
  tooLarge?: boolean
}

/** Classifies every outcome except an aborted request and a valid 200. The caller decides what a 401 or 404 means. */
export function failureOf(outcome: Exclude<ApiOutcome | OpenOutcome, { type: 'aborted' }>): RequestFailure {
  switch (outcome.type) {
    case 'timeout': {
      const text = outcome.stalled
        ? `got the beginning of a response, then nothing for ${outcome.timeoutMs} ms`
        : `got no answer within ${outcome.timeoutMs} ms`
      return { code: 'fetch_timeout', text, retry: true }
    }
    case 'broken':
      return { code: 'fetch_failed', text: `failed: ${outcome.cause.message}`, retry: true, cause: outcome.cause }
    case 'unusable':
      return {
        code: 'fetch_failed',
        text: `cannot work: ${outcome.cause.message}`,
        retry: false,
        cause: outcome.cause,
        tooLarge: outcome.tooLarge,
      }
    case 'open':
    case 'answer': {
      const { status, headers } = outcome
      const redirect = status >= 300 && status < 400 ? ' (redirects are not followed)' : ''
      return {
        code: 'fetch_failed',
        text: `was answered ${status}${redirect}`,
        retry: status === 429 || status >= 500,
        status,
        retryAfterMs: readRetryAfter(headers),
      }
    }
  }
}

/** Like `failureOf`, for the content of a document: 404 or 410 from its host means that the document was deleted. */
export function contentFailureOf(outcome: Exclude<OpenOutcome, { type: 'aborted' }>): RequestFailure {
  const failure = failureOf(outcome)
  return failure.status === 404 || failure.status === 410 ? { ...failure, code: 'not_found' } : failure
}

/** The failure for a 200 with invalid content. */
export function uselessAnswer(text: string): RequestFailure {
  return { code: 'fetch_failed', text: `was answered 200, but ${text}`, retry: false, status: 200 }
}
