/** Each kind of body that Tradecloud sends, with the event that the callback must receive. */
import { randomUUID } from 'node:crypto'
import { fixture, orderId, shipmentId, type Call, type Rig } from './harness'

/** Adds a random field to a body, because the same body would be a duplicate. */
export const fresh = (body: Record<string, unknown>): Record<string, unknown> => ({
  ...body,
  unknownField: randomUUID(),
})

interface BodyTrigger {
  what: string
  body: () => Record<string, unknown>
  callback: string
  event: Record<string, unknown>
  /**
   * `property` is the property of the event that contains the order or shipment. `field` is the field of the body with
   * the same content; `undefined` means the whole body.
   */
  content?: [property: string, field: string | undefined]
}

export const orderFixture = () => fixture('order-event')
export const { orderEvent: order } = orderFixture()

export const bareOrder = (): Record<string, unknown> => {
  const { orderId: id, ...rest } = orderFixture().orderEvent
  return { id, ...rest, meta: undefined }
}

export const asOrder = { kind: 'order', orderId, completeness: 'affected-lines', lineForm: 'deliverySchedule' }

export const bodyTriggers: BodyTrigger[] = [
  {
    what: 'orderEvent',
    body: orderFixture,
    callback: 'onOrder',
    event: {
      ...asOrder,
      eventName: 'OrderLinesAcceptedBySupplier',
      affectedLines: order.lines,
      version: order.version,
      lastUpdatedAt: order.lastUpdatedAt,
      issues: [],
    },
    content: ['order', 'orderEvent'],
  },
  {
    what: 'singleDeliveryOrderEvent',
    body: () => fixture('single-delivery-order-event'),
    callback: 'onOrder',
    event: { ...asOrder, lineForm: 'singleDelivery', eventName: 'OrderLinesConfirmedBySupplier', issues: [] },
    content: ['order', 'singleDeliveryOrderEvent'],
  },
  {
    what: 'simpleOrderEvent, the name of 2023',
    body: () => ({
      eventName: 'OrderIssuedByBuyer',
      simpleOrderEvent: fixture('single-delivery-order-event').singleDeliveryOrderEvent,
    }),
    callback: 'onOrder',
    event: { ...asOrder, lineForm: 'singleDelivery', eventName: 'OrderIssuedByBuyer' },
    content: ['order', 'simpleOrderEvent'],
  },
  {
    what: 'orderDocumentsEvent',
    body: () => fixture('order-documents-event'),
    callback: 'onOrderDocuments',
    event: {
      kind: 'orderDocuments',
      orderId,
      completeness: 'affected-lines',
      eventName: 'OrderDocumentsAttachedBySupplier',
      documents: [
        { party: 'supplier', document: expect.objectContaining({ code: 'CERT-1187' }) },
        { party: 'supplier', lineId: `${orderId}-0010`, document: expect.objectContaining({ code: 'DRW-40-1187' }) },
      ],
    },
    content: ['order', 'orderDocumentsEvent'],
  },
  {
    what: 'shipment',
    body: () => fixture('shipment-event'),
    callback: 'onShipment',
    event: {
      kind: 'shipment',
      shipmentId,
      completeness: 'all-lines',
      eventName: 'ShipmentReissuedBySupplier',
      issues: [],
    },
    content: ['shipment', 'shipment'],
  },
  {
    what: 'a bare order of 2019',
    body: bareOrder,
    callback: 'onOrder',
    event: { ...asOrder, eventName: undefined, affectedLines: order.lines, version: order.version },
  },
  {
    what: 'orderEvent with id, as in May 2020',
    body: () => ({ eventName: 'OrderIssuedByBuyer', orderEvent: bareOrder() }),
    callback: 'onOrder',
    event: { ...asOrder, eventName: 'OrderIssuedByBuyer' },
    content: ['order', 'orderEvent'],
  },
  {
    what: 'meta beside the event',
    body: () => ({
      eventName: 'OrderIssuedByBuyer',
      orderEvent: { orderId },
      meta: { messageId: 'beside', source: { traceId: 't' } },
    }),
    callback: 'onOrder',
    event: { ...asOrder, affectedLines: [], meta: { messageId: 'beside', source: { traceId: 't' } } },
  },
  {
    what: 'meta inside the event',
    body: () => ({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId, meta: { messageId: 'inside' } } }),
    callback: 'onOrder',
    event: { ...asOrder, meta: { messageId: 'inside' } },
  },
  {
    what: 'meta beside a shipment, whose own meta is another thing',
    body: () => ({
      eventName: 'ShipmentIssuedBySupplier',
      meta: { messageId: 'beside' },
      shipment: { id: shipmentId, meta: { lastUpdatedAt: '2026-01-02T03:04:05Z' } },
    }),
    callback: 'onShipment',
    event: { kind: 'shipment', shipmentId, meta: { messageId: 'beside' }, lastUpdatedAt: '2026-01-02T03:04:05Z' },
  },
  {
    what: 'an unknown event name of a known kind',
    body: () => ({ eventName: 'OrderFoldedByRobot', orderEvent: { orderId } }),
    callback: 'onOrder',
    event: { ...asOrder, eventName: 'OrderFoldedByRobot' },
  },
  {
    what: 'an event without a name',
    body: () => ({ shipment: { id: shipmentId } }),
    callback: 'onShipment',
    event: { kind: 'shipment', shipmentId, eventName: undefined },
  },
  {
    what: 'an unknown kind',
    body: () => ({ eventName: 'InvoiceIssuedBySupplier', invoice: { id: '1' } }),
    callback: 'onUnknown',
    event: {
      kind: 'unknown',
      eventName: 'InvoiceIssuedBySupplier',
      body: expect.objectContaining({ invoice: { id: '1' } }),
    },
  },
  {
    what: 'unknown fields and values',
    body: () => ({
      eventName: 'OrderIssuedByBuyer',
      surprise: true,
      orderEvent: { orderId, version: 3, status: { processStatus: 'Dreaming' }, lines: [{ novelty: [1] }] },
    }),
    callback: 'onOrder',
    event: { ...asOrder, version: 3, affectedLines: [{ novelty: [1] }] },
  },
]

export function lastCall(rig: Rig): Call {
  const call = rig.calls.at(-1)
  if (!call) throw new Error('no callback was called')
  return call
}
