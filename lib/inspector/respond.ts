/** Sends pages and files. Every response has the same headers; none of them is ever cached. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { markOwn404 } from '../answer/respond'
import type { Html } from '../views/html'

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

export interface Reply {
  status: number
  type: string
  body: string | Buffer
  headers?: Readonly<Record<string, string>> | undefined
}

export function page(status: number, { text }: Html, headers?: Reply['headers']): Reply {
  return { status, type: 'text/html; charset=utf-8', body: text, headers }
}

/** `location` is relative, so that it also holds behind a proxy that adds a prefix to the path. */
export function redirect(status: 303 | 308, location: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: 'See there.', headers: { Location: location } }
}

export function send(req: IncomingMessage, res: ServerResponse, { status, type, body, headers }: Reply): void {
  if (res.headersSent || res.destroyed) return
  // A client that is gone must not end the process.
  res.on('error', () => undefined)
  // A webhook with the same password that is mounted in front must not take it for a path that nothing handles.
  if (status === 404) markOwn404(res)
  res.writeHead(status, {
    ...HEADERS,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  res.end(req.method === 'HEAD' ? undefined : body)
}

/** Begins a response of server-sent events. */
export function startStream(res: ServerResponse): void {
  res.on('error', () => undefined)
  // The last one tells nginx not to collect the events.
  res.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
}
