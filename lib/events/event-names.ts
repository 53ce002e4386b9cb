/**
 * The event names that Tradecloud is known to have sent or documented, with their meanings. The lists are not complete:
 * Tradecloud may add names at any time, and an event with a new name is passed to the callback of its kind.
 */

/** Known names of order events. */
export const orderEventNames = [
  /** The buyer issued a new order. */
  'OrderIssuedByBuyer',
  /** The buyer added lines to an order. */
  'OrderLinesIssuedByBuyer',
  /** The buyer changed lines that were issued and not yet confirmed. */
  'OrderLinesReissuedByBuyer',
  /** Earlier name of OrderLinesReissuedByBuyer, dropped in 2021-03. */
  'OrderReissuedByBuyer',
  /** The buyer changed fields other than prices and delivery schedule. */
  'OrderLinesUpdatedByBuyer',
  /** The supplier accepted lines as requested. */
  'OrderLinesAcceptedBySupplier',
  /** The supplier rejected lines. */
  'OrderLinesRejectedBySupplier',
  /** The buyer confirmed lines without asking the supplier. */
  'OrderLinesConfirmedByBuyer',
  /** The supplier confirmed lines with values other than those requested, under auto confirm. */
  'OrderLinesConfirmedBySupplier',
  /** The supplier proposed another delivery schedule or price. */
  'OrderChangesProposedBySupplier',
  /** The buyer approved the supplier's proposal. */
  'OrderChangesProposalApprovedByBuyer',
  /** The buyer rejected the supplier's proposal. */
  'OrderChangesProposalRejectedByBuyer',
  /** The supplier changed fields other than prices and delivery schedule. */
  'OrderLinesUpdatedBySupplier',
  /**
   * The supplier changed item details. This is the name in the docs since 2023-11. The table in these docs may have
   * lost the end of the name OrderLinesItemDetailsChangedBySupplier.
   */
  'OrderLinesItemDetailsChanged',
  /** The buyer asked to reopen confirmed lines. */
  'OrderLinesReopenRequestedByBuyer',
  /** The buyer withdrew the request to reopen. */
  'OrderLinesReopenRequestRevertedByBuyer',
  /** The supplier approved the buyer's reopen request. */
  'OrderLinesReopenRequestApprovedBySupplier',
  /** The supplier rejected the buyer's reopen request. */
  'OrderLinesReopenRequestRejectedBySupplier',
  /** The supplier asked to reopen confirmed lines. */
  'OrderLinesReopenRequestedBySupplier',
  /** The supplier withdrew the request to reopen. */
  'OrderLinesReopenRequestRevertedBySupplier',
  /** The buyer approved the supplier's reopen request. */
  'OrderLinesReopenRequestApprovedByBuyer',
  /** The buyer rejected the supplier's reopen request. */
  'OrderLinesReopenRequestRejectedByBuyer',
  /** The buyer asked to confirm lines again. */
  'OrderLinesReconfirmationRequestedByBuyer',
  /** The supplier confirmed lines again. */
  'OrderLinesReconfirmedBySupplier',
  /** The buyer cancelled lines. */
  'OrderLinesCancelledByBuyer',
  /** The buyer revoked a cancellation. */
  'CancelledOrderLinesRevertedByBuyer',
  /** The buyer completed lines. */
  'OrderLinesCompletedByBuyer',
  /** The buyer revoked a completion. */
  'CompletedOrderLinesRevertedByBuyer',
  /** The buyer marked shipped or delivered lines as open again. */
  'OrderLinesMarkedAsOpenByBuyer',
  /** The supplier marked shipped or delivered lines as open again. */
  'OrderLinesMarkedAsOpenBySupplier',
  /** The buyer marked lines as shipped. */
  'OrderLinesShippedByBuyer',
  /** The buyer marked lines as delivered. */
  'OrderLinesMarkedAsDeliveredByBuyer',
  /** The supplier marked lines as delivered. */
  'OrderLinesMarkedAsDeliveredBySupplier',
  /** The buyer added actual deliveries. */
  'OrderLinesDeliveryHistoryAppendedByBuyer',
  /** The buyer replaced the actual deliveries. */
  'OrderLinesDeliveryHistorySetByBuyer',
  /** The buyer changed logistics fields of the delivery schedule. */
  'OrderLinesDeliveryScheduleLogisticsUpdatedByBuyer',
  /** The supplier changed logistics fields of the delivery schedule. */
  'OrderLinesDeliveryScheduleLogisticsUpdatedBySupplier',
  /** The supplier asked to reschedule, because the quantity of a shipment differs from the order. */
  'OrderLinesShipmentRescheduleRequestedBySupplier',
  /** The buyer approved the reschedule request. */
  'OrderLinesShipmentRescheduleApprovedByBuyer',
  /** The buyer rejected the reschedule request. */
  'OrderLinesShipmentRescheduleRejectedByBuyer',
  /** The buyer assigned another contact. */
  'OrderContactReassignedByBuyer',
  /** The supplier assigned another contact. */
  'OrderContactReassignedBySupplier',
  /** The buyer manually sent the order again. */
  'OrderResentByBuyer',
  /** The supplier manually sent the order again. */
  'OrderResentBySupplier',
  /** The order was copied from Tradecloud's legacy platform. */
  'OrderSynced',
  /** The buyer changed custom labels. */
  'OrderCustomLabelsUpdatedByBuyer',
  /** The supplier changed custom labels. */
  'OrderCustomLabelsUpdatedBySupplier',
  /**
   * The supplier changed item details. This is the name in the docs up to 2023-11 and in the portal settings. It is
   * more likely to be sent than OrderLinesItemDetailsChanged.
   */
  'OrderLinesItemDetailsChangedBySupplier',
  /** Possibly a preliminary name of OrderLinesItemDetailsChangedBySupplier. */
  'OrderLinesItemChangedBySupplier',
  /** The supplier cancelled lines. */
  'OrderLinesCancelledBySupplier',
  /** The buyer asked to cancel confirmed lines. */
  'OrderLinesCancellationRequestedByBuyer',
  /** The supplier asked to cancel confirmed lines. */
  'OrderLinesCancellationRequestedBySupplier',
  /** The buyer approved the supplier's cancellation request. */
  'OrderLinesCancellationRequestApprovedByBuyer',
  /** The supplier approved the buyer's cancellation request. */
  'OrderLinesCancellationRequestApprovedBySupplier',
  /** The buyer rejected the supplier's cancellation request. */
  'OrderLinesCancellationRequestRejectedByBuyer',
  /** The supplier rejected the buyer's cancellation request. */
  'OrderLinesCancellationRequestRejectedBySupplier',
] as const

export type OrderEventName = (typeof orderEventNames)[number]

/** Groups of names that Tradecloud has sent or documented for the same event. */
export const sameEvents: ReadonlyArray<readonly OrderEventName[]> = [
  ['OrderLinesItemDetailsChanged', 'OrderLinesItemDetailsChangedBySupplier', 'OrderLinesItemChangedBySupplier'],
  ['OrderLinesReissuedByBuyer', 'OrderReissuedByBuyer'],
]

/** Known names of order documents events. */
export const orderDocumentsEventNames = [
  /** The buyer attached documents to the order or its lines. */
  'OrderDocumentsAttachedByBuyer',
  /** The supplier attached documents to the order or its lines. */
  'OrderDocumentsAttachedBySupplier',
] as const

export type OrderDocumentsEventName = (typeof orderDocumentsEventNames)[number]

/** Known names of shipment events. */
export const shipmentEventNames = [
  /** The supplier issued a new shipment. */
  'ShipmentIssuedBySupplier',
  /** The supplier changed a shipment. */
  'ShipmentReissuedBySupplier',
  /**
   * The supplier sent or changed a despatch advice. The only shipment event in 2021; later replaced by
   * ShipmentIssuedBySupplier and ShipmentReissuedBySupplier.
   */
  'ShipmentDespatchedBySupplier',
  /** The buyer approved the shipment. */
  'ShipmentApprovedByBuyer',
  /** The buyer rejected the shipment. */
  'ShipmentRejectedByBuyer',
  /** The supplier changed header fields after approval. */
  'ShipmentHeaderUpdatedBySupplier',
  /** The buyer attached documents to the shipment. */
  'ShipmentDocumentAttachedByBuyer',
  /** The supplier attached documents to the shipment. */
  'ShipmentDocumentAttachedBySupplier',
  /** The buyer manually sent the shipment again. */
  'ShipmentResentByBuyer',
] as const

export type ShipmentEventName = (typeof shipmentEventNames)[number]
