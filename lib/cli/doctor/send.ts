/** Sends each probe on a connection of its own, and reads the response. */
import { randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PROBE_HEADER } from '../../receive/probe'
import { startTimer } from '../../wait/timers'
import { pause } from '../../wait/pause'
import type { DoctorTarget } from './target'

/** A body without an order or shipment: `open`, then filler, then `close`. */
export interface ProbeBody {
  type: string
  open: string
  close: string
  /** Size of the whole body, in bytes. */
  length: number
  /** Sends the body slowly, in small pieces. */
  slowly?: { everyMs: number; pieces: number }
}

export interface ProbeRequest {
  method: 'GET' | 'POST' | 'PUT'
  /** Path and query, as sent. */
  path: string
  headers?: Record<string, string>
  body?: ProbeBody
  /** Value of `Authorization`. Default: that of `SendOptions`. Empty: the header is not sent. */
  authorization?: string
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** The beginning of the response body. */
  text: string
}

/** `error`: why no response arrived. `sent`: how many bytes of the body were passed to the connection. */
export type SendResult = { word: string; sent: number; durationMs: number } & (
  { answer: HttpAnswer; error?: undefined } | { answer?: undefined; error: Error & { code?: string } }
)

export interface SendOptions {
  /** Value of `Authorization`; `undefined` to send no such header. */
  authorization: string | undefined
  /** PEM certificates of the authorities to trust instead of Node's. */
  ca?: string | undefined
  lookup?: LookupFunction | undefined
  /** Time limit for the response. The time starts anew with each piece of the body that is sent. */
  idleMs: number
  signal: AbortSignal
}

const MAX_TEXT = 64 * 1024
const FILLING = Buffer.alloc(64 * 1024, 'x')

export class ProbeSender {
  constructor(
    readonly target: DoctorTarget,
    readonly options: SendOptions,
  ) {}

  /** Never rejects. Does not follow redirects. */
  async send(request: ProbeRequest): Promise<SendResult> {
    const { idleMs, signal, ca, lookup } = this.options
    const { hostname, port, isSecure, authority } = this.target
    const { method, path, body, authorization = this.options.authorization } = request
    const word = randomUUID()
    const begun = performance.now()
    const progress = { sent: 0 }
    const ending = new AbortController()
    const stop = (): void => ending.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const late = (): void => ending.abort(failure('NO_ANSWER', `there was no answer within ${idleMs / 1000} s`))
    const timer = startTimer(late, idleMs, true)
    const outgoing = (isSecure ? httpsRequest : httpRequest)({
      ...{ hostname, port, method, path, agent: false, ca, lookup, signal: ending.signal },
      headers: {
        ...{ Host: authority, 'User-Agent': 'tradecloud-webhook-doctor', Accept: '*/*', [PROBE_HEADER]: word },
        ...(authorization && { Authorization: authorization }),
        ...(method !== 'GET' && { 'Content-Length': String(body?.length ?? 0) }),
        ...(body && { 'Content-Type': body.type }),
        ...request.headers,
      },
    })
    try {
      const answered = answerTo(outgoing)
      const source = Readable.from(
        piecesOf(body, progress, ending.signal, () => void timer.refresh()),
        {
          highWaterMark: 1,
        },
      )
      // A proxy may respond and close the connection before it has read the body: the upload then fails, but the
      // response is used.
      const uploading = pipeline(source, outgoing).catch(() => undefined)
      const answer = await answered
      source.destroy()
      await uploading
      return { word, ...progress, durationMs: performance.now() - begun, answer }
    } catch (error) {
      const cause = ending.signal.aborted ? (ending.signal.reason as Error) : (error as Error)
      return { word, ...progress, durationMs: performance.now() - begun, error: cause }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      outgoing.destroy()
    }
  }
}

export function failure(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(message), { code })
}

function answerTo(outgoing: ReturnType<typeof httpRequest>): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('close', () => reject(failure('CLOSED', 'the connection was closed without an answer')))
    outgoing.on('response', (incoming: IncomingMessage) => {
      const { statusCode: status = 0, headers } = incoming
      const chunks: Buffer[] = []
      let size = 0
      const done = (): void => {
        incoming.destroy()
        resolve({ status, headers, text: Buffer.concat(chunks).toString('utf8', 0, MAX_TEXT) })
      }
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size > MAX_TEXT) done()
      })
      incoming.on('end', done).on('error', done).on('close', done)
    })
  })
}

async function* piecesOf(
  body: ProbeBody | undefined,
  progress: { sent: number },
  signal: AbortSignal,
  onPiece: () => void,
): AsyncGenerator<Buffer> {
  if (!body) return
  const { open, close, length, slowly } = body
  const size = slowly ? Math.ceil(length / slowly.pieces) : FILLING.length
  const filling = length - open.length - close.length
  const take = (piece: Buffer): Buffer => {
    progress.sent += piece.length
    onPiece()
    return piece
  }
  yield take(Buffer.from(open))
  for (let left = filling; left > 0; left -= size) {
    if (slowly && !(await pause(slowly.everyMs, signal, { keepsAlive: true }))) return
    yield take(FILLING.subarray(0, Math.min(size, left)))
  }
  yield take(Buffer.from(close))
}
