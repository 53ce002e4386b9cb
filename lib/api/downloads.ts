/** Contents of documents on their way to users: begun from an answer that is a document, and all ended by `close()`. */
import type { Readable } from 'node:stream'
import { TradecloudApiError } from './api-error'
import type { Call } from './call'
import { documentStream } from './document-stream'
import type { OpenAnswer } from './outcome'

export interface DownloadedDocument {
  /** Ends with a `TradecloudApiError` where the content breaks off, takes too long or is too large. */
  stream: Readable
  /**
   * As the uploading company chose it: not safe as a path. The object ID where Tradecloud tells none; for a document of
   * a `url` the last part of its path.
   */
  filename: string
  /** `application/octet-stream` where no one tells it. */
  contentType: string
  /** In bytes, where it is known before. */
  size?: number
}

export interface DownloadsOptions {
  maxDocumentBytes: number
  downloadTimeoutMs: number
}

export interface Download {
  call: Call
  /** For errors, as in `GET a document`. Holds no link. */
  what: string
  filename: string
  /** Default: that of the answer. */
  contentType?: unknown
  signal: AbortSignal | undefined
}

export class Downloads {
  readonly #options: DownloadsOptions
  readonly #streams = new Set<Readable>()

  constructor(options: DownloadsOptions) {
    this.#options = options
  }

  begin({ headers, body, size }: OpenAnswer, download: Download): DownloadedDocument {
    const { call, what, filename, contentType, signal } = download
    const { maxDocumentBytes, downloadTimeoutMs } = this.#options
    if (size !== undefined && size > maxDocumentBytes) {
      body.destroy()
      const text = `brought a content of ${size} bytes, more than ${maxDocumentBytes} (maxDocumentBytes)`
      throw call.ended('fetch_failed', text)
    }
    const { attempts } = call
    const stream = documentStream(body, {
      maxBytes: maxDocumentBytes,
      timeoutMs: downloadTimeoutMs,
      signal,
      error: (code, text, cause) =>
        new TradecloudApiError(code, `The content behind ${what} ${text}`, { attempts, cause }),
    })
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    return {
      stream,
      filename,
      contentType: textOr(contentType, textOr(headers['content-type'], 'application/octet-stream')),
      ...(size === undefined ? {} : { size }),
    }
  }

  close(): void {
    const error = new TradecloudApiError('unavailable', 'The download was given up: the client is closed', {
      attempts: 0,
    })
    for (const stream of this.#streams) stream.destroy(error)
  }
}

export function textOr(value: unknown, other: string): string {
  return typeof value === 'string' && value !== '' ? value : other
}
