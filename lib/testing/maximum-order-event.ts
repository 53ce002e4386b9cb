/**
 * The largest order event that Tradecloud documents: 500 lines, 100 deliveries in each of the eight schedules of a
 * line, and all fields. Tests and benchmarks share it. It must stay below the default body limit.
 */
import type { BuyerLine, BuyerOrder, ChargeLine, Delivery, DeliveryHistoryLine, ItemDetails } from '../schema'
import type { Order, OrderLine, Prices, SupplierLine, SupplierOrder } from '../schema'
import { orderEvent } from './builders'
import { requireKnown } from './checks'
import { delivery, linePosition, lineValues, price, prices } from './builders/order-parts'
import { MAX_ENTRIES, MAX_LINES, wholeNumber } from './builders/options'
import { buyerParty, day, digits, list } from './builders/parts'
import { Seeded } from './builders/seeded'

export interface MaximumOrderEventOptions {
  /** Number of lines, 0 to 500. Default: 500. */
  lines?: number | undefined
  /** Number of deliveries in each of the eight schedules of a line and in its history, 0 to 100. Default: 100. */
  deliveries?: number | undefined
  /** Tradecloud's ID of the order. Default: an ID of the documented form. */
  orderId?: string | undefined
}

/** A webhook body: an event with delivery schedules. */
export interface MaximumOrderEvent {
  eventName: string
  orderEvent: Order & { orderId: string; lines: OrderLine[] }
}

const SEED = 417
const SUPPLIER_INDICATORS = { accepted: false, rejected: false, cancelled: false, shipped: false }
const REASON = 'Raw material is late'
const PORTAL_URL = 'https://portal.example/orders/PO-2026-00417'

/**
 * The body that `orderEvent` builds, with every further field that is documented for any order event, including fields
 * whose place in an event is uncertain. The same options always give the same body. Bodies share no objects, so a test
 * may change any part. Throws a `TypeError` that names the invalid option.
 */
export function maximumOrderEvent(options: MaximumOrderEventOptions = {}): MaximumOrderEvent {
  requireKnown('', options, ['lines', 'deliveries', 'orderId'])
  // Options are checked before the lines are built, because building them takes time.
  const { lines = MAX_LINES, deliveries = MAX_ENTRIES, orderId } = options
  wholeNumber('lines', lines, 0, MAX_LINES)
  wholeNumber('deliveries', deliveries, 0, MAX_ENTRIES)
  return orderEvent({
    seed: SEED,
    version: 7,
    eventName: 'OrderChangesProposedBySupplier',
    orderId,
    lines: list(lines, (index) => allFieldsOfLine(index, deliveries)),
    deliveries,
    documents: 2,
    legacyOrderId: 'aaacef0b-6538-4828-b45e-5ad8ea69b5cd',
    buyerOrder: allFieldsOfBuyerOrder(),
    supplierOrder: allFieldsOfSupplierOrder(),
    status: { processStatus: 'InProgress' },
    reason: REASON,
    portalUrl: PORTAL_URL,
  })
}

function allFieldsOfBuyerOrder(): BuyerOrder {
  const user = { email: 'inkoop@noordzee-machines.example', userName: 'inkoop' }
  const country = { countryName: 'Netherlands' }
  return {
    buyerParty: country,
    buyerAccountingParty: { ...buyerParty(), ...country },
    supplierParty: country,
    destination: country,
    indicators: {
      cancelLineWhenMissing: true,
      autoConfirm: false,
      requestReconfirmation: false,
      noDeliveryExpected: false,
    },
    supplierContact: { email: 'verkoop@flenzen.example' },
    erpIssueDateTime: '2026-11-18T09:00:00',
    erpIssuedBy: user,
    erpLastChangeDateTime: '2026-11-20T13:40:00',
    erpLastChangedBy: user,
  }
}

function allFieldsOfSupplierOrder(): SupplierOrder {
  return {
    indicators: { ...SUPPLIER_INDICATORS },
    erpResponseDateTime: '2026-11-20T13:44:00',
    erpRespondedBy: { email: 'verkoop@flenzen.example', userName: 'verkoop' },
  }
}

/** Content that a line has in several places. All places may share one object: the builder copies every override. */
interface LineParts {
  position: string
  asked: { deliverySchedule: Delivery[]; prices: Prices; chargeLines: ChargeLine[] }
  deliveryHistory: DeliveryHistoryLine[]
  itemDetails: ItemDetails
}

function allFieldsOfLine(index: number, deliveries: number): OrderLine {
  const parts = lineParts(index, deliveries)
  const {
    position,
    asked: { prices, chargeLines },
    deliveryHistory,
    itemDetails,
  } = parts
  return {
    chargeReasonCode: 'FC',
    buyerLine: allFieldsOfBuyerLine(parts),
    supplierLine: allFieldsOfSupplierLine(parts),
    confirmedLine: { prices, chargeLines },
    deliveryHistory,
    prices,
    pricesIncludingRequests: prices,
    chargeLines,
    status: { processStatus: 'InProgress', inProgressStatus: 'OpenSupplierProposal' },
    mergedItemDetails: itemDetails,
    reason: REASON,
    portalUrl: `${PORTAL_URL}/${position}`,
  }
}

function lineParts(index: number, deliveries: number): LineParts {
  const position = linePosition(index)
  const values = lineValues(new Seeded(SEED), index)
  const freight = { chargeTypeCode: 'FC', chargeDescription: 'Freight', quantity: 1, price: price(4500) }
  return {
    position,
    asked: {
      deliverySchedule: list(deliveries, (each) => delivery(values, each)),
      prices: { grossPrice: price(values.cents * 2), discountPercentage: 50, ...prices(values) },
      chargeLines: [{ position: '0001', ...freight, priceUnitOfMeasureIso: 'PCE' }],
    },
    deliveryHistory: list(deliveries, (each) => ({
      position: digits(each + 1),
      date: day(each),
      quantity: 2.5 * (each + 1),
    })),
    itemDetails: {
      countryOfOriginCodeIso2: 'NL',
      combinedNomenclatureCode: '7307 91 00',
      netWeight: 3.845,
      netWeightUnitOfMeasureIso: 'KGM',
      dangerousGoodsCodeUnece: '1263',
      serialNumber: `0x${position}`,
      batchNumber: `#${position}`,
    },
  }
}

function allFieldsOfBuyerLine({ position, asked, deliveryHistory, itemDetails }: LineParts): BuyerLine {
  return {
    ...asked,
    // `locationName` and `locationType` are documented for the buyer's schedule only.
    deliverySchedule: asked.deliverySchedule.map((each) => ({ ...each, locationName: 'Dock 4', locationType: 'dock' })),
    originalPosition: position,
    item: {
      description: 'Of forged steel, drilled',
      dimensions: [
        { attribute: 'Diameter', measure: 160, unitOfMeasureUnece: 'MMT' },
        { attribute: 'Thickness', measure: 20.5, unitOfMeasureUnece: 'MMT' },
      ],
    },
    requests: { reopenRequest: { ...asked, reason: REASON, status: 'Approved' } },
    terms: { contractNumber: 'C-2026-118', contractPosition: position },
    productionNumber: `PR-${position}`,
    salesOrderNumber: 'SO-10233',
    indicators: {
      noDeliveryExpected: false,
      confirmed: false,
      requestReconfirmation: false,
      shipped: false,
      delivered: false,
      completed: false,
      cancelled: false,
      proposeWhenAccepted: true,
    },
    reason: 'Needed earlier',
    itemDetails,
    deliveryHistory,
    certification: {
      typeCode: '3.1',
      type: 'Inspection certificate',
      classificationSocietyCode: 'LR',
      classificationSociety: "Lloyd's Register",
    },
  }
}

function allFieldsOfSupplierLine({ position, asked, itemDetails }: LineParts): SupplierLine {
  return {
    ...asked,
    salesOrderLinePosition: position,
    requests: {
      proposal: { ...asked, reason: REASON, status: 'Open' },
      reopenRequest: { ...asked, reason: REASON, status: 'Closed' },
    },
    reason: REASON,
    itemDetails,
    indicators: { ...SUPPLIER_INDICATORS },
  }
}
