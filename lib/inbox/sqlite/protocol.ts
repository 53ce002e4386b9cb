/** The messages between the main thread and the worker thread of an inbox. */
import type { Operation } from '../sql/operations'
import type { Driver } from './driver'

export interface WorkerOptions {
  driver: Driver
  file: string
  /** False: the file must exist and be an inbox. */
  create: boolean
  /** The most bytes of waiting bodies. */
  maxBytes: number
  /** Flags at the indexes in `GATE`. */
  gate: SharedArrayBuffer
}

/** Shared flags with which the main thread requests that the file is closed before the process exits. */
export const GATE = { open: 0, stop: 1, bytes: 8 } as const

/** Requests that run alone, outside a transaction. */
export type Control = 'repair' | 'copyTo' | 'takeOver' | 'close'

export type Call = Operation | Control

export interface Request {
  id: number
  call: Call
  argument: unknown
}

export type Response =
  | { id: number; ok: true; value: unknown }
  /** `code`: primary result code of SQLite. */
  | { id: number; ok: false; message: string; code: number | undefined }

/** The results of one transaction, or that another process has changed the file. */
export type Posted = { results: Response[] } | { changed: true }

/** ID of the first response, which reports whether the file could be opened; its value is a warning for operators. */
export const OPENED = 0

/** Primary result codes of SQLite. */
export const BUSY = 5
export const CORRUPT = 11

/** Message of an `accept` that is refused until the file is repaired. */
export const SUSPECT = 'A flush to disk failed, and the file is not repaired yet.'
