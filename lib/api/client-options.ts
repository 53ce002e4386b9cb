/** The options of the API client: what users may set, their defaults, and the checks. No message shows a secret. */
import { checkSecret, checkUsername, checkWholeNumber, MAX_TIMER_MS, show } from '../checks'
import { invalidOption } from '../errors'

/** Give either `environment` or `baseUrl`. An option that is `undefined` counts as absent. */
export interface TradecloudClientOptions {
  /** Tradecloud's own base URL of that environment. Default: none. */
  environment?: 'production' | 'acceptance' | undefined
  /**
   * Another base URL, as in `https://api.example.com/v2`: `https`, or `http` to this machine (`localhost`,
   * `127.0.0.0/8`, `[::1]`); without user, query or hash. Default: none.
   */
  baseUrl?: string | undefined
  /** Of a Tradecloud user. Missing, empty or with white space at an edge throws. Default: none, it is required. */
  username: string | undefined
  /** Missing, empty or with white space at an edge throws. Default: none, it is required. */
  password: string | undefined
  /** For one request, from its start to the end of its answer, in milliseconds. Default: 5,000. */
  requestTimeoutMs?: number | undefined
  /** For one call with all its retries, logins and waits, in milliseconds. Default: 20,000. */
  fetchTimeoutMs?: number | undefined
  /** Largest answer after decompression, in bytes. Default: 67,108,864 (64 MiB). */
  maxResponseBytes?: number | undefined
}

/** All options with their defaults in. Holds secrets: only for private fields. */
export interface ResolvedClientOptions {
  /** Ends without a slash. */
  baseUrl: string
  username: string
  password: string
  requestTimeoutMs: number
  fetchTimeoutMs: number
  maxResponseBytes: number
}

const BASE_URLS = {
  production: 'https://api.tradecloud1.com/v2',
  acceptance: 'https://api.accp.tradecloud1.com/v2',
}
const DEFAULTS = { requestTimeoutMs: 5_000, fetchTimeoutMs: 20_000, maxResponseBytes: 64 * 1024 * 1024 }
const KNOWN = ['environment', 'baseUrl', 'username', 'password', ...Object.keys(DEFAULTS)]

export function resolveClientOptions(options: TradecloudClientOptions): ResolvedClientOptions {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null) {
    throw invalidOption('options', 'is missing: new TradecloudClient({ environment, username, password })')
  }
  const entries: Array<[string, unknown]> = Object.entries(options)
  const given = Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  const unknown = Object.keys(given).find((key) => !KNOWN.includes(key))
  if (unknown !== undefined) throw invalidOption(unknown, `is not known; known are ${KNOWN.join(', ')}`)
  const username = checkSecret('username', given.username)
  if (username.includes(':')) {
    throw invalidOption('username', 'holds a colon, which Basic credentials cannot carry (RFC 7617)')
  }
  const numbers = { ...DEFAULTS, ...given }
  return {
    baseUrl: resolveBaseUrl(given.environment, given.baseUrl),
    username: checkUsername('username', given.username),
    password: checkSecret('password', given.password),
    requestTimeoutMs: checkWholeNumber('requestTimeoutMs', numbers.requestTimeoutMs, 1, MAX_TIMER_MS),
    fetchTimeoutMs: checkWholeNumber('fetchTimeoutMs', numbers.fetchTimeoutMs, 1, MAX_TIMER_MS),
    maxResponseBytes: checkWholeNumber('maxResponseBytes', numbers.maxResponseBytes, 1, Number.MAX_SAFE_INTEGER),
  }
}

function resolveBaseUrl(environment: unknown, baseUrl: unknown): string {
  if (environment !== undefined && baseUrl !== undefined) {
    throw invalidOption('baseUrl', 'cannot stand beside `environment`: give one of them')
  }
  if (environment === undefined && baseUrl === undefined) {
    throw invalidOption('environment', "is missing: 'production' or 'acceptance', or a `baseUrl` instead")
  }
  if (environment !== undefined) {
    if (environment !== 'production' && environment !== 'acceptance') {
      throw invalidOption('environment', `is ${show(environment)}; allowed are 'production' and 'acceptance'`)
    }
    return BASE_URLS[environment]
  }
  return checkBaseUrl(baseUrl)
}

/** Never quotes the value: a mistaken one may hold a password. */
function checkBaseUrl(value: unknown): string {
  if (typeof value !== 'string' || !URL.canParse(value)) {
    throw invalidOption('baseUrl', 'is not a URL; expected is one as in https://api.example.com/v2')
  }
  const { protocol, hostname, username, password, href } = new URL(value)
  if (username !== '' || password !== '') {
    throw invalidOption('baseUrl', 'holds a user: put it into `username` and `password`')
  }
  // An empty query or hash is absent from `search` and `hash`, and would still swallow the path behind it.
  if (/[?#]/.test(href)) throw invalidOption('baseUrl', 'holds a query or a hash, and a path is put behind it')
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) {
    throw invalidOption('baseUrl', 'must be https (http only to this machine): over http the password could be read')
  }
  return href.replace(/\/+$/, '')
}

/** Of a parsed URL, where any spelling of an IPv4 address has become four numbers. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
