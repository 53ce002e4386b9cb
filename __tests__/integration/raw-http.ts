/**
 * HTTP/1.1 on bare sockets, without normalisation. Each request arrives at the server exactly as the test has written
 * it, even if an HTTP client would repair it or refuse to send it.
 */
import { connect, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { until } from '../wait'

/** A value that a test inspects without knowing its type. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Loose = any

export interface RawAnswer {
  status: number
  /** Header names are in lower case; values of repeated headers are joined by commas. */
  headers: Record<string, string>
  text: string
  /** The body as JSON; `undefined` if it is empty or not JSON. */
  json: Loose
  /** Statuses of interim responses, such as 100. */
  interim: number[]
}

export interface RawRequest {
  method?: string
  path?: string
  headers?: Record<string, string | string[] | undefined>
  body?: string | Uint8Array | undefined
  /** Sends the body in these chunks, without a length. */
  chunks?: Array<string | Uint8Array>
  version?: string
}

/** The bytes of a request: `head` without its body, `whole` with it. */
export function encodeRequest({
  method = 'GET',
  path = '/',
  headers = {},
  body,
  chunks,
  version = 'HTTP/1.1',
}: RawRequest): { head: Buffer; whole: Buffer } {
  const payload = body === undefined ? undefined : Buffer.from(body as string)
  const lines = [`${method} ${path} ${version}`]
  const all: RawRequest['headers'] = { Host: 'localhost', ...headers }
  const given = new Set(Object.keys(all).map((name) => name.toLowerCase()))
  for (const [name, value] of Object.entries(all)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`)
  }
  if (chunks && !given.has('transfer-encoding')) lines.push('Transfer-Encoding: chunked')
  if (payload && !given.has('content-length') && !given.has('transfer-encoding'))
    lines.push(`Content-Length: ${payload.length}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  const pieces = chunks?.flatMap((chunk) => {
    const bytes = Buffer.from(chunk as string)
    return [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]
  })
  const rest = pieces ? Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]) : (payload ?? Buffer.alloc(0))
  return { head, whole: Buffer.concat([head, rest]) }
}

/** One connection. Responses arrive in the order of the requests. */
export class RawConnection {
  readonly socket: Socket
  /** True once either side has ended or reset the connection. */
  closed = false
  #buffer: Buffer = Buffer.alloc(0)
  #interim: number[] = []
  #pending: { noBody: boolean; resolve: (answer: RawAnswer) => void; reject: (error: Error) => void } | undefined

  constructor(to: number | Socket) {
    this.socket =
      typeof to === 'number' ? connect({ port: to, host: '127.0.0.1', noDelay: true, allowHalfOpen: true }) : to
    this.socket.on('data', (chunk: Buffer) => {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
      this.#read()
    })
    const gone = (error?: Error): void => {
      this.closed = true
      this.#pending?.reject(error ?? new Error('the connection ended without an answer'))
      this.#pending = undefined
    }
    this.socket
      .on('error', gone)
      .on('end', () => gone())
      .on('close', () => gone())
  }

  write(bytes: string | Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  /** Resolves with the next response. Rejects if the connection ends before it. */
  answer({ noBody = false, timeoutMs = 90_000 } = {}): Promise<RawAnswer> {
    const answer = new Promise<RawAnswer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      this.#pending = {
        noBody,
        resolve: (found) => {
          clearTimeout(timer)
          resolve(found)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
    })
    this.#read()
    if (this.closed) this.#pending?.reject(new Error('the connection had ended'))
    return answer
  }

  /** Resolves once the connection is closed. */
  ended(): Promise<void> {
    return until(() => this.closed, 'the connection stayed open')
  }

  destroy(): void {
    if (this.socket.destroyed) return
    // Closes the connection with a reset, so that its port is free at once. If thousands of connections were closed
    // normally, they would use up the machine's ports. A TLSSocket cannot send a reset.
    if (this.socket instanceof TLSSocket) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  #read(): void {
    if (!this.#pending) return
    const at = this.#buffer.indexOf('\r\n\r\n')
    if (at < 0) return
    const [statusLine = '', ...lines] = this.#buffer.toString('latin1', 0, at).split('\r\n')
    const status = Number(statusLine.split(' ')[1])
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const value = line.slice(colon + 1).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    if (status < 200) {
      this.#interim.push(status)
      this.#buffer = this.#buffer.subarray(at + 4)
      this.#read()
      return
    }
    const rest = this.#buffer.subarray(at + 4)
    const length = this.#pending.noBody ? 0 : Number(headers['content-length'] ?? 0)
    const body = headers['transfer-encoding'] === undefined ? readLength(rest, length) : readChunks(rest)
    if (!body) return
    const { text } = body
    this.#buffer = rest.subarray(body.end)
    const { resolve } = this.#pending
    this.#pending = undefined
    const isJson = (headers['content-type'] ?? '').includes('json') && text !== ''
    resolve({ status, headers, text, json: isJson ? JSON.parse(text) : undefined, interim: this.#interim.splice(0) })
  }
}

/** The text of a body and its end position; `undefined` if the body is incomplete. */
type ReadBody = { text: string; end: number } | undefined

function readLength(bytes: Buffer, length: number): ReadBody {
  return bytes.length < length ? undefined : { text: bytes.toString('utf8', 0, length), end: length }
}

/** Parses a chunked body that has neither extensions nor trailers. */
function readChunks(bytes: Buffer): ReadBody {
  const pieces: Buffer[] = []
  for (let at = 0; ;) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const length = parseInt(bytes.toString('latin1', at, line), 16)
    const end = line + 2 + length + 2
    if (bytes.length < end) return undefined
    if (length === 0) return { text: Buffer.concat(pieces).toString('utf8'), end }
    pieces.push(bytes.subarray(line + 2, end - 2))
    at = end
  }
}
