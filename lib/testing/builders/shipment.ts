/**
 * Builders of a shipment as it is fetched, and of its events.
 */
import type { ShipmentEventName } from '../../tradecloud/event-names'
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

/** Options of all builders of a shipment or of an event of one. */
export interface ShipmentSizeOptions extends BuilderOptions, Omit<Shipment, 'id' | 'lines' | 'loadCarriers'> {
  /** Tradecloud's ID of the shipment. Default: of the documented form. */
  shipmentId?: string | undefined
  /**
   * How many lines, 0 to 500, in load carriers or not; or a list with an override for each line (`{}`: as built).
   * Line 1 ships the first delivery of line 1 of the order with the same seed, and so on. Default: 2.
   */
  lines?: number | readonly ShipmentLine[] | undefined
  /**
   * How many load carriers, 0 to 100; or a list with an override for each of them. Lines are dealt out in turn to the
   * load carriers and to the shipment's own `lines`: there are some in both. Default: 1.
   */
  loadCarriers?: number | readonly LoadCarrier[] | undefined
  /** Documents of the supplier and of the buyer, each 0 to 100. Default: 1. */
  documents?: number | undefined
}

/** All other fields of a shipment go over what is built. */
export interface ShipmentOptions extends ShipmentSizeOptions {
  // Options of events, named so that the compiler finds an object that was meant for an event.
  eventName?: undefined
  messageMeta?: undefined
}

/** All other fields of a shipment go over what is built. Its `meta` is that of the shipment. */
export interface ShipmentEventOptions extends ShipmentSizeOptions {
  /** A known name; any other throws. Default: 'ShipmentIssuedBySupplier'. */
  eventName?: ShipmentEventName | (string & {}) | undefined
  /** Goes over `meta` of the body. Default: an ID that follows from the options, overrides aside. */
  messageMeta?: MessageMeta | undefined
}

/** A shipment as the API answers it. */
export type FetchedShipment = Shipment & { id: string; loadCarriers: LoadCarrier[]; lines: ShipmentLine[] }

/** Body of a shipment webhook. */
export interface ShipmentEventBody {
  eventName: string
  shipment: FetchedShipment
  /** Meta of the message; that of the shipment is `shipment.meta`. */
  meta: MessageMeta
}

/** What a shipment builder reads itself; all else in its options is an override. */
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
 * A shipment as `GET /shipment/{shipmentId}` answers it: the same as in `shipmentEvent` with the same options. It ships
 * lines of the `order` with the same `seed`. Overrides and errors: as for `order`; entries of `lines` and of
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
 * Body of a shipment webhook. All lines and documents are marked as changed: their `meta.lastUpdatedAt` is that of the
 * shipment. For several events of one shipment keep the `seed` and raise the `version`: same shipment, another message
 * ID, a later `meta.lastUpdatedAt`. Overrides and errors: as for `shipment`.
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
