/** Builders of a fetched shipment, and of its events. */
import type { ShipmentEventName } from '../../events/event-names'
import type { LoadCarrier, MessageMeta, Shipment, ShipmentLine } from '../../schema'
import { merge } from './merge'
import {
  entries,
  knownEventName,
  MAX_ENTRIES,
  MAX_LINES,
  overridesIn,
  requireOptions,
  text,
  type BuilderOptions,
} from './options'
import { delivery, linePosition, lineValues } from './order-parts'
import { purchaseOrderNumber } from './order-plan'
import { ACCOUNTS, BUYER_ID, buyerParty, day, digits, documents, list, messageMeta, plan, SUPPLIER_ID } from './parts'
import { supplierParty, TERMS, type Plan } from './parts'

/** Options of all builders of shipments and of shipment events. */
export interface ShipmentSizeOptions extends BuilderOptions, Omit<Shipment, 'id' | 'lines' | 'loadCarriers'> {
  /** Tradecloud's ID of the shipment. Default: an ID of the documented form. */
  shipmentId?: string | undefined
  /**
   * The number of lines, 0 to 500, or a list with an override for each line (`{}`: no override). Lines in load carriers
   * count too. Line 1 ships the first delivery of line 1 of the order with the same seed, and so on. Default: 2.
   */
  lines?: number | readonly ShipmentLine[] | undefined
  /**
   * The number of load carriers, 0 to 100; or a list with an override for each. Lines are distributed in turn over the
   * load carriers and the shipment's own `lines`. Default: 1.
   */
  loadCarriers?: number | readonly LoadCarrier[] | undefined
  /** Number of documents of each party, 0 to 100. Default: 1. */
  documents?: number | undefined
}

/** Options of `shipment`. Fields of a shipment can be given too, and override the built values. */
export interface ShipmentOptions extends ShipmentSizeOptions {
  // Options that only events have: declared as `undefined`, so that passing an event's options is a type error.
  eventName?: undefined
  messageMeta?: undefined
}

/**
 * Options of `shipmentEvent`. Fields of a shipment can be given too, and override the built values. `meta` overrides
 * the meta of the shipment, and `messageMeta` the meta of the body.
 */
export interface ShipmentEventOptions extends ShipmentSizeOptions {
  /** A known name or an empty one; any other name throws. Default: 'ShipmentIssuedBySupplier'. */
  eventName?: ShipmentEventName | (string & {}) | undefined
  /**
   * Overrides fields of `meta` of the body. By default, its `messageId` is derived from the options; events that differ
   * only in overrides have the same `messageId`.
   */
  messageMeta?: MessageMeta | undefined
}

/** A shipment as the API returns it. */
export type FetchedShipment = Shipment & { id: string; loadCarriers: LoadCarrier[]; lines: ShipmentLine[] }

/** Body of a shipment webhook. */
export interface ShipmentEventBody {
  eventName: string
  shipment: FetchedShipment
  /** Meta of the message. The shipment's own meta is `shipment.meta`. */
  meta: MessageMeta
}

/** Names of the options of the shipment builders; all other fields are overrides. */
const SHIPMENT_OPTIONS = [
  'seed',
  'version',
  'lastUpdatedAt',
  'shipmentId',
  'lines',
  'loadCarriers',
  'documents',
  'eventName',
  'messageMeta',
]

/**
 * A shipment as `GET /shipment/{shipmentId}` returns it: the same as in `shipmentEvent` with the same options. It ships
 * lines of the `order` with the same `seed`. Overrides and errors: as for `order`; entries of `lines` and
 * `loadCarriers` are merged into what is built.
 */
export function shipment(options: ShipmentOptions = {}): FetchedShipment {
  requireOptions(options, 'shipment', {
    options: SHIPMENT_OPTIONS,
    schema: 'shipment',
    refused: ['id', 'eventName', 'messageMeta'],
  })
  return build(shipmentPlan(options), options)
}

/**
 * Body of a shipment webhook. All lines and documents count as changed: they have the `meta.lastUpdatedAt` of the
 * shipment. For a later event of the same shipment, keep the `seed` and increase the `version`: the event gets another
 * message ID and a later `meta.lastUpdatedAt`. Overrides and errors: as for `shipment`.
 *
 * ```ts
 * shipmentEvent({ lines: 5, loadCarriers: 2, status: { processStatus: 'Approved' } })
 * ```
 */
export function shipmentEvent(options: ShipmentEventOptions = {}): ShipmentEventBody {
  requireOptions(options, 'shipmentEvent', { options: SHIPMENT_OPTIONS, schema: 'shipment', refused: ['id'] })
  const planned = shipmentPlan(options)
  const { eventName = 'ShipmentIssuedBySupplier' } = options
  const sizes = [planned.lines.length, planned.loadCarriers.length]
  const meta = messageMeta(planned, 'shipmentEvent', knownEventName(eventName), sizes)
  return { eventName, shipment: build(planned, options), meta: merge(meta, options.messageMeta ?? {}) }
}

interface ShipmentPlan extends Plan {
  lines: ShipmentLine[]
  loadCarriers: LoadCarrier[]
  number: string
}

function shipmentPlan(options: ShipmentSizeOptions): ShipmentPlan {
  const planned = plan(options, 1)
  const number = digits(planned.seeded.seed, 5)
  const { shipmentId = `${SUPPLIER_ID}-SN-${number}`, lines = 2, loadCarriers = 1 } = options
  return {
    ...planned,
    id: text('shipmentId', shipmentId),
    lines: entries('lines', lines, MAX_LINES),
    loadCarriers: entries('loadCarriers', loadCarriers, MAX_ENTRIES),
    number,
  }
}

function build(planned: ShipmentPlan, options: ShipmentSizeOptions): FetchedShipment {
  const { number, lastUpdatedAt } = planned
  const lines = planned.lines.map((override, index) => merge(shipmentLine(planned, index), override))
  const places = planned.loadCarriers.length + 1
  const linesOf = (place: number): ShipmentLine[] => lines.filter((_, index) => index % places === place)
  const content = {
    id: planned.id,
    identifiers: {
      billOfLadingNumber: `BOL-${number}`,
      carrierShipmentNumber: `CSN-${number}`,
      trackingNumber: `1Z999AA1${digits(planned.seeded.seed, 10)}`,
    },
    transportMode: 'Road transport',
    supplierShipment: {
      companyId: SUPPLIER_ID,
      supplierParty: supplierParty(),
      buyerAccountNumber: ACCOUNTS.buyerAccountNumber,
      shipmentNumber: `SN-${number}`,
      invoiceNumbers: [`INV-${number}`],
      documents: shipmentDocuments(planned, 'supplier'),
      contacts: [{ email: 'expeditie@flenzen.example', firstName: 'Noor', lastName: 'de Wit' }],
    },
    buyerShipment: {
      companyId: BUYER_ID,
      buyerParty: buyerParty(),
      supplierAccountNumber: ACCOUNTS.supplierAccountNumber,
      documents: shipmentDocuments(planned, 'buyer'),
      contacts: [{ email: 'inkoop@noordzee-machines.example' }],
      purchaseOrderTerms: { ...TERMS },
    },
    loadCarriers: planned.loadCarriers.map((override, index) =>
      merge(
        {
          packageSSCC: `(00)387123450${digits(index, 9)}`,
          packageType: 'PX',
          lines: linesOf(index),
        },
        override,
      ),
    ),
    lines: linesOf(places - 1),
    locations: locations(planned),
    status: { processStatus: 'Issued' },
    meta: { lastUpdatedAt, supplierErpMeta: { despatchAdviceErpIssueDateTime: '2026-11-20T13:30:00' } },
  }
  return merge(content, overridesIn(options, SHIPMENT_OPTIONS))
}

function shipmentLine({ seeded, number, lastUpdatedAt }: ShipmentPlan, index: number): ShipmentLine {
  const values = lineValues(seeded, index)
  const { position, quantity } = delivery(values, 0)
  return {
    purchaseOrderNumber: purchaseOrderNumber(seeded.seed),
    purchaseOrderLinePosition: linePosition(index),
    deliverySchedulePosition: position,
    item: {
      buyerItemNumber: values.item.number,
      buyerItemRevision: values.item.revision,
      buyerItemName: values.item.name,
      supplierItemNumber: values.item.supplierItemNumber,
      purchaseUnitOfMeasureIso: values.item.purchaseUnitOfMeasureIso,
    },
    supplierLine: {
      despatchAdviceNumber: `DA-${number}`,
      despatchAdviceLinePosition: digits(index + 1),
      despatchQuantity: quantity,
      backorderQuantity: 0,
    },
    meta: { lastUpdatedAt },
  }
}

function shipmentDocuments(planned: ShipmentPlan, party: string) {
  const { lastUpdatedAt } = planned
  return documents(planned, party, 'shipment').map((document) => ({ ...document, meta: { lastUpdatedAt } }))
}

function locations({ seeded }: ShipmentPlan) {
  const departure = lineValues(seeded, 0).firstDay - 3
  const arrival = day(departure + 3)
  const hours = { etaStartTime: '08:00:00', etaEndTime: '12:00:00' }
  return {
    departure: { location: { locationType: 'AgreedPlace', ...supplierParty() }, etdDate: day(departure) },
    destinations: list(1, () => ({
      location: { locationType: 'FinalDestination', ...buyerParty() },
      etaStartDate: arrival,
      etaEndDate: arrival,
      ...hours,
    })),
  }
}
