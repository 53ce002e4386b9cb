/**
 * The stream of a document's content: limited in size and time, aborted by a signal, with errors that contain no
 * secret.
 */
import { Transform, type Readable } from 'node:stream'
import type { TradecloudApiErrorCode } from './api-error'
import { startTimer } from '../wait/timers'

export interface DocumentStreamOptions {
  maxBytes: number
  timeoutMs: number
  signal: AbortSignal | undefined
  error: (code: TradecloudApiErrorCode, text: string, cause?: unknown) => Error
}

/** A stream with the content of `source`. When it closes, for any reason, `source` is closed too. */
export function documentStream(source: Readable, options: DocumentStreamOptions): Readable {
  const { maxBytes, timeoutMs, signal, error } = options
  let bytes = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes <= maxBytes) done(null, chunk)
      else done(error('fetch_failed', `is larger than ${maxBytes} bytes (maxDocumentBytes)`))
    },
  })
  const onAbort = () => stream.destroy(error('unavailable', 'was aborted by its signal', signal?.reason))
  const onTime = () => stream.destroy(error('fetch_timeout', `did not end within ${timeoutMs} ms (downloadTimeoutMs)`))
  const timer = startTimer(onTime, timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  // An unread stream has no error listener, so without this one an error would end the process.
  stream.on('error', () => undefined)
  stream.once('close', () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    source.destroy()
  })
  // The original error is not passed on: it may contain the request, including the link.
  const broke = () => {
    if (!source.readableEnded) stream.destroy(error('fetch_failed', 'broke off'))
  }
  source.once('error', broke)
  source.once('close', broke)
  source.pipe(stream)
  if (signal?.aborted) onAbort()
  return stream
}
