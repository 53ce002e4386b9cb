/** What can come of one request. An error in it holds neither a header nor a body. */
import type { Readable } from 'node:stream'
import { BODY_TOO_LARGE } from './read-body'

export interface ApiAnswer {
  type: 'answer'
  status: number
  /** Names in lower case. */
  headers: Record<string, unknown>
  /** Decompressed. */
  body: Buffer
}

export type ApiOutcome = ApiAnswer | NoAnswer

export type NoAnswer =
  /** No headers within `timeoutMs`; where they have come, `stalled`: nothing more of the body for that long. */
  | { type: 'timeout'; timeoutMs: number; stalled: boolean }
  /** By the caller's signal or by `close()`. */
  | { type: 'aborted' }
  /** No answer, or a part of one: may work next time. */
  | { type: 'broken'; cause: NodeJS.ErrnoException }
  /** An answer that cannot be read and would be the same next time, or a server that is not to be trusted. */
  | { type: 'unusable'; cause: NodeJS.ErrnoException; tooLarge: boolean }

/** An answer whose body is still to come. `body` may fail with an error that holds secrets: never pass that on. */
export interface OpenAnswer {
  type: 'open'
  status: number
  headers: Record<string, unknown>
  body: Readable
  /** Of `body`, in bytes, where it is told. */
  size?: number | undefined
}

export type OpenOutcome = OpenAnswer | NoAnswer

/** Codes that the next attempt would bring again: certificates that do not hold, and bytes that do not decompress. */
const REPEATING = /CERT|UNABLE_TO_VERIFY|^Z_DATA_ERROR/

/** Of a request that failed. */
export function outcomeOf(error: unknown): NoAnswer {
  const cause = sanitized(error)
  const tooLarge = cause.code === BODY_TOO_LARGE
  if (tooLarge || REPEATING.test(cause.code ?? '')) return { type: 'unusable', cause, tooLarge }
  return { type: 'broken', cause }
}

/** A copy with nothing but name, message and code: an axios error holds request, headers and answer. */
function sanitized(error: unknown): NodeJS.ErrnoException {
  const { name = 'Error', message = '', code } = error as Partial<NodeJS.ErrnoException>
  const text = [message, code].find(Boolean) ?? 'the connection failed'
  const copy: NodeJS.ErrnoException = new Error(text.slice(0, 200))
  Object.defineProperty(copy, 'name', { value: name, configurable: true, writable: true })
  if (code !== undefined) copy.code = code
  return copy
}
