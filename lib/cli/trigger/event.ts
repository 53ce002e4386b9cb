/** The body to send: an event that is built by its name, or the content of a file or of stdin. */
import { readFileSync, statSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { suggest } from '../../errors/checks'
import { orderDocumentsEvent, orderEvent, shipmentEvent, singleDeliveryOrderEvent } from '../../testing/builders'
import { orderDocumentsEventNames, orderEventNames, shipmentEventNames } from '../../events/event-names'
import { toTxml } from '../../txml/write'
import type { OptionValues } from '../command'
import { UsageError } from '../errors'
import { printable } from '../printable'
import { oneOf, textOf, wholeNumberOf } from '../values'
import { setAt } from './pointer'

export const EVENT_NAMES: readonly string[] = [...orderEventNames, ...orderDocumentsEventNames, ...shipmentEventNames]

export interface Body {
  bytes: Buffer
  format: 'json' | 'txml'
  orderId?: string | undefined
  shipmentId?: string | undefined
}

/**
 * Throws a `UsageError` if `word` is neither the name of an event nor a file, or if an option does not fit the body.
 */
export async function bodyOf(word: string, values: OptionValues): Promise<Body> {
  const sets = Array.isArray(values.set) ? values.set : []
  const format = oneOf('format', ['json', 'txml'], values.format)
  if (EVENT_NAMES.includes(word)) return encode(build(word, values), sets, format ?? 'json')
  for (const name of ['order-id', 'shipment-id', 'lines', 'form', 'seed'])
    if (values[name] !== undefined) throw new UsageError(`--${name} is for an event that is built; use --set.`)
  const bytes = word === '-' ? await buffer(process.stdin) : readBody(word)
  const isXml = bytes
    .toString('latin1', 0, 1_000)
    .trimStart()
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .startsWith('<')
  if (isXml && (sets.length > 0 || format === 'json'))
    throw new UsageError('The body is XML: --set and --format json are for JSON.')
  if (isXml) return { bytes, format: 'txml' }
  const json = parse(bytes)
  if (sets.length === 0 && format !== 'txml') return { ...idsOf(json), bytes, format: 'json' }
  if (json === undefined) throw new UsageError('The body is not a JSON object: it can only be sent as it is.')
  return encode(json, sets, format ?? 'json')
}

function readBody(path: string): Buffer {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return readFileSync(path)
  throw new UsageError(
    `${printable(path)} is neither a file nor one of the event names that trigger --help lists${suggest(path, EVENT_NAMES) || '.'}`,
  )
}

/**
 * Builds an event. Without the option `seed`, each call builds a different event, because a webhook treats a repeated
 * body as a duplicate.
 */
function build(eventName: string, values: OptionValues): object {
  const seed = wholeNumberOf('seed', values.seed, 0, Number.MAX_SAFE_INTEGER)
  const lines = wholeNumberOf('lines', values.lines, 0, 500)
  const form = oneOf('form', ['deliverySchedule', 'singleDelivery'], values.form)
  const [orderId, shipmentId] = [textOf('order-id', values['order-id']), textOf('shipment-id', values['shipment-id'])]
  const now = new Date()
  const state = { version: Math.floor(now.getTime() / 1000), lastUpdatedAt: now.toISOString() }
  const options = { eventName, lines, ...(seed === undefined ? { seed: randomSeed(), ...state } : { seed }) }
  const isShipment = (shipmentEventNames as readonly string[]).includes(eventName)
  const isOrder = (orderEventNames as readonly string[]).includes(eventName)
  if (isShipment ? orderId !== undefined : shipmentId !== undefined)
    throw new UsageError(
      `${eventName} is about ${isShipment ? 'a shipment: use --shipment-id' : 'an order: use --order-id'}.`,
    )
  if (form !== undefined && !isOrder) throw new UsageError(`--form is for order events, which ${eventName} is not.`)
  if (isShipment && values.format === 'txml')
    throw new UsageError('Tradecloud sends tXML for orders and order documents only.')
  if (isShipment) return shipmentEvent({ ...options, shipmentId })
  if (!isOrder) return orderDocumentsEvent({ ...options, orderId })
  return form === 'singleDelivery'
    ? singleDeliveryOrderEvent({ ...options, orderId })
    : orderEvent({ ...options, orderId })
}

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}

function encode(body: object, sets: string[], format: 'json' | 'txml'): Body {
  for (const assignment of sets) setAt(body, assignment)
  const ids = idsOf(body)
  if (format === 'json') return { ...ids, format, bytes: Buffer.from(JSON.stringify(body)) }
  try {
    return { ...ids, format, bytes: Buffer.from(toTxml(body)) }
  } catch (error) {
    throw new UsageError(`The event cannot be written as tXML: ${printable((error as Error).message)}.`)
  }
}

function parse(bytes: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString().replace(/^\ufeff/, ''))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The IDs in the body, for the variables of the URL. */
function idsOf(body: object | undefined): { orderId?: string | undefined; shipmentId?: string | undefined } {
  const {
    orderEvent: order,
    singleDeliveryOrderEvent: single,
    orderDocumentsEvent: documents,
    shipment,
  } = (body ?? {}) as Record<string, { orderId?: unknown; id?: unknown } | undefined>
  const orderId = (order ?? single ?? documents)?.orderId
  const shipmentId = shipment?.id
  return {
    orderId: typeof orderId === 'string' ? orderId : undefined,
    shipmentId: typeof shipmentId === 'string' ? shipmentId : undefined,
  }
}
