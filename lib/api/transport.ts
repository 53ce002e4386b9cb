/**
 * One HTTP request to the API and what came of it. Alone in knowing axios: nothing of an axios object leaves this file,
 * because its errors carry the credentials of the request.
 */
import { IncomingMessage } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { Readable } from 'node:stream'
import type { AxiosStatic } from 'axios'
import { debugApi } from '../debug'
import { quote } from '../quote'
import { agentsOf, type Agents } from './agents'
import { startTimer } from '../timers'

export interface ApiRequest {
  method: 'GET' | 'POST'
  /** Begins with a slash, goes behind the base URL, and is escaped already. */
  path: string
  headers: Record<string, string>
  /** JSON text. Default: no body. */
  body?: string | undefined
}

export interface Answer {
  type: 'answer'
  status: number
  /** Names in lower case. */
  headers: Record<string, unknown>
  /** Decompressed. */
  body: Buffer
}

export type Outcome =
  | Answer
  /** No whole answer within `timeoutMs`. */
  | { type: 'timeout'; timeoutMs: number }
  /** By the caller's signal or by `close()`. */
  | { type: 'aborted' }
  /** No answer, or a part of one: may work next time. */
  | { type: 'broken'; cause: NodeJS.ErrnoException }
  /** An answer that cannot be read and would be the same next time, or a server that is not to be trusted. */
  | { type: 'unusable'; cause: NodeJS.ErrnoException }

export interface TransportOptions {
  baseUrl: string
  requestTimeoutMs: number
  maxResponseBytes: number
  /** For https instead of our own; stays open. */
  httpsAgent?: HttpsAgent | undefined
  /** Of an http proxy. */
  proxy?: string | undefined
}

/** An answer whose body is still to come. `body` may fail with an error that holds secrets: never pass that on. */
export interface OpenAnswer {
  type: 'open'
  status: number
  headers: Record<string, unknown>
  body: Readable
  /** Of `body`, in bytes, where it is told. */
  size?: number | undefined
}

export type OpenOutcome = OpenAnswer | Outcome

type Axios = InstanceType<AxiosStatic['Axios']>

const TIMED_OUT = 'timed out'
/** Codes that the next attempt would bring again: certificates that do not hold, and bytes that do not decompress. */
const REPEATING = /CERT|UNABLE_TO_VERIFY|^Z_DATA_ERROR/

export class Transport {
  readonly #options: TransportOptions
  readonly #agents: Agents
  #documentAgent: HttpsAgent | undefined
  readonly #running = new Set<AbortController>()
  #axios: Axios | undefined
  #closed = false

  constructor(options: TransportOptions) {
    this.#options = options
    this.#agents = agentsOf(options)
  }

  /** Sends once. Never rejects. */
  async send(request: ApiRequest, signal?: AbortSignal): Promise<Outcome> {
    const started = performance.now()
    const outcome = await this.#send(request, signal)
    const result = outcome.type === 'answer' ? outcome.status : outcome.type
    const ms = Math.round(performance.now() - started)
    debugApi('%s %s: %s after %d ms', request.method, quote(request.path), result, ms)
    return outcome
  }

  /** Ends all requests that run; later ones are `aborted`. */
  close(): void {
    this.#closed = true
    for (const controller of this.#running) controller.abort()
    this.#agents.httpAgent.destroy()
    this.#documentAgent?.destroy()
    if (this.#options.httpsAgent === undefined) this.#agents.httpsAgent.destroy()
  }

  /**
   * Opens another host's URL, without a token; the URL itself may be a secret. Waits for the headers, for at most
   * `requestTimeoutMs`. The signal also ends the body. `chosenBy`: a link is Tradecloud's; a URL of another company is
   * opened over https alone, at public addresses. Never rejects.
   */
  async open(url: string, signal: AbortSignal, chosenBy: 'tradecloud' | 'another-company'): Promise<OpenOutcome> {
    const outcome = await this.#within(signal, async (axios, ownSignal) => {
      const {
        data: body,
        status,
        headers,
      } = await axios.request<Readable>({
        ...this.#common(),
        ...(chosenBy === 'tradecloud' ? {} : { httpsAgent: this.#agentForDocuments() }),
        url,
        headers: { Accept: '*/*', 'User-Agent': 'tradecloud-webhook' },
        responseType: 'stream',
        signal: ownSignal,
      })
      // Whoever listens later would miss a failure that comes before that.
      body.on('error', () => undefined)
      // Decompressed it is another stream, with the header of the compressed length still beside it.
      const length = body instanceof IncomingMessage ? Number(headers['content-length'] ?? NaN) : NaN
      const size = Number.isSafeInteger(length) ? length : undefined
      if (signal.aborted) body.destroy()
      else {
        const abort = () => body.destroy()
        signal.addEventListener('abort', abort, { once: true })
        body.once('close', () => signal.removeEventListener('abort', abort))
      }
      return { type: 'open' as const, status, headers: Object.fromEntries(Object.entries(headers)), body, size }
    })
    const what = chosenBy === 'tradecloud' ? 'a link' : `a document of ${quote(new URL(url).host)}`
    debugApi('GET %s: %s', what, outcome.type === 'open' ? outcome.status : outcome.type)
    return outcome
  }

  /** Made for the first document that lies where another company chose. */
  #agentForDocuments(): HttpsAgent {
    const { documentAgent } = require('./document-agent') as typeof import('./document-agent')
    return (this.#documentAgent ??= documentAgent(this.#options))
  }

  #send(request: ApiRequest, signal: AbortSignal | undefined): Promise<Outcome> {
    return this.#within(signal, async (axios, ownSignal) => {
      const answer = await axios.request<Buffer>(this.#configOf(request, ownSignal))
      return answerOf(answer, answer.data)
    })
  }

  async #within<T>(
    signal: AbortSignal | undefined,
    request: (axios: Axios, signal: AbortSignal) => Promise<T>,
  ): Promise<T | Outcome> {
    if (this.#closed || signal?.aborted) return { type: 'aborted' }
    const timeoutMs = this.#options.requestTimeoutMs
    const controller = new AbortController()
    const timer = startTimer(() => controller.abort(TIMED_OUT), timeoutMs)
    const abort = () => controller.abort()
    signal?.addEventListener('abort', abort, { once: true })
    this.#running.add(controller)
    try {
      this.#axios ??= loadAxios()
      return await request(this.#axios, controller.signal)
    } catch (error) {
      if (!controller.signal.aborted) return outcomeOf(error, this.#options.maxResponseBytes)
      return controller.signal.reason === TIMED_OUT ? { type: 'timeout', timeoutMs } : { type: 'aborted' }
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      this.#running.delete(controller)
    }
  }

  #configOf({ method, path, headers, body }: ApiRequest, signal: AbortSignal) {
    // `false` keeps axios from adding one to a POST without a body.
    const contentType = body === undefined ? false : 'application/json'
    return {
      ...this.#common(),
      method,
      baseURL: this.#options.baseUrl,
      url: path,
      allowAbsoluteUrls: false,
      headers: {
        Accept: 'application/json',
        'User-Agent': 'tradecloud-webhook',
        'Content-Type': contentType,
        ...headers,
      },
      data: body,
      maxContentLength: this.#options.maxResponseBytes,
      responseType: 'arraybuffer' as const,
      signal,
    }
  }

  #common() {
    return {
      adapter: 'http' as const,
      maxRedirects: 0,
      // Nothing out of environment variables. A proxy that was asked for is in the agents.
      proxy: false as const,
      validateStatus: () => true,
      ...this.#agents,
    }
  }
}

/**
 * Loaded at first use: it takes long, and not every webhook fetches. By `require`, as under Jest a dynamic `import`
 * needs a flag. A bare instance: defaults and interceptors that the app gave its own axios must not see our tokens.
 */
function loadAxios(): Axios {
  const axios = require('axios') as AxiosStatic
  return new axios.Axios({})
}

function answerOf({ status, headers }: { status: number; headers: object }, body: Buffer): Answer {
  return { type: 'answer', status, headers: Object.fromEntries(Object.entries(headers)), body }
}

function outcomeOf(error: unknown, maxResponseBytes: number): Outcome {
  const { response } = error as { response?: { status: number; headers: object } }
  // The body broke, but its status already says that it is of no use.
  if (response !== undefined && response.status !== 200) return answerOf(response, Buffer.alloc(0))
  const cause = sanitized(error)
  if (cause.message.startsWith('maxContentLength')) {
    const limit = `the answer is larger than ${maxResponseBytes} bytes (maxResponseBytes)`
    return { type: 'unusable', cause: new Error(limit) }
  }
  return { type: REPEATING.test(cause.code ?? '') ? 'unusable' : 'broken', cause }
}

/** A copy with nothing but name, message and code: an axios error holds request, headers and answer. */
function sanitized(error: unknown): NodeJS.ErrnoException {
  const { name = 'Error', message = '', code } = error as Partial<NodeJS.ErrnoException>
  const text = [message, code].find(Boolean) ?? 'the connection failed'
  const copy: NodeJS.ErrnoException = new Error(text.slice(0, 200))
  Object.defineProperty(copy, 'name', { value: name, configurable: true, writable: true })
  if (code !== undefined) copy.code = code
  return copy
}
