/** Made-up bodies and API answers for the demo. Each call makes a new event: its message ID differs. */
import { randomUUID } from 'node:crypto'

const buyer = '3e0f6d52-41c7-4d3b-9f0c-7a5e2b8c1d60'
const supplier = '5c1d7f02-8a3e-4f7b-b6d4-1e9a2c3b4d5f'

/** The slash is part of the purchase order number: IDs may hold one. */
export const orderId = `${buyer}-PO-2026/00417`
export const shipmentId = `${supplier}-SN-70551`

const meta = (): object => ({ messageId: randomUUID(), createdDateTime: new Date().toISOString() })
const buyerOrder = { companyId: buyer, purchaseOrderNumber: 'PO-2026/00417', supplierAccountNumber: '540830' }
const prices = { netPrice: { priceInTransactionCurrency: { value: 1874.25, currencyIso: 'EUR' } }, priceUnitOfMeasureIso: 'PCE', priceUnitQuantity: 100 }

function line(position: string, more: object): object {
  return {
    id: `${orderId}-${position}`,
    buyerLine: { position, item: { number: `40-1187-${position}`, name: 'Flange DN80 ø160', purchaseUnitOfMeasureIso: 'PCE' } },
    status: { processStatus: 'Confirmed', logisticsStatus: 'Open' },
    ...more,
  }
}

const inSchedule = { deliverySchedule: [{ position: '0001', date: '2026-12-04', quantity: 300, status: 'Open' }], prices }
const inOneDelivery = { statusLine: { scheduledDelivery: { date: '2026-12-04', quantity: 300, status: 'Open' }, prices } }

export const orderEvent = (): object => ({
  eventName: 'OrderLinesAcceptedBySupplier',
  orderEvent: { orderId, buyerOrder, lines: [line('0010', inSchedule)], version: 7, meta: meta(), lastUpdatedAt: '2026-11-20T13:45:09.120Z' },
})

export const singleDeliveryOrderEvent = (): object => ({
  eventName: 'OrderLinesConfirmedBySupplier',
  singleDeliveryOrderEvent: { orderId, buyerOrder, lines: [line('0010', inOneDelivery)], version: 7, meta: meta() },
})

export const orderDocumentsEvent = (): object => ({
  eventName: 'OrderDocumentsAttachedBySupplier',
  orderDocumentsEvent: {
    orderId,
    supplierOrder: { documents: [{ code: 'CERT-1187', name: 'Material certificate 3.1', objectId: randomUUID() }] },
    meta: meta(),
  },
})

export const shipmentEvent = (): object => ({
  eventName: 'ShipmentIssuedBySupplier',
  shipment: wholeShipment,
  meta: meta(),
})

export const wholeOrder = { id: orderId, buyerOrder, lines: [line('0010', inSchedule), line('0020', inSchedule)], version: 7, lastUpdatedAt: '2026-11-20T13:45:09.120Z' }

export const wholeShipment = {
  id: shipmentId,
  supplierShipment: { companyId: supplier, shipmentNumber: 'SN-70551' },
  lines: [{ purchaseOrderNumber: 'PO-2026/00417', purchaseOrderLinePosition: '0010', supplierLine: { despatchQuantity: 300 } }],
  status: { processStatus: 'Issued' },
  meta: { lastUpdatedAt: '2026-11-21T09:12:44.310Z' },
}
