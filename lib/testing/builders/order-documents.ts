/**
 * Builder of an order documents event. Tradecloud does not document its fields, so they are built by analogy to an
 * order.
 */
import type { OrderDocumentsEventName } from '../../events/event-names'
import type { MessageMeta, OrderDocuments, OrderDocumentsLine } from '../../schema'
import { merge } from './merge'
import { knownEventName, overridesIn, requireOptions } from './options'
import { linePosition } from './order-parts'
import { affectedLines, ORDER_OPTIONS, orderPlan, type AffectedLinesOptions } from './order-plan'
import type { DecidedOrderField, OrderPlan, OrderSizeOptions } from './order-plan'
import { ACCOUNTS, BUYER_ID, documents, messageMeta, SUPPLIER_ID } from './parts'

/** Options of `orderDocumentsEvent`. Fields of the event can be given too, and override the built values. */
export interface OrderDocumentsEventOptions
  extends
    OrderSizeOptions<OrderDocumentsLine>,
    AffectedLinesOptions,
    Omit<OrderDocuments, DecidedOrderField | 'documents'> {
  /**
   * A known name or an empty one; any other name throws. With 'OrderDocumentsAttachedByBuyer' the documents are in the
   * buyer's parts, otherwise in the supplier's. Default: 'OrderDocumentsAttachedBySupplier'.
   */
  eventName?: OrderDocumentsEventName | (string & {}) | undefined
  /** Number of documents of the order and of each line, 0 to 100. Default: 1. */
  documents?: number | undefined
  /**
   * Overrides fields of `meta` in the event. By default, its `messageId` is derived from the options; events that
   * differ only in overrides have the same `messageId`.
   */
  meta?: MessageMeta | undefined
}

/** Body of an order webhook with attached documents. */
export interface OrderDocumentsEventBody {
  eventName: string
  orderDocumentsEvent: OrderDocuments & {
    orderId: string
    lines: OrderDocumentsLine[]
    meta: MessageMeta
    lastUpdatedAt: string
  }
}

/**
 * Body of an order webhook with `orderDocumentsEvent`: documents of the order and of its lines. An `order` with the
 * same `seed`, `orderId` and number of `documents` contains the same documents. For overrides, further events and
 * errors, see `orderEvent`.
 */
export function orderDocumentsEvent(options: OrderDocumentsEventOptions = {}): OrderDocumentsEventBody {
  requireOptions(options, 'orderDocumentsEvent', {
    options: ORDER_OPTIONS,
    schema: 'orderDocuments',
    refused: ['id', 'deliveries'],
  })
  const planned = orderPlan(options, 0, 1)
  const { eventName = 'OrderDocumentsAttachedBySupplier' } = options
  const isBuyers = eventName === 'OrderDocumentsAttachedByBuyer'
  const affected = affectedLines(options)
  const sizes = [affected[0]?.index ?? 0, affected.length]
  const content = {
    orderId: planned.id,
    buyerOrder: {
      companyId: BUYER_ID,
      supplierAccountNumber: ACCOUNTS.supplierAccountNumber,
      purchaseOrderNumber: planned.purchaseOrderNumber,
      ...(isBuyers && { documents: documents(planned, 'buyer', 'order') }),
    },
    supplierOrder: {
      companyId: SUPPLIER_ID,
      ...(!isBuyers && { documents: documents(planned, 'supplier', 'order') }),
    },
    lines: affected.map(({ index, override }) => merge(line(planned, index, isBuyers), override)),
    meta: messageMeta(planned, 'orderDocumentsEvent', knownEventName(eventName), sizes),
    lastUpdatedAt: planned.lastUpdatedAt,
  }
  return { eventName, orderDocumentsEvent: merge(content, overridesIn(options, ORDER_OPTIONS)) }
}

function line(planned: OrderPlan, index: number, isBuyers: boolean): OrderDocumentsLine {
  const position = linePosition(index)
  return {
    id: `${planned.id}-${position}`,
    buyerLine: { position, ...(isBuyers && { documents: documents(planned, 'buyer', position) }) },
    ...(!isBuyers && { supplierLine: { documents: documents(planned, 'supplier', position) } }),
  }
}
