/**
 * Responds to requests of `doctor`: if a request has the reserved header and valid credentials, the response states
 * what arrived. Such a request never becomes an event, whatever it contains.
 */
import type { IncomingMessage } from 'node:http'
import type { Exchange } from '../answer/exchange'
import { refuse, type Refusal } from '../answer/refusal'
import type { Arrived } from '../answer/respond'
import { limitOf, readMediaType } from './body/parse-body'
import { readBody, type TakeBodyOptions } from './body/read-body'

/**
 * The reserved header. Its value is an arbitrary word, which the response repeats to prove that it does not come from a
 * cache.
 */
export const PROBE_HEADER = 'tradecloud-webhook-probe'

type ProbedPath = Pick<Arrived, 'matched' | 'id' | 'problem'>
type Upload = Pick<Arrived, 'bytes' | 'readBefore'>

export function isProbe({ headers }: IncomingMessage): boolean {
  return wordOf(headers) !== undefined
}

/** Called after the credentials were checked. Never rejects. */
export async function receiveProbe(exchange: Exchange, place: ProbedPath, options: TakeBodyOptions): Promise<Refusal> {
  const { req, method } = exchange
  if (method === 'GET') return arrived(req, place, { bytes: 0 })
  if (method !== 'POST' && method !== 'PUT')
    return { ok: false, outcome: 'method_not_allowed', headers: { Allow: 'GET, POST, PUT' } }
  if (wasRead(req)) return arrived(req, place, readBefore(req))
  const limit = limitOf(readMediaType(exchange.headers['content-type']), options)
  const { uploadIdleTimeoutMs: idleMs, budget } = options
  const reading = readBody(req, { limit, idleMs, budget, onlyCount: true, upload: exchange })
  exchange.startUpload(reading.stop)
  const read = await reading.result
  exchange.abandon = undefined
  if (!read.ok) return refuse(read.outcome, read.detail ?? '', { cause: read.cause })
  return arrived(req, place, { bytes: read.bytes.size })
}

/** For a probe that matches no pattern and that the app answered with 404. Does not wait for the rest of the body. */
export function unmatchedProbe(exchange: Exchange): Refusal {
  exchange.isProbe = true
  return arrived(exchange.req, { matched: false }, readBefore(exchange.req))
}

function arrived(req: IncomingMessage, place: ProbedPath, upload: Upload): Refusal {
  const { method = '', url = '', headers } = req
  const { originalUrl: path = url } = req as { originalUrl?: string }
  // In HTTP/2, Node lists pseudo-headers, such as `:path`, among the headers.
  const names = Object.keys(headers).filter((name) => !name.startsWith(':'))
  const { matched, id, problem } = place
  const probe = wordOf(headers) ?? ''
  return {
    ...{ ok: false, outcome: 'probe' },
    arrived: { probe, method, path, matched, id, problem, headers: names, ...upload },
  }
}

function wordOf(headers: IncomingMessage['headers']): string | undefined {
  const word = headers[PROBE_HEADER]
  return typeof word === 'string' && /^[\w-]{1,64}$/.test(word) ? word : undefined
}

/** If the request comes from an adapter and is not a stream, its body counts as read. */
function wasRead(req: IncomingMessage): boolean {
  return (req.readableEnded as boolean | undefined) !== false || req.readableDidRead
}

function readBefore(req: IncomingMessage): Upload {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
  if (encoding === undefined && !Number(length)) return { bytes: 0 }
  const isKnown = req.complete && length !== undefined
  return { bytes: isKnown ? Number(length) : null, ...(wasRead(req) && { readBefore: true }) }
}
