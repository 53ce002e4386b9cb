/**
 * One HTTP request, to the API or for a document, and its outcome. The only file that uses axios. Callers get no axios
 * error, because it contains the credentials of the request.
 */
import type { Agent as HttpsAgent } from 'node:https'
import type { Readable } from 'node:stream'
import type { AxiosRequestConfig, AxiosStatic } from 'axios'
import { debugApi } from '../log/debug'
import { quote } from '../bytes/quote'
import { restartTimer, startTimer } from '../wait/timers'
import { agentsOf, type Agents } from './agents'
import { outcomeOf, type NoAnswer, type OpenOutcome, type ApiOutcome } from './outcome'
import { readBody, sizeOf } from './read-body'

export interface ApiRequest {
  method: 'GET' | 'POST'
  /** Starts with a slash and is already escaped. It is appended to the base URL. */
  path: string
  headers: Record<string, string>
  /** JSON text. Default: no body. */
  body?: string | undefined
}

export interface TransportOptions {
  baseUrl: string
  requestTimeoutMs: number
  maxResponseBytes: number
  /** Replaces our own https agent; is not destroyed. */
  httpsAgent?: HttpsAgent | undefined
  proxy?: string | undefined
}

type Axios = InstanceType<AxiosStatic['Axios']>

/** The time limit of a running request. */
interface Limit {
  signal: AbortSignal
  /** Called when a chunk of the body has arrived: starts the limit anew. */
  restart: () => void
  /** True once the headers of a 200 have arrived: a later time-out means that the body has stalled. */
  stalled: boolean
}

const USER_AGENT = 'tradecloud-webhook'
const TIMED_OUT = 'timed out'
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

  /**
   * Sends the request once. `requestTimeoutMs` limits the wait for the headers, and then for each chunk of the body of
   * a 200. Without a `signal`, nothing else could abort a slow response, so `requestTimeoutMs` limits the whole
   * request. Never rejects.
   */
  async send(request: ApiRequest, signal?: AbortSignal): Promise<ApiOutcome> {
    const started = performance.now()
    const outcome = await this.#within(signal, async (axios, limit) => {
      const { status, headers, data } = await axios.request<Readable>({
        ...this.#configOf(request),
        signal: limit.signal,
      })
      const answer = { type: 'answer' as const, status, headers: copyOf(headers) }
      const useful = status === 200
      limit.stalled = useful
      const body = await readBody(data, this.#options.maxResponseBytes, () => {
        if (useful && signal) limit.restart()
      }).catch((error: unknown) => {
        // The body of an error response is not needed: if it cannot be read, an empty body is returned.
        if (useful || signal?.aborted || this.#closed) throw error
        return Buffer.alloc(0)
      })
      return { ...answer, body }
    })
    const result = outcome.type === 'answer' ? outcome.status : outcome.type
    const ms = Math.round(performance.now() - started)
    debugApi('%s %s: %s after %d ms', request.method, quote(request.path), result, ms)
    return outcome
  }

  /** Aborts all running requests; later requests get the outcome `aborted`. */
  close(): void {
    this.#closed = true
    for (const controller of this.#running) controller.abort()
    this.#agents.httpAgent.destroy()
    this.#documentAgent?.destroy()
    if (this.#options.httpsAgent === undefined) this.#agents.httpsAgent.destroy()
  }

  /**
   * Like `openApi`, but for a URL on another host, and without a token. The URL itself may be a secret. `chosenBy` is
   * `'tradecloud'` for the links in Tradecloud's metadata. If another company chose the URL, it is opened only if all
   * addresses of its host are public. The caller must have checked that such a URL is https: the addresses of an http
   * host would not be checked.
   */
  open(url: string, signal: AbortSignal, chosenBy: 'tradecloud' | 'another-company'): Promise<OpenOutcome> {
    const config = {
      ...this.#common(),
      ...(chosenBy === 'tradecloud' ? {} : { httpsAgent: this.#agentForDocuments() }),
      url,
      headers: { Accept: '*/*', 'User-Agent': USER_AGENT },
    }
    return this.#open(
      config,
      signal,
      chosenBy === 'tradecloud' ? 'a link' : `a document of ${quote(new URL(url).host)}`,
    )
  }

  /**
   * Sends the request once, and waits only for the headers, for at most `requestTimeoutMs`. The signal also aborts the
   * body. Never rejects.
   */
  openApi(request: ApiRequest, signal: AbortSignal): Promise<OpenOutcome> {
    return this.#open(this.#configOf(request, '*/*'), signal, quote(request.path))
  }

  async #open(config: AxiosRequestConfig, signal: AbortSignal, what: string): Promise<OpenOutcome> {
    const outcome = await this.#within(signal, async (axios, limit) => {
      const { data: body, status, headers } = await axios.request<Readable>({ ...config, signal: limit.signal })
      // Added at once, because the body may fail before the caller adds a listener of its own.
      body.on('error', () => undefined)
      if (signal.aborted) body.destroy()
      else {
        const abort = () => body.destroy()
        signal.addEventListener('abort', abort, { once: true })
        body.once('close', () => signal.removeEventListener('abort', abort))
      }
      return { type: 'open' as const, status, headers: copyOf(headers), body, size: sizeOf(body) }
    })
    debugApi('GET %s: %s', what, outcome.type === 'open' ? outcome.status : outcome.type)
    return outcome
  }

  #agentForDocuments(): HttpsAgent {
    const { documentAgent } = require('./document-agent') as typeof import('./document-agent')
    return (this.#documentAgent ??= documentAgent(this.#options))
  }

  async #within<T>(
    signal: AbortSignal | undefined,
    request: (axios: Axios, limit: Limit) => Promise<T>,
  ): Promise<T | NoAnswer> {
    if (this.#closed || signal?.aborted) return { type: 'aborted' }
    const timeoutMs = this.#options.requestTimeoutMs
    const controller = new AbortController()
    const onTime = () => controller.abort(TIMED_OUT)
    let timer = startTimer(onTime, timeoutMs)
    const restart = () => {
      timer = restartTimer(timer, onTime, timeoutMs)
    }
    const limit: Limit = { signal: controller.signal, restart, stalled: false }
    const abort = () => controller.abort()
    signal?.addEventListener('abort', abort, { once: true })
    this.#running.add(controller)
    try {
      this.#axios ??= loadAxios()
      return await request(this.#axios, limit)
    } catch (error) {
      if (!controller.signal.aborted) return outcomeOf(error)
      const { stalled } = limit
      return controller.signal.reason === TIMED_OUT ? { type: 'timeout', timeoutMs, stalled } : { type: 'aborted' }
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      this.#running.delete(controller)
    }
  }

  #configOf({ method, path, headers, body }: ApiRequest, accept = 'application/json'): AxiosRequestConfig {
    // With `false`, axios adds no content type to a POST without a body.
    const contentType = body === undefined ? false : 'application/json'
    return {
      ...this.#common(),
      method,
      baseURL: this.#options.baseUrl,
      url: path,
      allowAbsoluteUrls: false,
      headers: {
        Accept: accept,
        'User-Agent': USER_AGENT,
        'Content-Type': contentType,
        ...headers,
      },
      data: body,
    }
  }

  #common() {
    return {
      adapter: 'http' as const,
      responseType: 'stream' as const,
      maxRedirects: 0,
      // axios must ignore the environment variables for proxies. The configured proxy is in the agents.
      proxy: false as const,
      validateStatus: () => true,
      ...this.#agents,
    }
  }
}

/**
 * axios is loaded lazily, because it is slow to load and not every webhook fetches. It is loaded with `require`,
 * because a dynamic `import` needs a flag in Jest. The client has an instance of its own: the defaults and interceptors
 * of the app's axios must not see our tokens.
 */
function loadAxios(): Axios {
  const axios = require('axios') as AxiosStatic
  return new axios.Axios({})
}

function copyOf(headers: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers))
}
