/** The options of the API client, their defaults and their checks. No message shows a secret. */
import { Agent } from 'node:https'
import { checkSecret, checkUsername, checkWholeNumber, givenOptions, MAX_TIMER_MS, show } from '../errors/checks'
import { invalidOption } from '../errors/errors'
import { isSecure } from '../net/loopback'
import { isPlainAgent } from './agents'
import type { Credentials, CredentialsFunction } from './credentials'
import { resolveDocumentHosts } from './document-url'

/** Give either `environment` or `baseUrl`. An option that is `undefined` counts as absent. */
export interface TradecloudClientOptions {
  /** Uses the base URL of this environment of Tradecloud. Default: none. */
  environment?: 'production' | 'acceptance' | undefined
  /**
   * Another base URL, such as `https://api.example.com/v2`, without user, query or hash. It must use `https`; `http` is
   * allowed only for this machine (`localhost`, `127.0.0.0/8`, `[::1]`). Default: none.
   */
  baseUrl?: string | undefined
  /**
   * User name of a Tradecloud user. The client cannot be created if the name is missing or empty, contains a colon, or
   * starts or ends with white space. Not needed with `credentials`. Default: none.
   */
  username?: string | undefined
  /**
   * Password of the user. Like the name, it must not be empty, or start or end with white space. Not needed with
   * `credentials`. Default: none.
   */
  password?: string | undefined
  /**
   * Returns user name and password, for example from a vault; replaces the options `username` and `password`. Called
   * before each login, so that a changed password needs no restart. If it throws, rejects, or returns nothing valid
   * within `requestTimeoutMs`, it is called again until the deadline of the call. What it threw or returned is never
   * shown. Default: none.
   */
  credentials?: (() => Credentials | Promise<Credentials>) | undefined
  /**
   * How long one request waits for the headers of its response, and then for each chunk of the body, in milliseconds.
   * The whole of a large response may take longer, up to `fetchTimeoutMs`. Default: 5,000.
   */
  requestTimeoutMs?: number | undefined
  /**
   * Time limit of one call, including its retries, logins and waits, in milliseconds. For a poll, the limit of each
   * page. Default: 20,000.
   */
  fetchTimeoutMs?: number | undefined
  /**
   * Largest response after decompression, in bytes. A larger page of a poll is requested again with a smaller `limit`.
   * Default: 67,108,864 (64 MiB).
   */
  maxResponseBytes?: number | undefined
  /**
   * Highest number of requests to the API in any second, over all calls of this client, including logins and retries: 1
   * to 10, which is the most that Tradecloud allows. Further requests wait: logins go first, and the others follow in
   * order of arrival. The wait counts towards `fetchTimeoutMs`. Set a lower value if other programs use the same
   * Tradecloud user. Default: 10.
   */
  requestsPerSecond?: number | undefined
  /**
   * Highest number of concurrent requests to the API, over all calls of this client, including logins and retries: 1 to
   * 10; 1 sends them one after another. A request counts until the last byte of its response has arrived. A request for
   * the content of a document counts only until the headers have arrived. Concurrent requests are harmless: this client
   * only reads, and never sends two requests for the same order or shipment at a time. Default: 10.
   */
  parallelRequests?: number | undefined
  /**
   * How long to repeat the request for an order or shipment that the API does not know, in milliseconds. A trigger can
   * arrive before the API knows the order or shipment. 0: no retry. Default: 2,000.
   */
  notFoundRetryMs?: number | undefined
  /** Largest document for `downloadDocument`, after decompression, in bytes. Default: 104,857,600 (100 MiB). */
  maxDocumentBytes?: number | undefined
  /**
   * Time limit for the content of a document, from the headers to the end of the stream, in milliseconds. It also
   * applies to a stream that is never read. Default: 60,000.
   */
  downloadTimeoutMs?: number | undefined
  /**
   * Hosts from which `downloadDocument` may fetch a document's `url`, which another company chose. Each entry is a
   * name, such as `files.example.com`. A port other than 443 follows the name, as in `files.example.com:8443`. No
   * wildcards, no subdomains. As seen from this machine, a host must have only public addresses. With `proxy`, the
   * client asks the proxy to connect to the address that was checked. An `httpsAgent` must be a plain `Agent` of
   * `node:https`, because a subclass might connect elsewhere. Of this agent, only the certificate authorities,
   * revocation lists, TLS versions and algorithms are used. Default: none; documents with only a `url` are refused.
   */
  documentHosts?: readonly string[] | undefined
  /**
   * URL of an http proxy, such as `http://user:password@proxy.example.com:3128`, for all requests of this client: to
   * the API and to the links of documents. The proxy must support `CONNECT`. TLS is end to end, so the proxy sees only
   * hosts and ports. The user name and password of the proxy are sent to the proxy unencrypted. A connection to the
   * proxy over https is not supported. Environment variables such as `HTTPS_PROXY` are ignored. Default: none.
   */
  proxy?: string | undefined
  /**
   * Replaces the client's own https agent, for example with one that trusts a private certificate authority, or with a
   * proxy agent. Cannot be combined with `proxy`. Should keep connections alive. `close()` does not destroy it.
   * Default: none.
   */
  httpsAgent?: Agent | undefined
}

/** The options with defaults applied. They contain secrets, so keep them only in private fields. */
export interface ResolvedClientOptions {
  /** Never ends with a slash. */
  baseUrl: string
  credentials: CredentialsFunction
  requestTimeoutMs: number
  fetchTimeoutMs: number
  maxResponseBytes: number
  requestsPerSecond: number
  parallelRequests: number
  notFoundRetryMs: number
  maxDocumentBytes: number
  downloadTimeoutMs: number
  documentHosts: ReadonlySet<string>
  proxy: string | undefined
  httpsAgent: Agent | undefined
}

const BASE_URLS = {
  production: 'https://api.tradecloud1.com/v2',
  acceptance: 'https://api.accp.tradecloud1.com/v2',
}
const DEFAULTS = {
  requestTimeoutMs: 5_000,
  fetchTimeoutMs: 20_000,
  maxResponseBytes: 64 * 1024 * 1024,
  requestsPerSecond: 10,
  parallelRequests: 10,
  notFoundRetryMs: 2_000,
  maxDocumentBytes: 100 * 1024 * 1024,
  downloadTimeoutMs: 60_000,
}
const OTHERS = ['environment', 'baseUrl', 'username', 'password', 'credentials', 'documentHosts', 'proxy', 'httpsAgent']
const KNOWN = [...OTHERS, ...Object.keys(DEFAULTS)]

/** Returns the full name of an option, for errors. */
type At = (name: string) => string

/** `path` is the option that contains `options`, such as `api`; empty for a client that the user creates. */
export function resolveClientOptions(options: TradecloudClientOptions, path = ''): ResolvedClientOptions {
  const given = givenOptions(options, KNOWN, 'new TradecloudClient({ environment, username, password })', path)
  const at: At = (name) => (path === '' ? name : `${path}.${name}`)
  const numbers = { ...DEFAULTS, ...given }
  const documentHosts = resolveDocumentHosts(given.documentHosts, at('documentHosts'))
  return {
    baseUrl: resolveBaseUrl(at, given.environment, given.baseUrl),
    credentials: resolveCredentials(at, given.username, given.password, given.credentials),
    requestTimeoutMs: checkWholeNumber(at('requestTimeoutMs'), numbers.requestTimeoutMs, 1, MAX_TIMER_MS),
    fetchTimeoutMs: checkWholeNumber(at('fetchTimeoutMs'), numbers.fetchTimeoutMs, 1, MAX_TIMER_MS),
    maxResponseBytes: checkWholeNumber(at('maxResponseBytes'), numbers.maxResponseBytes, 1, Number.MAX_SAFE_INTEGER),
    requestsPerSecond: checkWholeNumber(at('requestsPerSecond'), numbers.requestsPerSecond, 1, 10),
    parallelRequests: checkWholeNumber(at('parallelRequests'), numbers.parallelRequests, 1, 10),
    notFoundRetryMs: checkWholeNumber(at('notFoundRetryMs'), numbers.notFoundRetryMs, 0, MAX_TIMER_MS),
    maxDocumentBytes: checkWholeNumber(at('maxDocumentBytes'), numbers.maxDocumentBytes, 1, Number.MAX_SAFE_INTEGER),
    downloadTimeoutMs: checkWholeNumber(at('downloadTimeoutMs'), numbers.downloadTimeoutMs, 1, MAX_TIMER_MS),
    documentHosts,
    ...resolveWay(at, given.proxy, given.httpsAgent, documentHosts.size > 0),
  }
}

function resolveCredentials(at: At, username: unknown, password: unknown, credentials: unknown): CredentialsFunction {
  if (credentials !== undefined) {
    if (typeof credentials !== 'function')
      throw invalidOption(at('credentials'), 'is not a function that returns { username, password }')
    const beside = username !== undefined ? 'username' : 'password'
    if (username !== undefined || password !== undefined)
      throw invalidOption(at(beside), 'cannot be combined with `credentials`')
    return credentials as CredentialsFunction
  }
  const pair = { username: checkUsername(at('username'), username), password: checkSecret(at('password'), password) }
  return () => pair
}

/** Never quotes the proxy: it may contain a password. */
function resolveWay(
  at: At,
  proxy: unknown,
  httpsAgent: unknown,
  documentsElsewhere: boolean,
): Pick<ResolvedClientOptions, 'proxy' | 'httpsAgent'> {
  if (httpsAgent !== undefined) {
    if (proxy !== undefined) throw invalidOption(at('httpsAgent'), 'cannot be combined with `proxy`: set one of them')
    if (!(httpsAgent instanceof Agent)) throw invalidOption(at('httpsAgent'), 'is not an agent of node:https')
    if (documentsElsewhere && !isPlainAgent(httpsAgent)) {
      const problem = 'makes its own connections, which cannot be checked for `documentHosts`: set `proxy` instead'
      throw invalidOption(at('httpsAgent'), problem)
    }
    return { proxy: undefined, httpsAgent }
  }
  if (proxy === undefined) return { proxy: undefined, httpsAgent: undefined }
  const problem = 'is not an http URL; expected one such as http://proxy.example.com:3128'
  if (typeof proxy !== 'string' || !URL.canParse(proxy)) throw invalidOption(at('proxy'), problem)
  const { protocol, pathname, search, hash, username, password } = new URL(proxy)
  if (protocol !== 'http:') throw invalidOption(at('proxy'), problem)
  if (pathname !== '/' || search !== '' || hash !== '')
    throw invalidOption(at('proxy'), 'contains a path, a query or a hash')
  try {
    decodeURIComponent(username + password)
  } catch {
    throw invalidOption(at('proxy'), 'contains a percent sign in its user name or password that is not escaped as %25')
  }
  return { proxy, httpsAgent: undefined }
}

function resolveBaseUrl(at: At, environment: unknown, baseUrl: unknown): string {
  if (environment !== undefined && baseUrl !== undefined) {
    throw invalidOption(at('baseUrl'), 'cannot be combined with `environment`: set one of them')
  }
  if (environment === undefined && baseUrl === undefined) {
    throw invalidOption(at('environment'), "is missing: 'production' or 'acceptance', or a `baseUrl` instead")
  }
  if (environment !== undefined) {
    if (environment !== 'production' && environment !== 'acceptance') {
      throw invalidOption(at('environment'), `is ${show(environment)}; allowed: 'production', 'acceptance'`)
    }
    return BASE_URLS[environment]
  }
  return checkBaseUrl(at('baseUrl'), baseUrl)
}

/** Never quotes the value: it may be a password that was passed by mistake. */
function checkBaseUrl(option: string, value: unknown): string {
  if (typeof value !== 'string' || !URL.canParse(value)) {
    throw invalidOption(option, 'is not a URL; expected one such as https://api.example.com/v2')
  }
  const url = new URL(value)
  const { username, password, href } = url
  if (username !== '' || password !== '') {
    throw invalidOption(option, 'contains a user name: put it into `username` and `password`')
  }
  // With a lone `?` or `#`, `search` and `hash` are empty. But the `?` or `#` would still cut off the path that is
  // appended to the URL.
  if (/[?#]/.test(href)) throw invalidOption(option, 'contains a query or a hash, but a path is appended to it')
  if (!isSecure(url)) {
    throw invalidOption(option, 'must be https (http only to this machine): over http the password could be read')
  }
  return href.replace(/\/+$/, '')
}
