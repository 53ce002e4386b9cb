/** Sends pages and files. All responses have the same security headers and are never cached. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { markOwn404 } from '../answer/respond'
import type { Html } from '../views/html'

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** A body that is streamed, so that it is never in memory as a whole. */
export interface StreamedBody {
  size: number
  pieces: AsyncIterable<Buffer>
}

export interface Reply {
  status: number
  type: string
  body: string | Buffer | StreamedBody
  headers?: Readonly<Record<string, string>> | undefined
}

export function page(status: number, { text }: Html, headers?: Reply['headers']): Reply {
  return { status, type: 'text/html; charset=utf-8', body: text, headers }
}

/** `location` must be relative, because a proxy may add a prefix to the path. */
export function redirect(status: 303 | 308, location: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: 'See there.', headers: { Location: location } }
}

/** `failed` is called if the pieces of a body cannot be read. */
export function send(
  req: IncomingMessage,
  res: ServerResponse,
  { status, type, body, headers }: Reply,
  failed: (cause: unknown) => void,
): void {
  if (res.headersSent || res.destroyed) return
  // An error on a closed connection must not end the process.
  res.on('error', () => undefined)
  // Marks the 404 as intended: a webhook that is mounted in front and accepts the same credentials would otherwise
  // replace it with a 503.
  if (status === 404) markOwn404(res)
  const isWhole = typeof body === 'string' || Buffer.isBuffer(body)
  res.writeHead(status, {
    ...HEADERS,
    'Content-Type': type,
    'Content-Length': isWhole ? Buffer.byteLength(body) : body.size,
    ...headers,
  })
  if (req.method === 'HEAD') res.end()
  else if (isWhole) res.end(body)
  else {
    const source = Readable.from(body.pieces, { highWaterMark: 1 }).on('error', failed)
    // If the body fails, `pipeline` destroys the connection, so that the browser reports a failed download.
    pipeline(source, res).catch(() => undefined)
  }
}

/** Begins a stream of server-sent events. */
export function startStream(res: ServerResponse): void {
  res.on('error', () => undefined)
  // `X-Accel-Buffering` disables buffering in nginx.
  res.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
}
