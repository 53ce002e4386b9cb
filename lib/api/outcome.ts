/** The possible outcomes of one request. Their errors contain neither headers nor bodies. */
import type { Readable } from 'node:stream'
import { BODY_TOO_LARGE } from './read-body'

export interface ApiAnswer {
  type: 'answer'
  status: number
  /** Header names are in lower case. */
  headers: Record<string, unknown>
  /** The body after decompression. */
  body: Buffer
}

export type ApiOutcome = ApiAnswer | NoAnswer

export type NoAnswer =
  /**
   * If not `stalled`: no headers arrived within `timeoutMs`. If `stalled`: the headers of a 200 arrived, but the rest
   * of its body did not arrive in time.
   */
  | { type: 'timeout'; timeoutMs: number; stalled: boolean }
  /** Aborted by the caller's signal or by `close()`. */
  | { type: 'aborted' }
  /** No response, or an incomplete one: a retry may succeed. */
  | { type: 'broken'; cause: NodeJS.ErrnoException }
  /** A response that is too large or cannot be decompressed, or a server whose certificate is not trusted. */
  | { type: 'unusable'; cause: NodeJS.ErrnoException; tooLarge: boolean }

/**
 * A response whose body is not read yet. `body` may fail with an error that contains secrets, which must not be passed
 * on.
 */
export interface OpenAnswer {
  type: 'open'
  status: number
  headers: Record<string, unknown>
  body: Readable
  /** Size of `body` in bytes, if known. */
  size?: number | undefined
}

export type OpenOutcome = OpenAnswer | NoAnswer

/**
 * Error codes for which a retry would fail in the same way: invalid certificates, and bytes that cannot be
 * decompressed.
 */
const REPEATING = /CERT|UNABLE_TO_VERIFY|^Z_DATA_ERROR/

export function outcomeOf(error: unknown): NoAnswer {
  const cause = sanitized(error)
  const tooLarge = cause.code === BODY_TOO_LARGE
  if (tooLarge || REPEATING.test(cause.code ?? '')) return { type: 'unusable', cause, tooLarge }
  return { type: 'broken', cause }
}

/** A copy with only name, message and code: an axios error also holds the request with its credentials. */
function sanitized(error: unknown): NodeJS.ErrnoException {
  const { name = 'Error', message = '', code } = error as Partial<NodeJS.ErrnoException>
  const text = [message, code].find(Boolean) ?? 'the connection failed'
  const copy: NodeJS.ErrnoException = new Error(text.slice(0, 200))
  Object.defineProperty(copy, 'name', { value: name, configurable: true, writable: true })
  if (code !== undefined) copy.code = code
  return copy
}
