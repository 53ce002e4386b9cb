/** Which callback receives an event, and which settings are refused. */
import { createHandlers, type CallbackOptions } from '../../../lib/deliver/handlers'
import { orderEventNames } from '../../../lib/events/event-names'
import { refusalOf } from '../receive/refusal'

const onOrder = () => undefined
const onOrderDocuments = () => undefined
const onShipment = () => undefined
const onUnknown = () => undefined
const named = () => undefined

class Named {
  OrderSynced(): unknown {
    return this
  }
}

const refusal = (options: unknown): string => refusalOf(() => createHandlers(options as CallbackOptions))

describe('finding', () => {
  const handlers = createHandlers({
    onOrder,
    onOrderDocuments,
    onShipment,
    onUnknown,
    on: { OrderIssuedByBuyer: named, ShipmentApprovedByBuyer: named, OrderSynced: undefined },
  })

  it.each([
    ['order', 'OrderIssuedByBuyer', named],
    ['order', 'OrderSynced', onOrder],
    ['order', 'OrderResentByBuyer', onOrder],
    ['order', 'NameOfTomorrow', onOrder],
    ['order', undefined, onOrder],
    ['order', '', onOrder],
    ['order', 'constructor', onOrder],
    ['orderDocuments', 'OrderDocumentsAttachedByBuyer', onOrderDocuments],
    ['orderDocuments', 'OrderIssuedByBuyer', onOrderDocuments],
    ['shipment', 'ShipmentApprovedByBuyer', named],
    ['shipment', 'OrderIssuedByBuyer', onShipment],
    ['shipment', undefined, onShipment],
    ['unknown', 'InvoiceSent', onUnknown],
    ['unknown', 'OrderIssuedByBuyer', onUnknown],
  ] as const)('%s %s', (kind, eventName, expected) => {
    expect(handlers.find(kind, eventName)).toBe(expected)
  })

  it('leaves nothing unhandled', () => expect(handlers.unhandled).toEqual([]))
})

it('events of a kind without a callback go nowhere', () => {
  const handlers = createHandlers({ onOrder })
  expect(handlers.find('order', 'X')).toBe(onOrder)
  expect(handlers.find('orderDocuments', 'X')).toBeUndefined()
  expect(handlers.find('shipment', 'X')).toBeUndefined()
  expect(handlers.find('unknown', 'X')).toBeUndefined()
  expect(handlers.unhandled).toEqual(['onOrderDocuments', 'onShipment'])
})

it('names alone are enough, and the rest of their kind counts as unhandled', () => {
  const handlers = createHandlers({ on: { OrderSynced: named } })
  expect(handlers.find('order', 'OrderSynced')).toBe(named)
  expect(handlers.find('order', 'OrderIssuedByBuyer')).toBeUndefined()
  expect(handlers.find('order', undefined)).toBeUndefined()
  expect(handlers.unhandled).toEqual(['onOrder', 'onOrderDocuments', 'onShipment'])
})

describe('several names of one event', () => {
  const DETAILS = [
    'OrderLinesItemDetailsChanged',
    'OrderLinesItemDetailsChangedBySupplier',
    'OrderLinesItemChangedBySupplier',
  ]
  const REISSUED = ['OrderReissuedByBuyer', 'OrderLinesReissuedByBuyer']
  const pairs = [DETAILS, REISSUED].flatMap((names) =>
    names.flatMap((set) => names.map((sent) => [set, sent] as const)),
  )

  it.each(pairs)('a callback for %s gets %s', (set, sent) => {
    expect(createHandlers({ on: { [set]: named } }).find('order', sent)).toBe(named)
    expect(createHandlers({ onOrder, on: { [set]: named } }).find('order', sent)).toBe(named)
  })

  it('a callback for the very name wins', () => {
    const on = { OrderReissuedByBuyer: named, OrderLinesReissuedByBuyer: onOrder }
    const handlers = createHandlers({ on })
    expect(handlers.find('order', 'OrderReissuedByBuyer')).toBe(named)
    expect(handlers.find('order', 'OrderLinesReissuedByBuyer')).toBe(onOrder)
  })

  it('other names are not meant', () => {
    const handlers = createHandlers({ on: { OrderLinesItemDetailsChanged: named, OrderReissuedByBuyer: named } })
    for (const name of orderEventNames.filter((name) => ![...DETAILS, ...REISSUED].includes(name)))
      expect(handlers.find('order', name)).toBeUndefined()
    expect(handlers.find('shipment', 'OrderLinesReissuedByBuyer')).toBeUndefined()
  })
})

describe('a name that this version does not know', () => {
  it('is accepted, whatever kind of body comes under it', () => {
    const handlers = createHandlers({ on: { NameOfTomorrow: named, constructor: onOrder } as never })
    for (const kind of ['order', 'orderDocuments', 'shipment', 'unknown'] as const) {
      expect(handlers.find(kind, 'NameOfTomorrow')).toBe(named)
      expect(handlers.find(kind, 'constructor')).toBe(onOrder)
      expect(handlers.find(kind, 'toString')).toBeUndefined()
    }
    expect(handlers.unknownNames).toEqual(['NameOfTomorrow', 'constructor'])
  })

  it('is none of those that are known, or left out', () => {
    expect(createHandlers({ onOrder, on: { OrderSynced: named, Typo: undefined } as never }).unknownNames).toEqual([])
  })
})

it('onUnknown alone is enough', () => {
  expect(createHandlers({ onUnknown }).find('unknown', 'X')).toBe(onUnknown)
})

it.each<[string, unknown, string]>([
  ['no callback', {}, '`onOrder` is missing, and so is every other callback'],
  ['callbacks that are undefined', { onOrder: undefined, on: { OrderSynced: undefined } }, '`onOrder` is missing'],
  ['an empty list of names', { on: {} }, '`onOrder` is missing'],
  ['a text', { onOrder: 'x' }, '`onOrder` is of type string, not a function'],
  ['null', { onShipment: null, onOrder }, '`onShipment` is of type object, not a function'],
  ['an object', { onOrderDocuments: {} }, '`onOrderDocuments` is of type object, not a function'],
  ['a number', { onUnknown: 5 }, '`onUnknown` is of type number, not a function'],
  ['names that are no object', { on: 'x', onOrder }, '`on` is not a plain object'],
  ['names that are null', { on: null, onOrder }, '`on` is not a plain object'],
  ['names in a list', { on: [named], onOrder }, '`on` is not a plain object'],
  ['names in a Map', { on: new Map([['OrderSynced', named]]), onOrder }, '`on` is not a plain object'],
  ['methods of a class', { on: new Named(), onOrder }, '`on` is not a plain object'],
  ['an unknown name that is undefined', { on: { OrderIssued: undefined } }, '`onOrder` is missing'],
  [
    'an unknown name without a function',
    { on: { OrderIssued: {} } },
    '`on.OrderIssued` is of type object, not a function',
  ],
  [
    'a known name without a function',
    { on: { OrderSynced: true } },
    '`on.OrderSynced` is of type boolean, not a function',
  ],
])('%s is refused', (_what, options, expected) => {
  expect(refusal(options)).toContain(expected)
})

it('a name that is longer than what an inbox stores is refused', () => {
  expect(() => createHandlers({ on: { ['x'.repeat(256)]: named } })).not.toThrow()
  const create = () => createHandlers({ on: { ['x'.repeat(257)]: named } })
  expect(create).toThrow('`on` has a name of 257 characters')
})
