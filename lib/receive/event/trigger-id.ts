/**
 * The order or shipment ID in the URL of a trigger: taken from path or query, decoded once, and refused if it cannot be
 * an ID. Whether Tradecloud escapes IDs is not documented, so unescaped characters are accepted, except for characters
 * outside ASCII, which Node's parser rejects.
 */
import { checkEntityId } from '../../events/entity'
import type { IdName, RouteMatch } from '../route'

export type TriggerId =
  | { found: true; kind: 'order' | 'shipment'; id: string }
  /**
   * `problem` is absent if the URL contains no ID at all. `variable`: a variable that Tradecloud's portal should have
   * replaced by an ID.
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
    return { found: false, problem: 'the URL holds an order ID and a shipment ID' }
  }
  if (otherOrderId !== undefined || otherShipmentId !== undefined) {
    return { found: false, problem: 'the URL holds two different IDs' }
  }
  if (orderId !== undefined) return { found: true, kind: 'order', id: orderId }
  if (shipmentId !== undefined) return { found: true, kind: 'shipment', id: shipmentId }
  return { found: false }
}

/** Variables that the portal replaces by the ID, such as `{orderId}`; its docs also show `:orderId`. */
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
