/** The messages between the main thread and the worker thread of an inbox. */
import type { Operation } from '../sql/operations'
import type { Driver } from './driver'

export interface WorkerOptions {
  driver: Driver
  file: string
  create: boolean
  maxBytes: number
  /** Shared flags, at the indexes in `GATE`. */
  gate: SharedArrayBuffer
}

/**
 * Indexes of flags that both threads share, and their size in `bytes`. Before the process exits, the main thread sets
 * `stop`, and waits until the worker has closed the file and cleared `open`.
 */
export const GATE = { open: 0, stop: 1, bytes: 8 } as const

/** Requests that run alone and outside a transaction. */
export type Control = 'repair' | 'copyTo' | 'takeOver' | 'close'

export type ThreadCall = Operation | Control

export interface Request {
  id: number
  call: ThreadCall
  argument: unknown
}

export type Response =
  | { id: number; ok: true; value: unknown }
  /** `code` is the primary result code of SQLite. */
  | { id: number; ok: false; message: string; code: number | undefined }

/** The results of one transaction, or the message that another process has changed the file. */
export type Posted = { results: Response[] } | { changed: true }

/**
 * ID of the first response, which reports whether the file could be opened. Its value is a warning for operators, if
 * there is one.
 */
export const OPENED = 0

/** Primary result codes of SQLite. */
export const BUSY = 5
export const CORRUPT = 11

/** The error message of operations that store something, until the file is repaired. */
export const SUSPECT = 'A flush to disk failed, and the file is not repaired yet.'
