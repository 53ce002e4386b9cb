/** Selects the callback for an event: the callback for its name, or else the callback for its kind. */
import { orderDocumentsEventNames, orderEventNames, sameEvents, shipmentEventNames } from '../events/event-names'
import type { OrderDocumentsEventName, OrderEventName, ShipmentEventName } from '../events/event-names'
import { isObject } from '../events/entity'
import { checkFunction } from '../errors/checks'
import { invalidOption } from '../errors/errors'
import type { Log } from '../log/log'
import { quote } from '../bytes/quote'
import type { Wanted } from '../inbox/inbox'
import type { Handler } from '../events/trigger'
import type { WebhookContext } from './context'
import type { EventKind, OrderDocumentsEvent, OrderEvent, ShipmentEvent, UnknownEvent } from '../events/events'

/**
 * Called with each event. Without an inbox, the callback decides the response: 200 if it returns, the 4xx of a
 * `RejectEvent` that it throws, or 503 if it throws anything else. After a 503, Tradecloud retries.
 */
export type Callback<Event> = (event: Event, context: WebhookContext) => void | Promise<void>

/**
 * Callbacks for single event names, used instead of the callback of the kind. GET triggers have no event name.
 *
 * Some events have several names: `OrderLinesItemDetailsChanged` is also named `…BySupplier`, and
 * `OrderLinesReissuedByBuyer` is also named `OrderReissuedByBuyer`. A callback for one name of an event is also called
 * for its other names, unless they have callbacks of their own.
 */
export type NamedCallbacks = Partial<Record<OrderEventName, Callback<OrderEvent> | undefined>> &
  Partial<Record<OrderDocumentsEventName, Callback<OrderDocumentsEvent> | undefined>> &
  Partial<Record<ShipmentEventName, Callback<ShipmentEvent> | undefined>>

export interface CallbackOptions {
  /** Receives order events, and GET triggers with an order ID. Default: such events are answered 200 `ignored`. */
  onOrder?: Callback<OrderEvent> | undefined
  /** Receives order documents events. Default: such events are answered 200 `ignored`. */
  onOrderDocuments?: Callback<OrderDocumentsEvent> | undefined
  /** Receives shipment events, and GET triggers with a shipment ID. Default: such events are answered 200 `ignored`. */
  onShipment?: Callback<ShipmentEvent> | undefined
  /**
   * Callbacks by event name, used instead of `onOrder`, `onOrderDocuments` and `onShipment`. A name that this version
   * does not know is accepted with a warning. Default: none.
   */
  on?: NamedCallbacks | undefined
  /**
   * Receives bodies of a kind that this version does not know. Default: such bodies are answered 200 `ignored`; with an
   * inbox they are quarantined.
   */
  onUnknown?: Callback<UnknownEvent> | undefined
}

/** Names are truncated to this length when they are stored. */
export const MAX_EVENT_NAME = 256

const NAMES: Record<Exclude<EventKind, 'unknown'>, readonly string[]> = {
  order: orderEventNames,
  orderDocuments: orderDocumentsEventNames,
  shipment: shipmentEventNames,
}

const OPTION_OF: Record<EventKind, string> = {
  order: 'onOrder',
  orderDocuments: 'onOrderDocuments',
  shipment: 'onShipment',
  unknown: 'onUnknown',
}

export interface Handlers {
  /** Returns `undefined` if there is no callback for events of this kind and name. */
  find: (kind: EventKind, eventName: string | undefined) => Handler | undefined
  /** The kinds and names that have callbacks, as registered in a shared inbox. */
  wanted: Wanted[]
  /** Which of `onOrder`, `onOrderDocuments` and `onShipment` are not set. They are logged at creation. */
  unhandled: string[]
  /** Names in `on` that this version does not know; they may be misspelled. */
  unknownNames: string[]
}

export function createHandlers(options: CallbackOptions): Handlers {
  const byKind: Record<EventKind, unknown> = {
    order: options.onOrder,
    orderDocuments: options.onOrderDocuments,
    shipment: options.onShipment,
    unknown: options.onUnknown,
  }
  for (const [kind, callback] of Object.entries(byKind)) checkFunction(OPTION_OF[kind as EventKind], callback)
  const byName = readNamed(options.on)
  if (byName.size === 0 && Object.values(byKind).every((callback) => callback === undefined)) {
    throw invalidOption('onOrder', 'is missing, and so is every other callback: no event would ever be delivered')
  }
  return {
    find: (kind, eventName) => {
      const named = eventName === undefined ? undefined : byName.get(eventName)
      const fits = named !== undefined && (named.kind === undefined || named.kind === kind)
      return fits ? named.handler : (byKind[kind] as Handler | undefined)
    },
    wanted: (Object.keys(byKind) as EventKind[]).flatMap((kind) => wantedOf(kind, byKind[kind], byName)),
    unknownNames: [...byName].filter(([, { kind }]) => kind === undefined).map(([name]) => name),
    unhandled: (Object.keys(NAMES) as EventKind[])
      .filter((kind) => byKind[kind] === undefined)
      .map((kind) => OPTION_OF[kind]),
  }
}

function wantedOf(kind: EventKind, callback: unknown, byName: ReadonlyMap<string, Named>): Wanted[] {
  if (callback !== undefined) return [{ kind }]
  const named = [...byName].filter(([, one]) => one.kind === undefined || one.kind === kind)
  return named.length === 0 ? [] : [{ kind, eventNames: named.map(([name]) => name) }]
}

/** Logs likely mistakes at creation. */
export function warnOfHandlers({ unhandled, unknownNames }: Handlers, log: Log): void {
  if (unhandled.length > 0)
    log.line('warn', 'unhandled', `No ${unhandled.join(', no ')}: such events are answered 200 and ignored.`)
  for (const name of unknownNames) {
    const text = `on.${quote(name).slice(1, -1)} is not an event name that this version knows. It is called if Tradecloud sends such an event.`
    log.line('warn', `unknown ${name}`, text, { code: 'unknown_event_name' })
  }
}

interface Named {
  /**
   * The kind of the event with this name. An event of another kind must not reach the callback, which is not typed for
   * that kind. Absent for an unknown name.
   */
  kind: string | undefined
  handler: Handler
}

function readNamed(on: unknown): Map<string, Named> {
  const named = new Map<string, Named>()
  if (on === undefined) return named
  if (!isPlainObject(on))
    throw invalidOption('on', 'is not a plain object of callbacks by event name; methods of a class are not found')
  for (const [name, callback] of Object.entries(on) as Array<[string, unknown]>) {
    if (callback === undefined) continue
    checkFunction(`on.${name}`, callback)
    if (name.length > MAX_EVENT_NAME)
      throw invalidOption('on', `has a name of ${name.length} characters; at most ${MAX_EVENT_NAME} are allowed`)
    const kind = Object.entries(NAMES).find(([, names]) => names.includes(name))?.[0]
    named.set(name, { kind, handler: callback as Handler })
  }
  for (const names of sameEvents) {
    const set = names.map((name) => named.get(name)).find((one) => one !== undefined)
    if (set) for (const name of names) if (!named.has(name)) named.set(name, set)
  }
  return named
}

/** True for a plain object of any realm. A Map or class instance is refused, because its entries would not be found. */
function isPlainObject(value: unknown): value is object {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
