/**
 * Simulates Tradecloud in front of a proxy: TLS, with HTTP/1.1 on a bare connection or with HTTP/2. No HTTP client
 * corrects the requests.
 */
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { atEnd } from '../faults/receiver-process'
import { pause } from '../integration/harness'
import { encodeRequest, RawConnection, type Loose } from '../integration/raw-http'
import { HOST, type Protocol, type Proxy } from './proxies'

export interface SentRequest {
  method?: string
  path: string
  headers?: Record<string, string>
  body?: Uint8Array
  /** Sends the body without a length. */
  chunked?: boolean
  /** Stops after the first bytes of the body. */
  stallsAfter?: number
  /** Sends the body slowly, in small pieces. */
  slowly?: { pieces: number; everyMs: number }
}

export interface Answer {
  /** `'broken'`: the connection ended without a response. */
  status: number | 'broken'
  headers: Record<string, string>
  text: string
  json: Loose
  interim: number[]
}

export const authorization = 'Bearer proxies'

/**
 * A connection to a proxy. If it was closed, the next request opens a new one. With HTTP/1.1, it takes one request at a
 * time.
 */
export interface Connection {
  send: (request: SentRequest) => Promise<Answer>
  destroy: () => void
}

export interface ConnectionOptions {
  /** Address of the sender. Default: 127.0.0.1. */
  from?: string
  host?: string
}

export function openConnection(proxy: Proxy, protocol: Protocol, options: ConnectionOptions = {}): Connection {
  const connection = protocol === 'HTTP/2' ? new Http2(proxy, options) : new Http1(proxy, options)
  atEnd(async () => connection.destroy())
  return connection
}

export async function send(
  proxy: Proxy,
  protocol: Protocol,
  request: SentRequest,
  options?: ConnectionOptions,
): Promise<Answer> {
  const connection = openConnection(proxy, protocol, options)
  try {
    return await connection.send(request)
  } finally {
    connection.destroy()
  }
}

export function openTls(
  { port, certificate }: Proxy,
  protocols: string[],
  { from }: ConnectionOptions = {},
): TLSSocket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, localAddress: from ?? '127.0.0.1' })
  // The error is ignored here, because the TLS socket reports errors too.
  socket.on('error', () => undefined)
  return connectTls({ socket, servername: HOST, ca: certificate, ALPNProtocols: protocols })
}

function headersOf({ headers }: SentRequest): Record<string, string> {
  const { authorization: given = authorization, ...others } = headers ?? {}
  return { ...(given && { authorization: given }), ...others }
}

class Http1 implements Connection {
  #connection: RawConnection | undefined
  readonly #open: () => RawConnection
  readonly #host: string

  constructor(proxy: Proxy, options: ConnectionOptions) {
    this.#open = () => new RawConnection(openTls(proxy, ['http/1.1'], options))
    this.#host = options.host ?? HOST
  }

  async send(request: SentRequest): Promise<Answer> {
    if (this.#connection?.closed) this.destroy()
    const connection = (this.#connection ??= this.#open())
    const { method = 'GET', path, body, chunked } = request
    const headers = { Host: this.#host, ...headersOf(request) }
    const payload = chunked && body ? { chunks: divide(body, 64 * 1024) } : { body }
    const { head, whole } = encodeRequest({ method, path, headers, ...payload })
    const answered = connection.answer({ timeoutMs: 100_000 })
    connection.write(head)
    void upload(whole.subarray(head.length), request, (bytes) => connection.write(bytes))
    try {
      const answer = await answered
      if (answer.headers.connection?.toLowerCase() === 'close') this.destroy()
      return answer
    } catch (error) {
      this.destroy()
      return broken(error)
    }
  }

  destroy(): void {
    this.#connection?.destroy()
    this.#connection = undefined
  }
}

class Http2 implements Connection {
  #session: ClientHttp2Session | undefined
  readonly #open: () => ClientHttp2Session
  readonly #host: string

  constructor(proxy: Proxy, options: ConnectionOptions) {
    this.#host = options.host ?? HOST
    this.#open = () => {
      const session = connectHttp2(`https://${HOST}:${proxy.port}`, {
        createConnection: () => openTls(proxy, ['h2'], options),
        // Limit in megabytes. Node reads no response while more than this is waiting to be sent.
        maxSessionMemory: 1000,
        maxSendHeaderBlockLength: 1_000_000,
      })
      return session.on('error', () => undefined)
    }
  }

  async send(request: SentRequest): Promise<Answer> {
    const { method = 'GET', path, body, chunked } = request
    if (this.#session?.closed || this.#session?.destroyed) this.destroy()
    const session = (this.#session ??= this.#open())
    try {
      const length = body && !chunked ? { 'content-length': String(body.length) } : {}
      const pseudo = { ':method': method, ':path': path, ':authority': this.#host }
      const stream = session.request({ ...pseudo, ...length, ...headersOf(request) }, { endStream: !body })
      const answered = read(stream)
      if (body) void upload(body, request, (bytes) => stream.write(bytes)).then((isWhole) => isWhole && stream.end())
      return await answered
    } catch (error) {
      return broken(error)
    }
  }

  destroy(): void {
    this.#session?.destroy()
    this.#session = undefined
  }
}

function read(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const answer: Answer = { status: 'broken', headers: {}, text: '', json: undefined, interim: [] }
    stream.on('headers', (headers) => answer.interim.push(Number(headers[':status'])))
    stream.on('response', ({ ':status': status, ...headers }) => {
      answer.status = status!
      // Copies the headers without the symbol that Node adds to them.
      answer.headers = Object.fromEntries(Object.entries(headers)) as Record<string, string>
    })
    stream.setEncoding('utf8').on('data', (text: string) => (answer.text += text))
    stream.on('end', () => {
      if (answer.headers['content-type']?.includes('json')) answer.json = JSON.parse(answer.text)
      if (answer.status !== 'broken') resolve(answer)
      stream.close()
    })
    // After a response, the proxy may reset the connection instead of reading the rest of the body.
    const ended = (error = new Error('no answer')): void =>
      answer.status === 'broken' ? reject(error) : resolve(answer)
    stream.on('error', ended).on('close', () => ended())
  })
}

function broken(error: unknown): Answer {
  return { status: 'broken', headers: {}, text: String(error), json: undefined, interim: [] }
}

/** Sends a body, and resolves with whether all of it was sent. */
async function upload(
  body: Uint8Array,
  { stallsAfter, slowly }: SentRequest,
  write: (bytes: Uint8Array) => void,
): Promise<boolean> {
  if (slowly) {
    for (const piece of divide(body, Math.ceil(body.length / slowly.pieces))) {
      write(piece)
      await pause(slowly.everyMs)
    }
  } else write(body.subarray(0, stallsAfter))
  return stallsAfter === undefined
}

function divide(body: Uint8Array, length: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < body.length; at += length) pieces.push(body.subarray(at, at + length))
  return pieces
}
