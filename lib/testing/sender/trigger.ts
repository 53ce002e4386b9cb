/**
 * Converts the trigger that a test has described to an HTTP request. Every retry sends the same request, so everything
 * that could differ is determined here once.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { isUint8Array } from 'node:util/types'
import { toTxml } from '../../txml/write'
import { requireKnown, requireOneOf } from '../checks'
import type { SenderRetryOptions } from './retry'

/** Credentials that Tradecloud sends to a webhook. An OAuth access token is sent as `bearer`. */
export type TriggerAuth =
  'none' | { type: 'basic'; username: string; password: string } | { type: 'bearer'; token: string }

/** One call of a webhook: POST or PUT with an event, or GET with an ID in the URL. */
export interface Trigger {
  /**
   * URL of the webhook, `http:` or `https:`. `{orderId}` and `{shipmentId}` are replaced. Everything else is sent as
   * written, without the normalisation of URL libraries. Required.
   */
  url: string
  /** HTTP method. Default: POST with an `event`, GET without one. */
  method?: 'POST' | 'PUT' | 'GET' | undefined
  /**
   * The body: an object is sent in the `format`, a string or Buffer unmodified. Not allowed with GET. Default: no body.
   */
  event?: object | string | undefined
  /**
   * Format in which an object is sent. `'txml'` is available for order and order documents events, see `toTxml`.
   * Default: 'json'.
   */
  format?: 'json' | 'txml' | undefined
  /** Replaces `{orderId}` in the URL. Default: none. */
  orderId?: string | undefined
  /** Replaces `{shipmentId}` in the URL. Default: none. */
  shipmentId?: string | undefined
  /**
   * How an ID is written in the URL: `percent`-encoded, or `raw` as UTF-8 bytes. Which one Tradecloud uses is not
   * documented, so a receiver should support both. Node's own server answers 400 to raw characters outside ASCII before
   * any handler runs. Default: 'percent'.
   */
  idEncoding?: 'percent' | 'raw' | undefined
  /** Credentials to send. Default: 'none'. */
  auth?: TriggerAuth | undefined
  /** Content-Type of the body; `false` omits the header. Default: 'application/json', for tXML 'application/xml'. */
  contentType?: string | false | undefined
  /** Additional headers, which override those of the simulator. Default: none. */
  headers?: Readonly<Record<string, string>> | undefined
  /**
   * Time limit for the complete response, in milliseconds. Default: 60000, the only time limit that Tradecloud has
   * published.
   */
  timeoutMs?: number | undefined
  /** Overrides individual options of the simulator's `retry`. Default: the options of the simulator. */
  retry?: SenderRetryOptions | undefined
  /** When aborted, ends the trigger as `still retrying`, and cancels a running attempt. Default: none. */
  signal?: AbortSignal | undefined
}

export interface TriggerRequest {
  secure: boolean
  hostname: string
  /** Port of the URL; empty for the default port. */
  port: string
  /** Path and query of the request line, one character per byte. */
  path: string
  /** The full URL with the ID inserted, for reports. */
  url: string
  method: 'POST' | 'PUT' | 'GET'
  headers: Record<string, string>
  body: Buffer | undefined
}

const KNOWN = [
  ...['url', 'method', 'event', 'format', 'orderId', 'shipmentId', 'idEncoding', 'auth', 'contentType', 'headers'],
  ...['timeoutMs', 'retry', 'signal'],
]

/** Throws a `TypeError` for a trigger that is contradictory or cannot be sent. */
export function buildRequest(trigger: Trigger): TriggerRequest {
  requireKnown('trigger', trigger, KNOWN)
  const { format = 'json', event, idEncoding = 'percent' } = trigger
  requireOneOf('idEncoding', idEncoding, ['percent', 'raw'])
  requireOneOf('format', format, ['json', 'txml'])
  const body = event === undefined ? undefined : toBytes(event, format)
  const method = trigger.method ?? (body === undefined ? 'GET' : 'POST')
  if (method === 'GET' && body !== undefined) throw new TypeError('a GET trigger has no event: its ID is in the URL')

  const [, scheme, authority, rest] = /^(https?:)\/\/([^/?#]+)([^#]*)/.exec(trigger.url) ?? []
  if (scheme === undefined || authority === undefined || rest === undefined) {
    throw new TypeError(`url must be an http: or https: URL, not '${trigger.url}'`)
  }
  if (authority.includes('@')) throw new TypeError('url must not contain credentials: use auth')
  const filled = fillIds(rest, trigger)
  if (/[\u0000-\u0020\u007f]/.test(filled)) {
    throw new TypeError(`a request line cannot contain white space: '${filled}'`)
  }
  const { hostname, port } = new URL(`${scheme}//${authority}`)
  return {
    secure: scheme === 'https:',
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: Buffer.from(filled.startsWith('/') ? filled : `/${filled}`).toString('latin1'),
    url: `${scheme}//${authority}${filled}`,
    method,
    headers: buildHeaders(trigger, body),
    body,
  }
}

/** The bytes are copied, so that a retry sends the same ones even if the test changes its buffer. */
function toBytes(event: object | string, format: 'json' | 'txml'): Buffer {
  if (isUint8Array(event)) return Buffer.from(event)
  if (typeof event === 'string') return Buffer.from(event)
  return Buffer.from(format === 'txml' ? toTxml(event) : JSON.stringify(event))
}

/**
 * Throws for an ID without its variable in the URL, and for a variable without an ID: the request would differ from
 * what the test intends.
 */
function fillIds(template: string, trigger: Trigger): string {
  for (const name of ['orderId', 'shipmentId'] as const) {
    if ((trigger[name] !== undefined) === template.includes(`{${name}}`)) continue
    throw new TypeError(`${name} and {${name}} in the url belong together: ${String(trigger[name])}, '${trigger.url}'`)
  }
  // All IDs are inserted in one replacement, so that braces inside an ID are not taken for a variable.
  return template.replace(/\{(orderId|shipmentId)\}/g, (_, name: 'orderId' | 'shipmentId') => {
    const id = trigger[name] ?? ''
    return trigger.idEncoding === 'raw' ? id : encodeURIComponent(id)
  })
}

function buildHeaders(trigger: Trigger, body: Buffer | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  const { auth = 'none', contentType = trigger.format === 'txml' ? 'application/xml' : 'application/json' } = trigger
  if (auth !== 'none') headers.Authorization = authorizationOf(auth)
  if (body !== undefined) {
    headers['Content-Length'] = String(body.length)
    if (contentType !== false) headers['Content-Type'] = contentType
  }
  const all = { ...headers, ...trigger.headers }
  for (const [name, value] of Object.entries(all)) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }
  return all
}

export function authorizationOf(auth: Exclude<TriggerAuth, 'none'>): string {
  requireOneOf('auth.type', auth.type, ['basic', 'bearer'])
  requireKnown('auth', auth, auth.type === 'bearer' ? ['type', 'token'] : ['type', 'username', 'password'])
  if (auth.type === 'bearer') return `Bearer ${tokenOf(auth.token)}`
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
}

function tokenOf(token: string): string {
  if (/^bearer\s/i.test(token)) throw new TypeError('auth.token must not begin with "Bearer ": set only the token')
  return token
}
