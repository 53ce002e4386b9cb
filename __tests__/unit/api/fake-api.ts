/**
 * A small API on a real socket, for tests of the client. It issues tokens, knows any ID, and can be told how to respond
 * to the next requests.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TradecloudApiError, TradecloudClient, type TradecloudClientOptions } from '../../../lib/api'
import { RateLimit } from '../../../lib/api/rate-limit'
import { startClock, type Clock } from '../../clock'

export { until } from '../../wait'

export const USERNAME = 'canary-user@example.com'
export const PASSWORD = 'canary-päßword:with-colon'

export type Endpoint = 'login' | 'refresh' | 'logout' | 'order' | 'shipment' | 'poll' | 'metadata' | 'document'
export type Script = (req: IncomingMessage, res: ServerResponse) => void

export interface Seen {
  endpoint: Endpoint | undefined
  method: string
  url: string
  headers: IncomingMessage['headers']
  /** When the request arrived, on the clock of `performance.now()`. */
  at: number
}

export class FakeApi {
  readonly seen: Seen[] = []
  /** Lifetime of the access tokens, which are JWTs, in milliseconds. `undefined`: access tokens are not JWTs. */
  tokenLifetimeMs: number | undefined = 3_600_000
  accessTokens = new Set<string>()
  refreshTokens = new Set<string>()
  readonly #scripts: Array<{ endpoint: Endpoint; script: Script; always: boolean }> = []
  readonly #server: Server
  #issued = 0

  constructor() {
    this.#server = createServer((req, res) => {
      const endpoint = endpointOf(req)
      this.seen.push({
        endpoint,
        method: req.method ?? '',
        url: req.url ?? '',
        headers: req.headers,
        at: performance.now(),
      })
      const i = this.#scripts.findIndex((entry) => entry.endpoint === endpoint)
      const entry = this.#scripts[i]
      if (entry && !entry.always) this.#scripts.splice(i, 1)
      if (entry) entry.script(req, res)
      else this.serve(endpoint, req, res)
      req.resume()
    })
  }

  async start(): Promise<this> {
    // The server keeps connections open, because the client has to close them.
    this.#server.keepAliveTimeout = 0
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  connections(): Promise<number> {
    return new Promise((resolve) => this.#server.getConnections((_error, count) => resolve(count)))
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v2`
  }

  /** Sets how to respond to the next requests of an endpoint, one script per request. */
  next(endpoint: Endpoint, ...scripts: Script[]): void {
    for (const script of scripts) this.#scripts.push({ endpoint, script, always: false })
  }

  /** Sets how to respond to the next request of an endpoint. Scripts that were set earlier are used after this one. */
  first(endpoint: Endpoint, script: Script): void {
    this.#scripts.unshift({ endpoint, script, always: false })
  }

  always(endpoint: Endpoint, script: Script): void {
    this.#scripts.push({ endpoint, script, always: true })
  }

  count(endpoint: Endpoint): number {
    return this.seen.filter((request) => request.endpoint === endpoint).length
  }

  /** Sends the normal response. */
  serve(endpoint: Endpoint | undefined, req: IncomingMessage, res: ServerResponse): void {
    const refreshToken = String(req.headers['refresh-token'])
    if (endpoint === 'login') {
      const expected = `Basic ${Buffer.from(`${USERNAME}:${PASSWORD}`).toString('base64')}`
      if (req.headers.authorization === expected) this.#giveTokens(res)
      else res.writeHead(401).end()
    } else if (endpoint === 'refresh' || endpoint === 'logout') {
      const known = req.headers.authorization === undefined && this.refreshTokens.delete(refreshToken)
      if (!known) res.writeHead(401).end()
      else if (endpoint === 'refresh') this.#giveTokens(res)
      else res.end()
    } else if (endpoint === undefined || endpoint === 'document') {
      res.writeHead(404).end()
    } else if (!this.accessTokens.has(req.headers.authorization?.replace('Bearer ', '') ?? '')) {
      res.writeHead(401).end()
    } else {
      res.end(JSON.stringify({ id: decodeURIComponent(String(req.url).split('/').at(-1) ?? '') }))
    }
  }

  #giveTokens(res: ServerResponse): void {
    const accessToken = this.#accessToken()
    const refreshToken = `canary-refresh-${++this.#issued}`
    // When a new refresh token is issued, the old one expires.
    this.refreshTokens = new Set([refreshToken])
    this.accessTokens.add(accessToken)
    res.setHeader('Set-Authorization', accessToken).setHeader('Set-Refresh-Token', refreshToken).end('{}')
  }

  #accessToken(): string {
    const name = `canary-access-${++this.#issued}`
    if (this.tokenLifetimeMs === undefined) return name
    const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url')
    return `${part({ alg: 'none' })}.${part({ exp: (Date.now() + this.tokenLifetimeMs) / 1000, jti: name })}.${name}`
  }
}

function endpointOf({ method = '', url = '' }: IncomingMessage): Endpoint | undefined {
  const rest = url.startsWith('/v2/') ? `${method} ${url.slice(3)}` : ''
  const login = /^GET \/authentication\/(login|refresh)$/.exec(rest) ?? /^POST \/authentication\/(logout)$/.exec(rest)
  if (/^POST \/(order-search|shipment)\/poll/.test(rest)) return 'poll'
  if (/^GET \/object-storage\/document\/[^/]+\/metadata$/.test(rest)) return 'metadata'
  if (/^GET \/object-storage\/document\/[^/]+$/.test(rest)) return 'document'
  return (login ?? /^GET \/(order|shipment)\/[^/]+$/.exec(rest))?.[1] as Endpoint | undefined
}

export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Script =>
  (_req, res) =>
    res.writeHead(code, headers).end(body)

export const body =
  (text: string | Buffer, headers: Record<string, string> = {}): Script =>
  (_req, res) =>
    res.writeHead(200, headers).end(text)

export const reset: Script = (req) => req.socket.destroy()

export const hang: Script = () => undefined

/** Sends the headers at once, then one byte every 10 ms. */
export const drip: Script = (_req, res) => {
  res.writeHead(200, { 'Content-Type': 'application/json' })
  res.write('{')
  const timer = setInterval(() => res.write(' '), 10)
  res.on('close', () => clearInterval(timer))
}

interface SetUp {
  api: () => FakeApi
  client: (options?: Partial<TradecloudClientOptions>) => TradecloudClient
}

/**
 * Starts a server and a clock for each test, and ends them and the test's clients afterwards. The time limit of a
 * request is long, because few tests are about it. `realTime` is for tests with large compressed bodies.
 */
export function setUp({ realTime = false } = {}): SetUp {
  let api: FakeApi
  let clock: Clock | undefined
  let clients: TradecloudClient[]
  beforeEach(async () => {
    clients = []
    api = await new FakeApi().start()
    clock = realTime ? undefined : startClock()
  })
  afterEach(async () => {
    jest.restoreAllMocks()
    await Promise.all(clients.map((client) => client.close()))
    clock?.stop()
    await api.stop()
  })
  return {
    api: () => api,
    client: (options = {}) => {
      const { baseUrl } = api
      const login = 'credentials' in options ? {} : { username: USERNAME, password: PASSWORD }
      const given = { baseUrl, ...login, requestTimeoutMs: 20_000, ...options }
      // Most tests use a client without a rate limit, because a limit would only slow them down.
      const limited = options.requestsPerSecond !== undefined || options.parallelRequests !== undefined
      const made = limited ? new TradecloudClient(given) : new TradecloudClient(given, new RateLimit(Infinity))
      clients.push(made)
      return made
    },
  }
}

/** Makes retries happen without delay, for tests that are not about waiting. */
export function withoutJitter(): void {
  jest.spyOn(Math, 'random').mockReturnValue(0)
}

export async function errorOf(promise: Promise<unknown>): Promise<TradecloudApiError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(TradecloudApiError)
  return error as TradecloudApiError
}

/** The largest number of requests within any sliding second, both ends included. */
export function busiestSecond(seen: Seen[]): number {
  const times = seen.map(({ at }) => at).sort((one, other) => one - other)
  let first = 0
  return times.reduce((busiest, time, i) => {
    while (time - (times[first] ?? time) > 1_000) first++
    return Math.max(busiest, i - first + 1)
  }, 0)
}
