/**
 * The parts of an order: its header, and its lines with delivery schedules or in single delivery form. They contain
 * only fields that are documented for an event; users add other fields as overrides.
 */
import type { BuyerOrder, Delivery, Item, OrderLine, Price, Prices, SupplierOrder } from '../../schema'
import type { ScheduledDelivery, SingleDeliveryOrderLine } from '../../schema'
import type { OrderPlan } from './order-plan'
import { ACCOUNTS, BUYER_ID, buyerAddress, buyerParty, day, digits, documents, list, SUPPLIER_ID } from './parts'
import { supplierParty, TERMS } from './parts'
import type { Seeded } from './seeded'

export function buyerOrder(plan: OrderPlan): BuyerOrder {
  return {
    companyId: BUYER_ID,
    supplierAccountNumber: ACCOUNTS.supplierAccountNumber,
    purchaseOrderNumber: plan.purchaseOrderNumber,
    description: 'Blanket call-off week 49',
    buyerParty: buyerParty(),
    supplierParty: supplierParty(),
    destination: { code: '001', ...buyerAddress(), locationType: 'warehouse' },
    terms: { ...TERMS },
    indicators: { confirmed: false, shipped: false, delivered: false, completed: false, cancelled: false },
    properties: [{ key: 'cost center', value: '4410' }],
    notes: ['Deliver before noon\nat dock 4'],
    labels: ['blanket'],
    documents: documents(plan, 'buyer', 'order'),
    contact: { email: 'inkoop@noordzee-machines.example' },
    orderType: 'Purchase',
  }
}

export function supplierOrder(plan: OrderPlan): SupplierOrder {
  return {
    companyId: SUPPLIER_ID,
    buyerAccountNumber: ACCOUNTS.buyerAccountNumber,
    description: 'Call-off of a contract',
    properties: [{ key: 'plant', value: 'Eindhoven' }],
    notes: ['Thank you for your order'],
    documents: documents(plan, 'supplier', 'order'),
    contact: { email: 'verkoop@flenzen.example' },
  }
}

export const linePosition = (index: number): string => digits((index + 1) * 10)

export function orderLine(plan: OrderPlan, index: number): OrderLine {
  const values = lineValues(plan.seeded, index)
  const base = commonLine(plan, index, values)
  const deliveries = list(plan.deliveries, (each) => delivery(values, each))
  const current = deliveries.map((each, index) => ({ ...each, ...progress(values, index) }))
  // Copies the deliveries, so that no two schedules share one.
  const schedule = (from: Delivery[]): Delivery[] => from.map((each) => ({ ...each }))
  return {
    ...base,
    buyerLine: { ...base.buyerLine, deliverySchedule: schedule(deliveries), prices: prices(values) },
    confirmedLine: { deliverySchedule: deliveries, prices: prices(values) },
    deliverySchedule: current,
    deliveryScheduleIncludingRequests: schedule(current),
    prices: prices(values),
    pricesIncludingRequests: prices(values),
  }
}

/**
 * The lines into which a line is split, one per delivery. Only the first of them has the position of the original line.
 * The IDs of the others are made up, because Tradecloud does not document the ID of a line without a position.
 */
export function singleDeliveryLines(plan: OrderPlan, index: number): SingleDeliveryOrderLine[] {
  const values = lineValues(plan.seeded, index)
  return list(plan.deliveries, (part) => {
    const { id, buyerLine, ...base } = commonLine(plan, index, values)
    const { position, ...buyerFields } = buyerLine
    const current = (): ScheduledDelivery => ({ ...scheduledDelivery(values, part), ...progress(values, part) })
    return {
      ...base,
      id: part === 0 ? id : `${id}-split-${part}`,
      buyerLine: { ...(part === 0 ? { position } : { originalPosition: position }), ...buyerFields },
      confirmedLine: { scheduledDelivery: scheduledDelivery(values, part), prices: prices(values) },
      statusLine: {
        scheduledDelivery: current(),
        scheduledDeliveryInclRequests: current(),
        prices: prices(values),
        pricesInclRequests: prices(values),
      },
    }
  })
}

function commonLine(plan: OrderPlan, index: number, values: LineValues) {
  const position = linePosition(index)
  return {
    id: `${plan.id}-${position}`,
    lineType: 'Item',
    buyerLine: {
      position,
      row: String(index + 1),
      description: 'Deburred, oiled',
      item: { ...values.item },
      projectNumber: 'P-3381',
      properties: [{ key: 'surface', value: 'zinc plated' }],
      notes: ['Pack per 50'],
      labels: ['certificate 3.1'],
      documents: documents(plan, 'buyer', position),
    },
    supplierLine: {
      salesOrderNumber: `SO-${digits(plan.seeded.seed, 5)}`,
      salesOrderPosition: position,
      description: 'Ships from Eindhoven',
      properties: [{ key: 'plant', value: 'Eindhoven' }],
      notes: ['Partial deliveries are possible'],
      documents: documents(plan, 'supplier', position),
    },
    indicators: { deliveryOverdue: false },
    status: { processStatus: 'Confirmed', logisticsStatus: 'Open' },
    mergedItemDetails: {
      countryOfOriginCodeIso2: 'NL',
      combinedNomenclatureCode: '7307 91 00',
      netWeight: 3.845,
      netWeightUnitOfMeasureIso: 'KGM',
    },
    lastUpdatedAt: plan.lastUpdatedAt,
  }
}

const ITEM_NAMES = ['Flange DN80 ø160', 'Shaft 40 × 1200', 'Bearing "6204"', 'Gasket 3 mm', 'Lager für Welle']

/**
 * Values of an order line that depend only on the seed and on the number of the line, so that both forms of the order
 * and its shipment share them.
 */
export interface LineValues {
  item: Item
  /** Determines the quantities of the deliveries, in quarters of a unit, which JSON numbers represent exactly. */
  quarters: number
  firstDay: number
  cents: number
}

export function lineValues(seeded: Seeded, index: number): LineValues {
  const number = seeded.number(1000, 9999, 'item', index)
  return {
    item: {
      number: `40-${number}-${linePosition(index)}`,
      revision: 'C',
      name: ITEM_NAMES[seeded.number(0, ITEM_NAMES.length - 1, 'name', index)] ?? '',
      purchaseUnitOfMeasureIso: 'PCE',
      supplierItemNumber: `FL${number}`,
    },
    quarters: seeded.number(0, 1999, 'quantity', index),
    firstDay: seeded.number(0, 27, 'day', index),
    cents: seeded.number(1, 999_999, 'price', index),
  }
}

export function delivery(values: LineValues, index: number) {
  return { position: digits(index + 1), ...scheduledDelivery(values, index) }
}

/** A delivery without a position, as in single delivery form. The deliveries of a line are one week apart. */
function scheduledDelivery({ quarters, firstDay }: LineValues, index: number) {
  return {
    date: day(firstDay + index * 7),
    quantity: (((quarters + index * 37) % 2000) + 1) / 4,
    transportMode: 'Road',
  }
}

/**
 * How far a delivery has progressed. Only the current schedules of a line contain these fields; `buyerLine` and
 * `confirmedLine` do not.
 */
function progress({ firstDay }: LineValues, index: number) {
  const arrival = firstDay + index * 7
  return { status: 'Open', etd: day(arrival - 3), eta: day(arrival) }
}

export function prices({ cents }: LineValues): Prices {
  return { netPrice: price(cents), priceUnitOfMeasureIso: 'PCE', priceUnitQuantity: 100 }
}

export function price(cents: number): Price {
  return {
    priceInTransactionCurrency: { value: cents / 100, currencyIso: 'EUR' },
    priceInBaseCurrency: { value: (cents * 9) / 800, currencyIso: 'USD' },
  }
}
