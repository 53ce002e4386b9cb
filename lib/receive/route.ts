/**
 * The URL of a trigger: the path patterns that it may match, and the order or shipment ID in its path or query.
 * Patterns are matched here, against the raw path, because Express answers 400 if it cannot decode a path. Their syntax
 * is that of path-to-regexp 8, also on Express 4.
 */
import type { IncomingMessage } from 'node:http'
import { match, parse, pathToRegexp, TokenData, type Token } from 'path-to-regexp'
import { checkKeys, show } from '../errors/checks'
import { checkEntityId, isObject } from '../events/entity'
import { invalidOption, isTradecloudWebhookError } from '../errors/errors'

/**
 * A path pattern, a RegExp, or a list of these. The ID is in the group `orderId` or `shipmentId` of a RegExp. `false`:
 * no path.
 */
export type PathOption = string | RegExp | ReadonlyArray<string | RegExp> | false

export interface PathsOption {
  /**
   * Paths of order triggers. A parameter at the end matches the rest of the path, including slashes.
   * Default: `['/order', '/order/:orderId']`.
   */
  order?: PathOption | undefined
  /** Paths of shipment triggers. Default: `['/shipment', '/shipment/:shipmentId']`. */
  shipment?: PathOption | undefined
  /**
   * Paths of triggers of any kind. If a path contains no ID, the ID of a GET trigger is in the query. Default: `'/'`.
   */
  any?: PathOption | undefined
}

export type IdName = 'orderId' | 'shipmentId'

/** The IDs in the path, still percent-encoded. */
export type RouteMatch = Partial<Record<IdName, string>>

/** A compiled pattern, of the type that `match` of path-to-regexp returns. */
type Route = (rawPath: string) => { params: RouteMatch } | false

export interface Routes {
  /** The IDs in a path that matches a pattern. */
  find: (rawPath: string) => RouteMatch | undefined
  /** The patterns as texts, for log lines. */
  patterns: readonly string[]
}

const PLACES = {
  order: { patterns: ['/order', '/order/:orderId'], ids: ['orderId'] },
  shipment: { patterns: ['/shipment', '/shipment/:shipmentId'], ids: ['shipmentId'] },
  any: { patterns: ['/'], ids: ['orderId', 'shipmentId'] },
} as const satisfies Record<string, { patterns: string[]; ids: IdName[] }>

/**
 * Throws a `TradecloudWebhookError` with code `invalid_option` for an invalid option, such as a pattern with parameters
 * of which none is an ID.
 */
export function compileRoutes(paths: PathsOption = {}): Routes {
  const known = Object.keys(PLACES)
  if (!isObject(paths)) throw invalidOption('paths', `must be an object with ${known.join(', ')}`)
  checkKeys('paths', paths, known)
  const routes: Route[] = []
  const shown: string[] = []
  for (const [place, { patterns, ids }] of Object.entries(PLACES)) {
    const option = paths[place as keyof typeof PLACES] ?? patterns
    if (option === false) continue
    const list: ReadonlyArray<unknown> = Array.isArray(option) ? option : [option]
    if (list.length === 0) throw invalidOption(`paths.${place}`, 'is an empty list; use false to disable these paths')
    for (const pattern of list) {
      routes.push(compile(`paths.${place}`, pattern, ids))
      shown.push(String(pattern))
    }
  }
  if (routes.length === 0) throw invalidOption('paths', 'disables every path, so that nothing would ever be received')
  const find: Routes['find'] = (rawPath) => {
    for (const route of routes) {
      const found = route(rawPath)
      if (found) return found.params
    }
    return undefined
  }
  return { find, patterns: shown }
}

/** Splits the URL of a request at the first `?` into path and query. A proxy may send an absolute URL. */
export function splitTarget(target: string): [path: string, query: string] {
  const relative = target.startsWith('/') ? target : target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?]*/i, '')
  const at = relative.indexOf('?')
  const path = at < 0 ? relative : relative.slice(0, at)
  return [path === '' ? '/' : path, at < 0 ? '' : relative.slice(at + 1)]
}

/** Maximum number of slashes of a path that are considered, because a hostile path may contain thousands. */
const MAX_TAILS = 32

/** Yields the path, split in two before each of its first `MAX_TAILS` slashes, longest tail first. */
function* tails(path: string): Generator<[head: string, tail: string]> {
  for (let at = path.indexOf('/'), n = 0; at >= 0 && n < MAX_TAILS; at = path.indexOf('/', at + 1), n++)
    yield [path.slice(0, at), path.slice(at)]
}

/**
 * True if nothing is left of the path, and the part that was removed contains the ID. This happens if the mount path
 * has a wildcard (`app.use('/tradecloud/*splat', …)`), or if middleware has replaced `req.url`.
 */
export function mountHidesId(req: IncomingMessage, { find }: Routes): boolean {
  if (splitTarget(req.url ?? '')[0] !== '/') return false
  const { baseUrl, originalUrl } = req as { baseUrl?: unknown; originalUrl?: unknown }
  return [baseUrl, originalUrl].some((url) => {
    if (typeof url !== 'string') return false
    for (const [, tail] of tails(splitTarget(url)[0])) {
      const found = find(tail)
      if (found && (found.orderId !== undefined || found.shipmentId !== undefined)) return true
    }
    return false
  })
}

/**
 * Splits `path` into a mount path and a rest that matches a pattern. Returns the mount path; `undefined` if no rest
 * matches.
 */
export function mountPathFor(path: string, { find }: Routes): string | undefined {
  for (const [head, tail] of tails(path)) if (/[^/]/.test(tail) && find(tail)) return head
  return undefined
}

function compile(option: string, pattern: unknown, ids: readonly IdName[]): Route {
  if (pattern instanceof RegExp) return compileRegExp(option, pattern, ids)
  if (typeof pattern !== 'string')
    throw invalidOption(option, `contains ${show(pattern)}; allowed: path patterns and RegExps`)
  if (!pattern.startsWith('/'))
    throw invalidOption(option, `contains ${JSON.stringify(pattern)}; a path pattern begins with a slash`)
  try {
    const tokens = new TokenData(lastTakesTheRest(parse(pattern).tokens), pattern)
    checkNames(
      option,
      JSON.stringify(pattern),
      pathToRegexp(tokens).keys.map((key) => key.name),
      ids,
    )
    return match<RouteMatch>(tokens, { decode: false })
  } catch (error) {
    if (isTradecloudWebhookError(error)) throw error
    throw invalidOption(
      option,
      `contains ${JSON.stringify(pattern)}, which path-to-regexp 8 refuses: ${(error as Error).message}`,
    )
  }
}

function compileRegExp(option: string, pattern: RegExp, ids: readonly IdName[]): Route {
  const names = [...pattern.source.matchAll(/\(\?<(\w+)>/g)].map((group) => group[1] ?? '')
  checkNames(option, String(pattern), names, ids)
  // The flags `g` and `y` are removed: with them, an expression keeps `lastIndex` and would miss every second request.
  const expression = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  return (rawPath) => {
    const found = expression.exec(rawPath)
    return found ? { params: { ...found.groups } } : false
  }
}

/** Lets an ID at the end of a pattern contain slashes, because nothing else can follow there. */
function lastTakesTheRest(tokens: readonly Token[]): Token[] {
  const last = tokens.at(-1)
  if (last === undefined) return []
  const rest = tokens.slice(0, -1)
  if (last.type === 'param') return [...rest, { type: 'wildcard', name: last.name }]
  if (last.type === 'group') return [...rest, { type: 'group', tokens: lastTakesTheRest(last.tokens) }]
  return [...tokens]
}

function checkNames(option: string, shown: string, names: string[], ids: readonly IdName[]): void {
  const allowed: readonly string[] = ids
  if (names.length > 0 && !names.some((name) => allowed.includes(name))) {
    throw invalidOption(option, `contains ${shown}, which names no ${ids.map((id) => `:${id}`).join(' and no ')}`)
  }
  const foreign = names.find((name) => (name === 'orderId' || name === 'shipmentId') && !allowed.includes(name))
  if (foreign !== undefined) throw invalidOption(option, `contains ${shown}; ${foreign} does not belong there`)
}

/**
 * The ID in a URL. It is decoded once; a text that cannot be an ID is refused. Tradecloud does not document whether it
 * escapes IDs, so unescaped characters are accepted, except those outside ASCII: Node's parser rejects these.
 */
export type TriggerId =
  | { found: true; kind: 'order' | 'shipment'; id: string }
  /**
   * `problem` is absent if the URL contains no ID at all. `variable`: a variable that Tradecloud's portal should have
   * replaced with an ID.
   */
  | { found: false; problem?: string; variable?: string }

const NAMES: readonly IdName[] = ['orderId', 'shipmentId']

export function readTriggerId(match: RouteMatch, rawQuery: string): TriggerId {
  if (rawQuery === '' && match.orderId === undefined && match.shipmentId === undefined) return { found: false }
  const found: Record<IdName, Set<string>> = { orderId: new Set(), shipmentId: new Set() }
  const given: Array<[IdName, string]> = []
  for (const name of NAMES) if (match[name] !== undefined) given.push([name, match[name]])
  for (const part of rawQuery === '' ? [] : rawQuery.split('&')) {
    const equals = part.indexOf('=')
    const key = decode(equals < 0 ? part : part.slice(0, equals))
    const name = NAMES.find((known) => key === known || key?.startsWith(`${known}[`))
    if (name === undefined) continue
    if (key !== name) return { found: false, problem: `${name} in the query is an object or a list` }
    given.push([name, equals < 0 ? '' : part.slice(equals + 1)])
  }
  const variable = given.map(([, raw]) => variableIn(raw)).find((found) => found !== undefined)
  if (variable !== undefined)
    return { found: false, problem: `the URL contains ${variable} instead of an ID`, variable }
  for (const [name, raw] of given) {
    const id = decode(raw)
    if (id === undefined) return { found: false, problem: `${name} cannot be decoded` }
    const problem = /^\/+$/.test(id) ? 'consists of slashes alone' : checkEntityId(id)
    if (problem !== undefined) return { found: false, problem: `${name} ${problem}` }
    found[name].add(id)
  }
  const [orderId, otherOrderId] = found.orderId
  const [shipmentId, otherShipmentId] = found.shipmentId
  if (orderId !== undefined && shipmentId !== undefined) {
    return { found: false, problem: 'the URL contains an order ID and a shipment ID' }
  }
  if (otherOrderId !== undefined || otherShipmentId !== undefined) {
    return { found: false, problem: 'the URL contains two different IDs' }
  }
  if (orderId !== undefined) return { found: true, kind: 'order', id: orderId }
  if (shipmentId !== undefined) return { found: true, kind: 'shipment', id: shipmentId }
  return { found: false }
}

/** Variables that the portal replaces with the ID, such as `{orderId}`; its docs also show `:orderId`. */
const VARIABLE = /^(?:\{(?:order|shipment|legacyOrder)Id\}|:(?:order|shipment|legacyOrder)Id)(?=\/*$)/i

function variableIn(raw: string): string | undefined {
  const once = decode(raw) ?? ''
  // If a URL was pasted into the portal in encoded form, it arrives encoded twice.
  return (VARIABLE.exec(once) ?? VARIABLE.exec(decode(once) ?? ''))?.[0]
}

/** Decodes an ID; a `+` stays a `+`. Returns `undefined` if the text is not percent-encoded UTF-8. */
function decode(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw)
  } catch {
    return undefined
  }
}
