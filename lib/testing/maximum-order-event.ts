/**
 * The largest order event that Tradecloud documents: 500 lines, 100 deliveries in all eight schedules of a line, all
 * fields. Tests and benchmarks share it: the default body limit must hold it.
 */
import type { BuyerLine, BuyerOrder, SupplierLine, SupplierOrder } from '../schema'
import type { ChargeLine, Delivery, Item, ItemDetails, LineRequest, MessageMeta, Party, Price, Prices } from '../schema'
import type { Order, OrderLine, TradecloudDocument } from '../schema'

export interface MaximumOrderEventOptions {
  /** Number of lines. Tradecloud allows 500. Default: 500. */
  lines?: number | undefined
  /** Deliveries in each of the eight schedules of a line, and in its history. Tradecloud allows 100. Default: 100. */
  deliveries?: number | undefined
  /** Tradecloud's ID of the order. Default: an ID of the documented form. */
  orderId?: string | undefined
}

/** A webhook body with an event in delivery schedules. */
export interface MaximumOrderEvent {
  eventName: string
  orderEvent: Order & { orderId: string; lines: OrderLine[] }
}

const BUYER_ID = '3e0f6d52-41c7-4d3b-9f0c-7a5e2b8c1d60'
const SUPPLIER_ID = '5c1d7f02-8a3e-4f7b-b6d4-1e9a2c3b4d5f'
const CHANGED_AT = '2026-11-20T13:45:09.120Z'

/** Builds the same body for the same options each time, nothing in it shared, so that a test may change any part. */
export function maximumOrderEvent(options: MaximumOrderEventOptions = {}): MaximumOrderEvent {
  const { lines = 500, deliveries = 100, orderId = `${BUYER_ID}-PO-2026/00417` } = options
  return {
    eventName: 'OrderChangesProposedBySupplier',
    orderEvent: {
      orderId,
      legacyOrderId: 'aaacef0b-6538-4828-b45e-5ad8ea69b5cd',
      buyerOrder: buyerOrder(),
      supplierOrder: supplierOrder(),
      lines: list(lines, (index) => orderLine(orderId, index, deliveries)),
      indicators: { deliveryOverdue: false },
      status: { processStatus: 'InProgress', logisticsStatus: 'Open' },
      version: 7,
      reason: 'Raw material is late',
      portalUrl: 'https://portal.example/orders/PO-2026-00417',
      meta: messageMeta(),
      lastUpdatedAt: CHANGED_AT,
    },
  }
}

function orderLine(orderId: string, index: number, deliveries: number): OrderLine {
  const position = digits((index + 1) * 10)
  return {
    id: `${orderId}-${position}`,
    lineType: 'Item',
    chargeReasonCode: 'FC',
    buyerLine: buyerLine(index, position, deliveries),
    supplierLine: supplierLine(index, position, deliveries),
    confirmedLine: { deliverySchedule: schedule(deliveries), prices: prices(index), chargeLines: chargeLines() },
    deliverySchedule: currentSchedule(deliveries),
    deliveryScheduleIncludingRequests: currentSchedule(deliveries),
    deliveryHistory: history(deliveries),
    prices: prices(index),
    pricesIncludingRequests: prices(index),
    chargeLines: chargeLines(),
    indicators: { deliveryOverdue: false },
    status: { processStatus: 'InProgress', inProgressStatus: 'OpenSupplierProposal', logisticsStatus: 'Open' },
    mergedItemDetails: itemDetails(index),
    lastUpdatedAt: CHANGED_AT,
    reason: 'Raw material is late',
    portalUrl: `https://portal.example/orders/PO-2026-00417/${position}`,
  }
}

function buyerLine(index: number, position: string, deliveries: number): BuyerLine {
  const certificate = { typeCode: '3.1', type: 'Inspection certificate' }
  return {
    position,
    originalPosition: position,
    row: String(index + 1),
    description: 'Deburred, oiled',
    item: item(position),
    deliverySchedule: schedule(deliveries),
    prices: prices(index),
    requests: { reopenRequest: request(index, deliveries, 'Approved') },
    terms: { contractNumber: 'C-2026-118', contractPosition: position },
    projectNumber: 'P-3381',
    productionNumber: `PR-${position}`,
    salesOrderNumber: 'SO-10233',
    indicators: {
      ...flags(),
      noDeliveryExpected: false,
      requestReconfirmation: false,
      proposeWhenAccepted: true,
    },
    properties: [{ key: 'surface', value: 'zinc plated' }],
    notes: ['Pack per 50'],
    labels: ['certificate 3.1'],
    documents: documents(`DRW-${position}`),
    reason: 'Needed earlier',
    itemDetails: itemDetails(index),
    deliveryHistory: history(deliveries),
    chargeLines: chargeLines(),
    certification: { ...certificate, classificationSocietyCode: 'LR', classificationSociety: "Lloyd's Register" },
  }
}

function item(position: string): Item {
  return {
    number: `40-1187-${position}`,
    revision: 'C',
    name: 'Flange DN80 ø160',
    description: 'Flange of forged steel, drilled',
    purchaseUnitOfMeasureIso: 'PCE',
    supplierItemNumber: `FL80-${position}`,
    dimensions: [
      { attribute: 'Diameter', measure: 160, unitOfMeasureUnece: 'MMT' },
      { attribute: 'Thickness', measure: 20.5, unitOfMeasureUnece: 'MMT' },
    ],
  }
}

function supplierLine(index: number, position: string, deliveries: number): SupplierLine {
  return {
    salesOrderNumber: 'SO-88120',
    salesOrderPosition: position,
    salesOrderLinePosition: position,
    description: 'Ships from Eindhoven',
    requests: { proposal: request(index, deliveries, 'Open'), reopenRequest: request(index, deliveries, 'Closed') },
    properties: [{ key: 'heat number', value: 'H-20117' }],
    notes: ['Partial deliveries are possible'],
    documents: documents(`CERT-${position}`),
    reason: 'Raw material is late',
    itemDetails: itemDetails(index),
    deliverySchedule: schedule(deliveries),
    prices: prices(index),
    chargeLines: chargeLines(),
    indicators: { accepted: false, rejected: false },
  }
}

function request(index: number, deliveries: number, status: string): LineRequest {
  const asked = { deliverySchedule: schedule(deliveries), prices: prices(index), chargeLines: chargeLines() }
  return { ...asked, reason: 'Raw material is late', status }
}

function schedule(deliveries: number): Delivery[] {
  return list(deliveries, (index) => ({
    position: digits(index + 1),
    date: day(index),
    quantity: 12.5 * ((index % 40) + 1),
    transportMode: 'Road',
  }))
}

/** Only the schedules of the line itself tell how far a delivery is. */
function currentSchedule(deliveries: number): Delivery[] {
  const found = schedule(deliveries)
  return found.map((delivery, index) => ({ ...delivery, status: 'Open', etd: day(index), eta: day(index + 1) }))
}

function history(deliveries: number): NonNullable<OrderLine['deliveryHistory']> {
  return list(deliveries, (index) => ({ position: digits(index + 1), date: day(index), quantity: 2.5 * (index + 1) }))
}

function prices(index: number): Prices {
  const net = 1000 + index * 1.25
  const unit = { priceUnitOfMeasureIso: 'PCE', priceUnitQuantity: 100 }
  return { grossPrice: price(net * 1.25), netPrice: price(net), discountPercentage: 20, ...unit }
}

function price(value: number): Price {
  return {
    priceInTransactionCurrency: { value, currencyIso: 'EUR' },
    priceInBaseCurrency: { value: value * 1.125, currencyIso: 'USD' },
  }
}

function chargeLines(): ChargeLine[] {
  const charge = { chargeTypeCode: 'FC', chargeDescription: 'Freight', quantity: 1, price: price(45) }
  return [{ position: '0001', ...charge, priceUnitOfMeasureIso: 'PCE' }]
}

function itemDetails(index: number): ItemDetails {
  return {
    countryOfOriginCodeIso2: 'NL',
    combinedNomenclatureCode: '7307 91 00',
    netWeight: 3.845,
    netWeightUnitOfMeasureIso: 'KGM',
    dangerousGoodsCodeUnece: '1263',
    serialNumber: `0x${digits(index + 1)}`,
    batchNumber: `#${digits(index + 1)}`,
  }
}

function documents(code: string): TradecloudDocument[] {
  const drawing = { code, revision: 'A', name: 'Drawing', description: 'As built', type: 'General' }
  const list = { code: `${code}-2`, revision: 'B', name: 'Parts', description: 'List of parts', type: 'General' }
  return [
    { ...drawing, objectId: '9f6c1b7e-52a3-4d18-8e0f-6b5a4c3d2e10' },
    { ...list, url: `https://files.flenzen.example/${code}-2.pdf` },
  ]
}

function buyerOrder(): BuyerOrder {
  const user = { email: 'inkoop@noordzee-machines.example' }
  return {
    companyId: BUYER_ID,
    supplierAccountNumber: '540830',
    purchaseOrderNumber: 'PO-2026/00417',
    description: 'Blanket call-off week 49',
    buyerParty: party('Noordzee Machines B.V.'),
    buyerAccountingParty: party('Noordzee Holding B.V.'),
    supplierParty: party('Flenzen B.V.'),
    destination: { code: '001', ...address('Noordzee Machines B.V.'), locationType: 'warehouse' },
    terms: { incotermsCode: 'DAP', incoterms: 'IJmuiden', paymentTermsCode: '30D', paymentTerms: '30 days net' },
    indicators: { ...flags(), cancelLineWhenMissing: true, autoConfirm: false, requestReconfirmation: false },
    properties: [{ key: 'cost center', value: '4410' }],
    notes: ['Deliver before noon\nat dock 4'],
    labels: ['blanket'],
    documents: documents('TERMS-2026'),
    contact: { ...user },
    orderType: 'Purchase',
    supplierContact: { email: 'verkoop@flenzen.example' },
    erpIssueDateTime: '2026-11-18T09:00:00',
    erpIssuedBy: { ...user },
    erpLastChangeDateTime: '2026-11-20T13:40:00',
    erpLastChangedBy: { ...user },
  }
}

function flags() {
  return { confirmed: false, shipped: false, delivered: false, completed: false, cancelled: false }
}

function supplierOrder(): SupplierOrder {
  return {
    companyId: SUPPLIER_ID,
    buyerAccountNumber: '340760',
    description: 'Call-off of contract C-2026-118',
    contact: { email: 'verkoop@flenzen.example' },
    properties: [{ key: 'plant', value: 'Eindhoven' }],
    notes: ['Thank you for your order'],
    documents: documents('ACK-88120'),
    indicators: { accepted: false, rejected: false },
  }
}

function party(name: string): Party {
  return { id: '8712345000011', idScheme: 'GLN', ...address(name) }
}

function address(name: string) {
  const lines = { names: [name, 'Department 4'], addressLines: ['Havenweg 12', 'Building 6'] }
  return { ...lines, postalCode: '1976 BX', city: 'IJmuiden', countryCodeIso2: 'NL', countryName: 'Netherlands' }
}

function messageMeta(): MessageMeta {
  return {
    messageId: '0d9e6a3b-4a56-4f1e-8c3d-9b7a5e2f1c04',
    source: {
      traceId: '7b0f2c1e-93d1-4b7e-8f5f-2c7f3b1f9a10',
      userId: '2a0b8a54-6f0c-4a0e-9d6f-0b1f3a5c7e91',
      companyId: SUPPLIER_ID,
    },
    createdDateTime: '2026-11-20T13:45:09.480Z',
  }
}

function list<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index))
}

const digits = (number: number): string => String(number).padStart(4, '0')

/** A day of 2027; the months have 28 days here. */
function day(index: number): string {
  const month = (Math.floor(index / 28) % 12) + 1
  return `2027-${String(month).padStart(2, '0')}-${String((index % 28) + 1).padStart(2, '0')}`
}
