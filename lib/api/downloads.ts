/** The running downloads of a client. Each starts from the headers of a response, and `close()` aborts them all. */
import type { Readable } from 'node:stream'
import { TradecloudApiError } from './api-error'
import type { Call } from './call'
import { documentStream } from './document-stream'
import type { OpenAnswer } from './outcome'

export interface DownloadedDocument {
  /**
   * Fails with a `TradecloudApiError` if the content is incomplete, too slow or too large, or if the download is
   * aborted.
   */
  stream: Readable
  /**
   * Chosen by the company that uploaded the file, so it is not safe as a path. If Tradecloud gives no name, it is the
   * object ID. For a document with only a `url`, it is the last part of the URL's path, or else the host name.
   */
  filename: string
  /** `application/octet-stream` if the type is not known. */
  contentType: string
  /** Size in bytes, if it is known in advance. */
  size?: number
}

export interface DownloadsOptions {
  maxDocumentBytes: number
  downloadTimeoutMs: number
}

export interface Download {
  call: Call
  /** Names the download in errors, such as `GET a document`. Contains no link. */
  what: string
  filename: string
  /** Default: the content type of the response. */
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
      const text = `returned ${size} bytes of content, more than ${maxDocumentBytes} (maxDocumentBytes)`
      throw call.ended('fetch_failed', text)
    }
    const { attempts } = call
    const stream = documentStream(body, {
      maxBytes: maxDocumentBytes,
      timeoutMs: downloadTimeoutMs,
      signal,
      error: (code, text, cause) =>
        new TradecloudApiError(code, `The content from ${what} ${text}`, { attempts, cause }),
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
    const error = new TradecloudApiError('unavailable', 'The download was aborted: the client is closed', {
      attempts: 0,
    })
    for (const stream of this.#streams) stream.destroy(error)
  }
}

export function textOr(value: unknown, other: string): string {
  return typeof value === 'string' && value !== '' ? value : other
}
