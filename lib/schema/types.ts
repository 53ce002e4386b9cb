/**
 * Types of what Tradecloud sends. Generated from the JSON Schemas in this folder by `npm run types`: do not edit.
 *
 * Rely only on `eventName` and the field that contains the event: any other field may be missing, `null` or empty.
 * In tolerant mode, a value can differ from its declared type (a quantity can arrive as a string); `event.issues` then
 * lists it. Unknown fields may be present, because Tradecloud may add fields, values and events at any time.
 */

/**
 * An order with delivery schedules. An event contains only the lines that it changed; a fetched order contains all
 * lines.
 */
export interface Order {
  /** Tradecloud's ID of the order in an event. Opaque: do not parse it. */
  orderId?: string | null
  /** Tradecloud's ID of a fetched or polled order. Events also used this name until 2020-06. */
  id?: string | null
  /** UUID of the order on the old platform. Seen only in the tXML example. */
  legacyOrderId?: string | null
  /** The buyer's part. */
  buyerOrder?: BuyerOrder | null
  /** The supplier's part. */
  supplierOrder?: SupplierOrder | null
  /** Lines, at most 500. An event contains only the lines that it changed. */
  lines?: OrderLine[] | null
  /** Flags of the order. */
  indicators?: OrderIndicators | null
  /** Status of the order, aggregated over all its lines. */
  status?: OrderStatus | null
  /** Version of the order, an integer. It probably increases with each change, but that is not documented. */
  version?: number | null
  /** Key dates of the order. Their names are not documented. */
  eventDates?: unknown
  /** Seen only in Tradecloud's C# receiver; what it explains is not documented. */
  reason?: string | null
  /** Where to see the order in the portal. Seen only in Tradecloud's C# receiver. */
  portalUrl?: string | null
  /** Message metadata. Either here or next to `eventName`. */
  meta?: MessageMeta | null
  /** When the order last changed, ISO 8601. The time zone and fractional seconds may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` in the connector docs from 2022-04 to 2023-11. */
  lastChangedAt?: string | null
  /** First delivery date, ISO 8601. Seen only in order search; its location in an event is unknown. */
  firstDeliveryDate?: string | null
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  customLabels?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  predictions?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  totalAmountIncludingRequests?: unknown
}

/** A line of an order. */
export interface OrderLine {
  /** Tradecloud's ID of the line. */
  id?: string | null
  /** Kind of line. Default: `Item`. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, as a UNCL7161 code, on lines of type `Charge`. */
  chargeReasonCode?: string | null
  /** The buyer's part. */
  buyerLine?: BuyerLine | null
  /** The supplier's part. */
  supplierLine?: SupplierLine | null
  /** What buyer and supplier agreed on, but only if `status.processStatus` is `Confirmed`. */
  confirmedLine?: ConfirmedLine | null
  /** Current deliveries, issued or confirmed, without open requests. At most 100. */
  deliverySchedule?: Delivery[] | null
  /** Current deliveries, including open requests. At most 100. */
  deliveryScheduleIncludingRequests?: Delivery[] | null
  /** Actual deliveries, at most 100. Documented only for sending: events may have them here or in `buyerLine`. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Current prices, issued or confirmed, without open requests. */
  prices?: Prices | null
  /** Current prices, including open requests. */
  pricesIncludingRequests?: Prices | null
  /** Charges on the line. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Flags of the line. */
  indicators?: OrderIndicators | null
  /** Status of the line. */
  status?: OrderLineStatus | null
  /** Key dates of the line. Their names are not documented. */
  eventDates?: unknown
  mergedItemDetails?: ItemDetails | null
  /** Contains `mergedItemDetails`, according to one page of the docs. */
  itemDetails?: NestedItemDetails | null
  /** When the line last changed, ISO 8601. The time zone and fractional seconds may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` in the connector docs from 2022-04 to 2023-11. */
  lastChangedAt?: string | null
  /** Seen only in Tradecloud's C# receiver; what it explains is not documented. */
  reason?: string | null
  /** Where to see the line in the portal. Seen only in Tradecloud's C# receiver. */
  portalUrl?: string | null
  /** First delivery date, ISO 8601. Seen only in order search; its location in an event is unknown. */
  firstDeliveryDate?: string | null
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  customLabels?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  predictions?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  totalAmountIncludingRequests?: unknown
}

/** The buyer's part of a line, mostly as the buyer sent it. */
export interface BuyerLine {
  /** Unique in the order, and immutable. Missing, `null` or empty on a line that the supplier has just split off. */
  position?: string | null
  /** Position of the line that this line is a part of, in the single delivery form. */
  originalPosition?: string | null
  /** A label for the row, not an identifier. */
  row?: string | null
  description?: string | null
  /** What is ordered. */
  item?: Item | null
  /** Deliveries that the buyer asks for, at most 100. */
  deliverySchedule?: Delivery[] | null
  /** Prices that the buyer asks for. */
  prices?: Prices | null
  /** The buyer's requests. */
  requests?: BuyerRequests | null
  /** The contract that the line belongs to. */
  terms?: LineTerms | null
  projectNumber?: string | null
  productionNumber?: string | null
  /** Sales order number that the buyer put on the line. */
  salesOrderNumber?: string | null
  /** Flags that the buyer set. */
  indicators?: BuyerLineIndicators | null
  /** The buyer's custom key-value pairs. */
  properties?: Property[] | null
  /** The buyer's notes. A note may contain line breaks (`\n`). */
  notes?: string[] | null
  /** The buyer's labels. */
  labels?: string[] | null
  /** The buyer's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** The reason that the buyer gave. */
  reason?: string | null
  /** Kind of line. Here in a draft of the docs of 2026-05, otherwise on the line itself. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, as a UNCL7161 code. Here in a draft of the docs of 2026-05, otherwise on the line itself. */
  chargeReasonCode?: string | null
  /** The buyer's item details. Sent by buyers; might not appear in events. */
  itemDetails?: ItemDetails | null
  /** Actual deliveries, at most 100. Sent by buyers; might not appear in events. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Charges on the line. Sent by buyers; might not appear in events. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Sent by buyers; might not appear in events. */
  certification?: Certification | null
}

/** The buyer's requests for a line. */
export interface BuyerRequests {
  /** Request to reopen a confirmed line. */
  reopenRequest?: LineRequest | null
}

/** The supplier's part of a line, mostly as sent in the order response. */
export interface SupplierLine {
  /** Number of the sales order in the supplier's ERP system. */
  salesOrderNumber?: string | null
  /** Position in the sales order. */
  salesOrderPosition?: string | null
  /** Name of `salesOrderPosition` in Tradecloud's C# receiver and in order responses. */
  salesOrderLinePosition?: string | null
  /** Name of `salesOrderPosition` in order line search, and in the docs until 2020-04. */
  position?: string | null
  description?: string | null
  /** The supplier's requests. */
  requests?: SupplierRequests | null
  /** Location of `requests.proposal` until 2022-03. */
  proposal?: LineRequest | null
  /** The supplier's custom key-value pairs. */
  properties?: Property[] | null
  /** The supplier's notes. A note may contain line breaks (`\n`). */
  notes?: string[] | null
  /** The supplier's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** The reason that the supplier gave. */
  reason?: string | null
  /** The supplier's item details. Sent by suppliers; might not appear in events. */
  itemDetails?: ItemDetails | null
  /** Deliveries in the order response, at most 100. Sent by suppliers; might not appear in events. */
  deliverySchedule?: Delivery[] | null
  /** Prices in the order response. Sent by suppliers; might not appear in events. */
  prices?: Prices | null
  /** Charges on the line. Sent by suppliers; might not appear in events. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Flags that the supplier set. Sent by suppliers; might not appear in events. */
  indicators?: SupplierIndicators | null
}

/** The supplier's requests for a line. */
export interface SupplierRequests {
  /** Proposal to change deliveries or prices. */
  proposal?: LineRequest | null
  /** Request to reopen a confirmed line. */
  reopenRequest?: LineRequest | null
}

/** A request by one party that the other party approves or rejects. */
export interface LineRequest {
  /** Requested deliveries, at most 100. */
  deliverySchedule?: Delivery[] | null
  /** Requested prices. */
  prices?: Prices | null
  /** Requested charges. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Reason for the request. */
  reason?: string | null
  /** State of the request. `Proposed` occurs only in `supplierLine.proposal`, where it means `Open`. */
  status?: 'Open' | 'Approved' | 'Rejected' | 'Closed' | 'Proposed' | (string & {}) | null
}

/** What buyer and supplier agreed on, but only if the process status is `Confirmed`. */
export interface ConfirmedLine {
  /** Agreed deliveries, at most 100. */
  deliverySchedule?: Delivery[] | null
  /** Agreed prices. */
  prices?: Prices | null
  /** Agreed charges. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
}

/** One delivery of a schedule. */
export interface Delivery {
  /** Position in the schedule. Empty after a split. */
  position?: string | null
  /** Delivery date, `YYYY-MM-DD`. A supplier may omit it if it is unknown. */
  date?: string | null
  /** Any number of decimals. A supplier may omit the quantity if it is unknown. */
  quantity?: number | null
  /** Mode of transport. Free text. */
  transportMode?: string | null
  /** Name of the delivery location. Seen in Tradecloud's Postman examples. */
  locationName?: string | null
  /** Kind of location. Seen in Tradecloud's Postman examples. */
  locationType?: string | null
  /** Logistics status of the delivery. Only in the schedules of the line itself. */
  status?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | (string & {}) | null
  /** Expected departure, `YYYY-MM-DD`. Only in the schedules of the line itself. */
  etd?: string | null
  /** Expected arrival, `YYYY-MM-DD`. Only in the schedules of the line itself. */
  eta?: string | null
}

/** An order with one delivery per line. An event contains only the lines that it changed. */
export interface SingleDeliveryOrder {
  /** Tradecloud's ID of the order in an event. Opaque: do not parse it. */
  orderId?: string | null
  /** Tradecloud's ID of a fetched or polled order. Events also used this name until 2020-06. */
  id?: string | null
  /** UUID of the order on the old platform. Seen only in the tXML example. */
  legacyOrderId?: string | null
  /** The buyer's part. */
  buyerOrder?: BuyerOrder | null
  /** The supplier's part. */
  supplierOrder?: SupplierOrder | null
  /** Lines, at most 500. An event contains only the lines that it changed. */
  lines?: SingleDeliveryOrderLine[] | null
  /** Flags of the order. */
  indicators?: OrderIndicators | null
  /** Status of the order, aggregated over all its lines. */
  status?: OrderStatus | null
  /** Version of the order, an integer. It probably increases with each change, but that is not documented. */
  version?: number | null
  /** Key dates of the order. Their names are not documented. */
  eventDates?: unknown
  /** Seen only in Tradecloud's C# receiver; what it explains is not documented. */
  reason?: string | null
  /** Where to see the order in the portal. Seen only in Tradecloud's C# receiver. */
  portalUrl?: string | null
  /** Message metadata. Either here or next to `eventName`. */
  meta?: MessageMeta | null
  /** When the order last changed, ISO 8601. The time zone and fractional seconds may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` in the connector docs from 2022-04 to 2023-11. */
  lastChangedAt?: string | null
  /** First delivery date, ISO 8601. Seen only in order search; its location in an event is unknown. */
  firstDeliveryDate?: string | null
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  customLabels?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  predictions?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  totalAmountIncludingRequests?: unknown
}

/** A line of an order. */
export interface SingleDeliveryOrderLine {
  /** Tradecloud's ID of the line. */
  id?: string | null
  /** Kind of line. Default: `Item`. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, as a UNCL7161 code, on lines of type `Charge`. */
  chargeReasonCode?: string | null
  /** The buyer's part. */
  buyerLine?: SingleDeliveryBuyerLine | null
  /** The supplier's part. */
  supplierLine?: SingleDeliverySupplierLine | null
  /** What buyer and supplier agreed on, but only if `status.processStatus` is `Confirmed`. */
  confirmedLine?: SingleDeliveryConfirmedLine | null
  /** Current delivery and prices. */
  statusLine?: StatusLine | null
  /** Current delivery, including open requests. Here only from 2023-09 to 2024-01; now in `statusLine`. */
  scheduledDelivery?: ScheduledDelivery | null
  /** Actual deliveries, at most 100. Documented only for sending: events may have them here or in `buyerLine`. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Current prices, including open requests. Here only from 2023-09 to 2024-01; now in `statusLine`. */
  prices?: Prices | null
  /** Charges on the line. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Flags of the line. */
  indicators?: OrderIndicators | null
  /** Status of the line. */
  status?: OrderLineStatus | null
  /** Key dates of the line. Their names are not documented. */
  eventDates?: unknown
  mergedItemDetails?: ItemDetails | null
  /** Contains `mergedItemDetails`, according to one page of the docs. */
  itemDetails?: NestedItemDetails | null
  /** When the line last changed, ISO 8601. The time zone and fractional seconds may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` in the connector docs from 2022-04 to 2023-11. */
  lastChangedAt?: string | null
  /** Seen only in Tradecloud's C# receiver; what it explains is not documented. */
  reason?: string | null
  /** Where to see the line in the portal. Seen only in Tradecloud's C# receiver. */
  portalUrl?: string | null
  /** First delivery date, ISO 8601. Seen only in order search; its location in an event is unknown. */
  firstDeliveryDate?: string | null
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  customLabels?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  predictions?: unknown
  /** Seen only in order search; its shape, and its location in an event, are unknown. */
  totalAmountIncludingRequests?: unknown
}

/** The buyer's part of a line, mostly as the buyer sent it. */
export interface SingleDeliveryBuyerLine {
  /** Unique in the order, and immutable. Missing, `null` or empty on a line that the supplier has just split off. */
  position?: string | null
  /** Position of the line that this line is a part of, in the single delivery form. */
  originalPosition?: string | null
  /** A label for the row, not an identifier. */
  row?: string | null
  description?: string | null
  /** What is ordered. */
  item?: Item | null
  /** Delivery that the buyer asks for. Inferred by analogy; not documented for this form. */
  scheduledDelivery?: ScheduledDelivery | null
  /** The actual delivery, as the buyer sent it. Inferred by analogy; not documented for this form. */
  actualDelivery?: ActualDelivery | null
  /** Prices that the buyer asks for. */
  prices?: Prices | null
  /** The buyer's requests. */
  requests?: SingleDeliveryBuyerRequests | null
  /** The contract that the line belongs to. */
  terms?: LineTerms | null
  projectNumber?: string | null
  productionNumber?: string | null
  /** Sales order number that the buyer put on the line. */
  salesOrderNumber?: string | null
  /** Flags that the buyer set. */
  indicators?: BuyerLineIndicators | null
  /** The buyer's custom key-value pairs. */
  properties?: Property[] | null
  /** The buyer's notes. A note may contain line breaks (`\n`). */
  notes?: string[] | null
  /** The buyer's labels. */
  labels?: string[] | null
  /** The buyer's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** The reason that the buyer gave. */
  reason?: string | null
  /** Kind of line. Here in a draft of the docs of 2026-05, otherwise on the line itself. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, as a UNCL7161 code. Here in a draft of the docs of 2026-05, otherwise on the line itself. */
  chargeReasonCode?: string | null
  /** The buyer's item details. Sent by buyers; might not appear in events. */
  itemDetails?: ItemDetails | null
  /** Actual deliveries, at most 100. Sent by buyers; might not appear in events. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Charges on the line. Sent by buyers; might not appear in events. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Sent by buyers; might not appear in events. */
  certification?: Certification | null
}

/** The buyer's requests for a line. */
export interface SingleDeliveryBuyerRequests {
  /** Request to reopen a confirmed line. */
  reopenRequest?: SingleDeliveryLineRequest | null
}

/** The supplier's part of a line, mostly as sent in the order response. */
export interface SingleDeliverySupplierLine {
  /** Number of the sales order in the supplier's ERP system. */
  salesOrderNumber?: string | null
  /** Position in the sales order. */
  salesOrderPosition?: string | null
  /** Name of `salesOrderPosition` in Tradecloud's C# receiver and in order responses. */
  salesOrderLinePosition?: string | null
  /** Name of `salesOrderPosition` in order line search, and in the docs until 2020-04. */
  position?: string | null
  description?: string | null
  /** The supplier's requests. */
  requests?: SingleDeliverySupplierRequests | null
  /** Location of `requests.proposal` until 2022-03. */
  proposal?: SingleDeliveryLineRequest | null
  /** The supplier's custom key-value pairs. */
  properties?: Property[] | null
  /** The supplier's notes. A note may contain line breaks (`\n`). */
  notes?: string[] | null
  /** The supplier's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** The reason that the supplier gave. */
  reason?: string | null
  /** The supplier's item details. Sent by suppliers; might not appear in events. */
  itemDetails?: ItemDetails | null
  /** Delivery in the order response. Inferred by analogy; might not appear in events. */
  scheduledDelivery?: ScheduledDelivery | null
  /** Prices in the order response. Sent by suppliers; might not appear in events. */
  prices?: Prices | null
  /** Charges on the line. Sent by suppliers; might not appear in events. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Flags that the supplier set. Sent by suppliers; might not appear in events. */
  indicators?: SupplierIndicators | null
}

/** The supplier's requests for a line. */
export interface SingleDeliverySupplierRequests {
  /** Proposal to change deliveries or prices. */
  proposal?: SingleDeliveryLineRequest | null
  /** Request to reopen a confirmed line. */
  reopenRequest?: SingleDeliveryLineRequest | null
}

/** A request by one party that the other party approves or rejects. */
export interface SingleDeliveryLineRequest {
  /** Requested delivery. Inferred by analogy; not documented for this form. */
  scheduledDelivery?: ScheduledDelivery | null
  /** Requested prices. */
  prices?: Prices | null
  /** Requested charges. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Reason for the request. */
  reason?: string | null
  /** State of the request. `Proposed` occurs only in `supplierLine.proposal`, where it means `Open`. */
  status?: 'Open' | 'Approved' | 'Rejected' | 'Closed' | 'Proposed' | (string & {}) | null
}

/** What buyer and supplier agreed on, but only if the process status is `Confirmed`. */
export interface SingleDeliveryConfirmedLine {
  /** Agreed delivery. Inferred by analogy; not documented for this form. */
  scheduledDelivery?: ScheduledDelivery | null
  /** Agreed prices. */
  prices?: Prices | null
  /** Agreed charges. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
}

/** Current delivery and prices of a line in the single delivery form. */
export interface StatusLine {
  /** Current delivery, issued or confirmed, without open requests. */
  scheduledDelivery?: ScheduledDelivery | null
  /** Current delivery, including open requests. */
  scheduledDeliveryInclRequests?: ScheduledDelivery | null
  /** Name of `scheduledDeliveryInclRequests` in two sentences of the docs. */
  deliveryScheduleInclRequests?: ScheduledDelivery | null
  /** Current prices, issued or confirmed, without open requests. */
  prices?: Prices | null
  /** Current prices, including open requests. */
  pricesInclRequests?: Prices | null
}

/** The only delivery of a line in the single delivery form. */
export interface ScheduledDelivery {
  /** Position in the schedule. Usually missing in this form. */
  position?: string | null
  /** Delivery date, `YYYY-MM-DD`. A supplier may omit it if it is unknown. */
  date?: string | null
  /** Any number of decimals. A supplier may omit the quantity if it is unknown. */
  quantity?: number | null
  /** Mode of transport. Free text. */
  transportMode?: string | null
  /** Name of the delivery location. Seen in Tradecloud's Postman examples. */
  locationName?: string | null
  /** Kind of location. Seen in Tradecloud's Postman examples. */
  locationType?: string | null
  /** Logistics status of the delivery. Only in `statusLine`, or on the line itself. */
  status?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | (string & {}) | null
  /** Expected departure, `YYYY-MM-DD`. Only in `statusLine`, or on the line itself. */
  etd?: string | null
  /** Expected arrival, `YYYY-MM-DD`. Only in `statusLine`, or on the line itself. */
  eta?: string | null
}

/** An actual delivery, as the buyer sent it. */
export interface ActualDelivery {
  /** When the goods were delivered, `YYYY-MM-DD`. */
  date?: string | null
  /** Delivered quantity. Any number of decimals. */
  quantity?: number | null
}

/** The buyer's part of an order, mostly as the buyer sent it. */
export interface BuyerOrder {
  /** ID of the buyer's company at Tradecloud. */
  companyId?: string | null
  /** Number of the supplier in the buyer's ERP system. */
  supplierAccountNumber?: string | null
  /** Number of the order in the buyer's ERP system. */
  purchaseOrderNumber?: string | null
  description?: string | null
  /** The buyer. */
  buyerParty?: Party | null
  buyerAccountingParty?: Party | null
  /** The supplier. */
  supplierParty?: Party | null
  /** Where to deliver. */
  destination?: Destination | null
  /** Terms of delivery and payment. */
  terms?: Terms | null
  /** Flags that the buyer set. */
  indicators?: BuyerOrderIndicators | null
  /** The buyer's custom key-value pairs. */
  properties?: Property[] | null
  /** The buyer's notes. A note may contain line breaks (`\n`). */
  notes?: string[] | null
  /** The buyer's labels. */
  labels?: string[] | null
  /** The buyer's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Contact at the buyer. */
  contact?: Contact | null
  /** Kind of order. Default: `Purchase`. */
  orderType?: 'Purchase' | 'Forecast' | 'RFQ' | (string & {}) | null
  /** Contact at the supplier. Sent by buyers; might not appear in events. */
  supplierContact?: Contact | null
  /** When the ERP system issued the order, ISO 8601. Sent by buyers; might not appear in events. */
  erpIssueDateTime?: string | null
  /** Who issued the order in the ERP system. Sent by buyers; might not appear in events. */
  erpIssuedBy?: ErpUser | null
  /** When the ERP system last changed the order, ISO 8601. Sent by buyers; might not appear in events. */
  erpLastChangeDateTime?: string | null
  /** Who last changed the order in the ERP system. Sent by buyers; might not appear in events. */
  erpLastChangedBy?: ErpUser | null
}

/** Flags that the buyer set on a whole order. */
export interface BuyerOrderIndicators {
  confirmed?: boolean | null
  shipped?: boolean | null
  delivered?: boolean | null
  completed?: boolean | null
  cancelled?: boolean | null
  cancelLineWhenMissing?: boolean | null
  autoConfirm?: boolean | null
  /** Documented for orders and lines, but seen only on lines. */
  requestReconfirmation?: boolean | null
  /** Seen only in .NET samples of orders. */
  noDeliveryExpected?: boolean | null
}

/** Where an order is delivered. */
export interface Destination {
  code?: string | null
  /** Name of the location, one entry per line. */
  names?: string[] | null
  /** Address lines: street, number, building. */
  addressLines?: string[] | null
  postalCode?: string | null
  city?: string | null
  /** ISO 3166-1 alpha-2 country code, such as `NL`. */
  countryCodeIso2?: string | null
  countryName?: string | null
  /** Kind of location. Free text, such as `warehouse`. */
  locationType?: string | null
}

/** A user of an ERP system. */
export interface ErpUser {
  email?: string | null
  userName?: string | null
}

/** The supplier's part of an order, mostly as sent in the order response. */
export interface SupplierOrder {
  /** ID of the supplier's company at Tradecloud. */
  companyId?: string | null
  /** Number of the buyer in the supplier's ERP system. */
  buyerAccountNumber?: string | null
  description?: string | null
  /** Contact at the supplier. */
  contact?: Contact | null
  /** The supplier's custom key-value pairs. */
  properties?: Property[] | null
  /** The supplier's notes. A note may contain line breaks (`\n`). */
  notes?: string[] | null
  /** The supplier's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Flags that the supplier set. Sent by suppliers; might not appear in events. */
  indicators?: SupplierIndicators | null
  /** When the ERP system sent the order response, ISO 8601. Sent by suppliers; might not appear in events. */
  erpResponseDateTime?: string | null
  /** Who sent the order response from the ERP system. Sent by suppliers; might not appear in events. */
  erpRespondedBy?: ErpUser | null
}

/** Flags that the supplier set. Sent in order responses; might not appear in events. */
export interface SupplierIndicators {
  accepted?: boolean | null
  rejected?: boolean | null
  /** Seen only in order responses. */
  cancelled?: boolean | null
  /** Seen only in order responses. */
  shipped?: boolean | null
}

/** Flags of an order or a line. */
export interface OrderIndicators {
  /** The line, or at least one line of the order, is overdue. */
  deliveryOverdue?: boolean | null
}

/** Status of an order, aggregated over its lines. */
export interface OrderStatus {
  /** Aggregated over the lines. */
  processStatus?: 'Issued' | 'InProgress' | 'Confirmed' | 'Rejected' | 'Completed' | 'Cancelled' | (string & {}) | null
  /** Aggregated over the lines. */
  logisticsStatus?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | 'Cancelled' | (string & {}) | null
  /** What is in progress. Documented for lines; for orders, named only on the polling page of the docs. */
  inProgressStatus?:
    | 'OpenSupplierProposal'
    | 'RejectedSupplierProposal'
    | 'ReissuedRejectedLine'
    | 'OpenBuyerReopenRequest'
    | 'OpenSupplierReopenRequest'
    | 'OpenBuyerReconfirmationRequest'
    | 'OpenSupplierShipmentRescheduleRequest'
    | 'ApprovedDeliverySchedule'
    | 'RejectedDeliverySchedule'
    | 'RevertedCompletedLine'
    | 'RevertedCancelledLine'
    | (string & {})
    | null
  /** Named only on the polling page of the docs; its shape is not documented. */
  deliveryLineStatus?: unknown
}

/** Status of a line. */
export interface OrderLineStatus {
  processStatus?: 'Issued' | 'InProgress' | 'Confirmed' | 'Rejected' | 'Completed' | 'Cancelled' | (string & {}) | null
  /** What is in progress. Present only while `processStatus` is `InProgress`. */
  inProgressStatus?:
    | 'OpenSupplierProposal'
    | 'RejectedSupplierProposal'
    | 'ReissuedRejectedLine'
    | 'OpenBuyerReopenRequest'
    | 'OpenSupplierReopenRequest'
    | 'OpenBuyerReconfirmationRequest'
    | 'OpenSupplierShipmentRescheduleRequest'
    | 'ApprovedDeliverySchedule'
    | 'RejectedDeliverySchedule'
    | 'RevertedCompletedLine'
    | 'RevertedCancelledLine'
    | (string & {})
    | null
  logisticsStatus?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | 'Cancelled' | (string & {}) | null
  /** Named only on the polling page of the docs; its shape is not documented. */
  deliveryLineStatus?: unknown
}

/** What is ordered. */
export interface Item {
  /** The buyer's item number. May be empty. */
  number?: string | null
  revision?: string | null
  name?: string | null
  description?: string | null
  /** Purchase unit of the item, as the sender wrote it. No code list is enforced. */
  purchaseUnitOfMeasureIso?: string | null
  /** The supplier's item number. May be empty. */
  supplierItemNumber?: string | null
  /** Measurements of the item. */
  dimensions?: ItemDimension[] | null
}

/** A measurement of an item. */
export interface ItemDimension {
  /** What is measured. */
  attribute?: string | null
  /** The value, in `unitOfMeasureUnece`. */
  measure?: number | null
  /** Unit of `measure`, a UNECE code as the sender wrote it. */
  unitOfMeasureUnece?: string | null
}

/** Details of an item. */
export interface ItemDetails {
  /** ISO 3166-1 alpha-2 code of the country of origin. */
  countryOfOriginCodeIso2?: string | null
  combinedNomenclatureCode?: string | null
  /** Net weight in `netWeightUnitOfMeasureIso`. */
  netWeight?: number | null
  /** Unit of `netWeight`, as the sender wrote it. */
  netWeightUnitOfMeasureIso?: string | null
  dangerousGoodsCodeUnece?: string | null
  /** A string: leading zeros are significant. */
  serialNumber?: string | null
  /** A string: leading zeros are significant. */
  batchNumber?: string | null
}

/** Wrapper around the item details, according to one page of the docs. */
export interface NestedItemDetails {
  /** The item details. Other pages of the docs have them on the line itself. */
  mergedItemDetails?: ItemDetails | null
}

/** An actual delivery. */
export interface DeliveryHistoryLine {
  /** Position in the history. It need not match a position in the schedule. */
  position?: string | null
  /** When the goods were delivered, `YYYY-MM-DD`. */
  date?: string | null
  /** Delivered quantity. Any number of decimals. */
  quantity?: number | null
}

/** Prices of a line. May contain only `netPrice`, or only `grossPrice` with `discountPercentage`. */
export interface Prices {
  /** Price before discount. */
  grossPrice?: Price | null
  /** Price after discount. */
  netPrice?: Price | null
  /** Discount on the gross price, in percent. */
  discountPercentage?: number | null
  /** Unit that the price is for, as the sender wrote it. */
  priceUnitOfMeasureIso?: string | null
  /** Number of units that the price is for. */
  priceUnitQuantity?: number | null
}

/** A price in up to two currencies. */
export interface Price {
  priceInTransactionCurrency?: Money | null
  /** Price in the base currency. Optional. */
  priceInBaseCurrency?: Money | null
  /** Name of `priceInTransactionCurrency` until 2020-03. */
  priceInLocalCurrency?: Money | null
}

/** An amount of money. */
export interface Money {
  /** The amount, in `currencyIso`. Any number of decimals. */
  value?: number | null
  /** ISO code of the currency, such as `EUR`. */
  currencyIso?: string | null
}

/** A charge on a line. Deprecated since 2026-05: charges are now order lines of type `Charge`. */
export interface ChargeLine {
  /** Position of the charge. Missing on a new charge. */
  position?: string | null
  /** Kind of charge, as a UNCL7161 code. */
  chargeTypeCode?: string | null
  /** Kind of charge in words. */
  chargeDescription?: string | null
  /** Quantity of the charge. Any number of decimals. */
  quantity?: number | null
  /** Price of the charge, structured like `netPrice`. */
  price?: Price | null
  /** Unit that the price is for, as the sender wrote it. */
  priceUnitOfMeasureIso?: string | null
}

/** The contract that a line belongs to. */
export interface LineTerms {
  contractNumber?: string | null
  contractPosition?: string | null
}

/** Flags that the buyer set on a line. */
export interface BuyerLineIndicators {
  noDeliveryExpected?: boolean | null
  confirmed?: boolean | null
  requestReconfirmation?: boolean | null
  shipped?: boolean | null
  delivered?: boolean | null
  completed?: boolean | null
  cancelled?: boolean | null
  proposeWhenAccepted?: boolean | null
}

/** Certification of a line. Sent by buyers; might not appear in events. */
export interface Certification {
  typeCode?: string | null
  /** Type in words. */
  type?: string | null
  classificationSocietyCode?: string | null
  /** Name of the classification society. */
  classificationSociety?: string | null
}

/**
 * Documents that were attached to an order or its lines. The fields are inferred by analogy; they are not
 * documented.
 */
export interface OrderDocuments {
  /** Tradecloud's ID of the order. Opaque: do not parse it. */
  orderId?: string | null
  /** The buyer's part, with `documents` of the order. */
  buyerOrder?: BuyerOrder | null
  /** The supplier's part, with `documents` of the order. */
  supplierOrder?: SupplierOrder | null
  /** Documents of the order, structured as in the API for attaching documents. At most 100. */
  documents?: TradecloudDocument[] | null
  /** Lines that documents were attached to, at most 500. */
  lines?: OrderDocumentsLine[] | null
  /** Message metadata. Either here or next to `eventName`. */
  meta?: MessageMeta | null
  /** When the order last changed, ISO 8601. The time zone and fractional seconds may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` in the connector docs from 2022-04 to 2023-11. */
  lastChangedAt?: string | null
}

/** A line that documents were attached to. Inferred by analogy; not documented. */
export interface OrderDocumentsLine {
  /** Tradecloud's ID of the line. */
  id?: string | null
  /** The buyer's part, with `documents` of the line. */
  buyerLine?: BuyerLine | null
  /** The supplier's part, with `documents` of the line. */
  supplierLine?: SupplierLine | null
  /** Documents of the line, structured as in the API for attaching documents. At most 100. */
  documents?: TradecloudDocument[] | null
}

/** A shipment, always with all its lines and documents. */
export interface Shipment {
  /** Tradecloud's ID of the shipment. Opaque: do not parse it. */
  id?: string | null
  /** Transport numbers of the shipment, such as its tracking number. */
  identifiers?: ShipmentIdentifiers | null
  /** Mode of transport. Free text. */
  transportMode?: string | null
  /** The supplier's part. */
  supplierShipment?: SupplierShipment | null
  /** The buyer's part. */
  buyerShipment?: BuyerShipment | null
  /** Containers and packages, with the lines in them. At most 100. */
  loadCarriers?: LoadCarrier[] | null
  /** Lines that are not in a load carrier, at most 500. */
  lines?: ShipmentLine[] | null
  /** Where the goods depart and arrive. */
  locations?: ShipmentLocations | null
  /** Status of the shipment. */
  status?: ShipmentStatus | null
  /** When the shipment last changed. Not the metadata of the message. */
  meta?: ShipmentMeta | null
  /** Location of `identifiers.trackingNumber` from 2021-12 to 2023-07. */
  trackingNumber?: string | null
}

/** Transport numbers of a shipment, such as its tracking number. */
export interface ShipmentIdentifiers {
  billOfLadingNumber?: string | null
  /** When the bill of lading was issued, `YYYY-MM-DD`. Seen only in a .NET despatch advice. */
  billOfLadingIssueDate?: string | null
  imoNumber?: string | null
  /** The carrier's number for the shipment. */
  carrierShipmentNumber?: string | null
  trackingNumber?: string | null
}

/** The supplier's part of a shipment. */
export interface SupplierShipment {
  /** ID of the supplier's company at Tradecloud. */
  companyId?: string | null
  /** The supplier. */
  supplierParty?: Party | null
  /** Number of the buyer in the supplier's ERP system. */
  buyerAccountNumber?: string | null
  /** Number of the shipment in the supplier's ERP system. */
  shipmentNumber?: string | null
  /** Numbers of the invoices for the shipment. */
  invoiceNumbers?: string[] | null
  /** The supplier's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Contacts at the supplier. */
  contacts?: Contact[] | null
  /** Named only on the despatch advice page of the docs. */
  shipmentCompanyName?: string | null
}

/** The buyer's part of a shipment. */
export interface BuyerShipment {
  /** ID of the buyer's company at Tradecloud. */
  companyId?: string | null
  /** The buyer. */
  buyerParty?: Party | null
  /** Number of the supplier in the buyer's ERP system. */
  supplierAccountNumber?: string | null
  /** The buyer's documents, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Contacts at the buyer. */
  contacts?: Contact[] | null
  purchaseOrderTerms?: Terms | null
}

/** A container or package, with the lines in it. */
export interface LoadCarrier {
  containerNumber?: string | null
  containerSizeAndType?: string | null
  /** Serial Shipping Container Code of the package. */
  packageSSCC?: string | null
  packageType?: string | null
  /** Lines in this load carrier. */
  lines?: ShipmentLine[] | null
}

/** A line of a shipment, identified by its despatch advice number and line position together. */
export interface ShipmentLine {
  purchaseOrderNumber?: string | null
  purchaseOrderLinePosition?: string | null
  /** Position of the delivery in the schedule of the order line. */
  deliverySchedulePosition?: string | null
  /** What is shipped. */
  item?: ShipmentItem | null
  /** The supplier's part. */
  supplierLine?: ShipmentSupplierLine | null
  /** When the line last changed. */
  meta?: ShipmentMeta | null
}

/** What is shipped. */
export interface ShipmentItem {
  buyerItemNumber?: string | null
  buyerItemRevision?: string | null
  buyerItemName?: string | null
  supplierItemNumber?: string | null
  supplierItemRevision?: string | null
  supplierItemName?: string | null
  /** Purchase unit of the item, as the sender wrote it. No code list is enforced. */
  purchaseUnitOfMeasureIso?: string | null
}

/** The supplier's part of a shipment line. */
export interface ShipmentSupplierLine {
  despatchAdviceNumber?: string | null
  /** Position in the despatch advice. Unique only in combination with `despatchAdviceNumber`. */
  despatchAdviceLinePosition?: string | null
  /** Quantity in the shipment. Any number of decimals. */
  despatchQuantity?: number | null
  /** Quantity on back order. Any number of decimals. */
  backorderQuantity?: number | null
  /** Date of the back order, `YYYY-MM-DD`. Seen only in .NET despatch advices. */
  backorderDate?: string | null
}

/** Where a shipment departs and arrives. */
export interface ShipmentLocations {
  /** Where and when the goods depart. */
  departure?: ShipmentDeparture | null
  /** Where and when the goods arrive. */
  destinations?: ShipmentDestination[] | null
  /** A destination. Used from 2021-12 to 2023-07; now in `destinations`. */
  destination?: ShipmentDestination | null
  /** The final destination. Used from 2021-12 to 2023-07; now in `destinations`. */
  finalDestination?: ShipmentDestination | null
}

/** Where and when a shipment departs. Dates are local. */
export interface ShipmentDeparture {
  location?: ShipmentLocation | null
  /** Expected date of departure, `YYYY-MM-DD`. */
  etdDate?: string | null
  /** Actual date of departure, `YYYY-MM-DD`. */
  atdDate?: string | null
  /** Name of `atdDate` from 2021-12 to 2023-07, `YYYY-MM-DD`. */
  actualDate?: string | null
}

/** Where and when a shipment arrives. Dates and times are local. */
export interface ShipmentDestination {
  location?: ShipmentLocation | null
  /** Start date of the expected arrival window, `YYYY-MM-DD`. */
  etaStartDate?: string | null
  /** Start time of the expected arrival window, `hh:mm:ss`. */
  etaStartTime?: string | null
  /** End date of the expected arrival window, `YYYY-MM-DD`. */
  etaEndDate?: string | null
  /** End time of the expected arrival window, `hh:mm:ss`. */
  etaEndTime?: string | null
  /** Expected date of arrival, `YYYY-MM-DD`. */
  etaDate?: string | null
  /** Actual date of arrival, `YYYY-MM-DD`. */
  ataDate?: string | null
  /** Expected date of departure from this destination, `YYYY-MM-DD`. */
  etdDate?: string | null
  /** Actual date of departure from this destination, `YYYY-MM-DD`. */
  atdDate?: string | null
  /** Name of `etaStartDate` from 2021-12 to 2023-07, `YYYY-MM-DD`. */
  scheduledStartDate?: string | null
  /** Name of `etaStartTime` from 2021-12 to 2023-07, `hh:mm:ss`. */
  scheduledStartTime?: string | null
  /** Name of `etaEndDate` from 2021-12 to 2023-07, `YYYY-MM-DD`. */
  scheduledEndDate?: string | null
  /** Name of `etaEndTime` from 2021-12 to 2023-07, `hh:mm:ss`. */
  scheduledEndTime?: string | null
}

/** A location on the route of a shipment. */
export interface ShipmentLocation {
  /** Kind of location. */
  locationType?:
    | 'AgreedPlace'
    | 'PortOfLoading'
    | 'PortOfDestination'
    | 'PlaceOfDestination'
    | 'FinalDestination'
    | (string & {})
    | null
  /** Identifier of the location within `idScheme`. */
  id?: string | null
  /** Scheme of `id`. */
  idScheme?: 'GLN' | 'KvK' | (string & {}) | null
  /** Name of the location, one entry per line. */
  names?: string[] | null
  /** Address lines: street, number, building. */
  addressLines?: string[] | null
  postalCode?: string | null
  city?: string | null
  /** ISO 3166-1 alpha-2 country code, under its name in the .NET examples. Read `countryCodeIso` too. */
  countryCodeIso2?: string | null
  /** Country code, under its name in the docs. Read `countryCodeIso2` too. */
  countryCodeIso?: string | null
}

/** Status of a shipment. */
export interface ShipmentStatus {
  /** More values may be added. */
  processStatus?: 'Issued' | 'Approved' | 'Rejected' | (string & {}) | null
  /** Why the shipment has its process status. */
  processStatusReason?: string | null
}

/** When a shipment or one of its lines last changed. */
export interface ShipmentMeta {
  /** When the shipment or line last changed, ISO 8601. A new or changed line has the same value as its shipment. */
  lastUpdatedAt?: string | null
  /** Metadata from the supplier's ERP system. In lines, only from 2021-12 to 2023-07. */
  supplierErpMeta?: SupplierErpMeta | null
  /** Name of `lastUpdatedAt` in the connector docs from 2022-04 to 2023-11. */
  lastChangedAt?: string | null
}

/** Metadata of a despatch advice from the supplier's ERP system. */
export interface SupplierErpMeta {
  /** When the despatch advice was issued. Local time, `YYYY-MM-DDThh:mm:ss`. */
  despatchAdviceErpIssueDateTime?: string | null
}

/** Identifies the message that carried an event. */
export interface MessageMeta {
  /** UUID of the message. Whether a retry has the same one is not documented. */
  messageId?: string | null
  /** The flow that the message belongs to, and who started it. */
  source?: MessageSource | null
  /** When the message was created, ISO 8601. The time zone and fractional seconds may be missing. */
  createdDateTime?: string | null
}

/** The flow that a message belongs to, and who started it. */
export interface MessageSource {
  /** ID that all messages of one flow share. */
  traceId?: string | null
  /** ID of the user who triggered the first message of the flow. May be missing. */
  userId?: string | null
  /** ID of the company of that user. May be missing. */
  companyId?: string | null
  /** Seen only in .NET clients, where it is `Legacy` or missing. Its meaning is not documented. */
  origin?: 'Legacy' | (string & {}) | null
}

/** A custom key-value pair. */
export interface Property {
  /** Name of the property, chosen by the sender. */
  key?: string | null
  /** Value as text. May contain line breaks (`\n`). */
  value?: string | null
}

/** A document of an order, a line or a shipment. Does not contain the file itself. */
export interface TradecloudDocument {
  code?: string | null
  revision?: string | null
  name?: string | null
  description?: string | null
  /** Kind of document. Free text, such as `General`, `Invoice` or `Packing List`. */
  type?: string | null
  /** ID of the file at Tradecloud; identical files may share it. Prefer it to `url`. */
  objectId?: string | null
  /** URL of a file that the other company stores. Chosen by that company, and not checked by Tradecloud. */
  url?: string | null
  /** When the document last changed. Only in shipments. */
  meta?: DocumentMeta | null
}

/** Metadata of a document in a shipment. */
export interface DocumentMeta {
  /** When the document last changed, ISO 8601. A new or changed document has the same value as its shipment. */
  lastUpdatedAt?: string | null
}

/** A company with its address. */
export interface Party {
  /** Identifier of the company within `idScheme`. */
  id?: string | null
  /** Scheme of `id`. */
  idScheme?: 'GLN' | 'KvK' | (string & {}) | null
  /** Company name, one entry per line. */
  names?: string[] | null
  /** Address lines: street, number, building. */
  addressLines?: string[] | null
  postalCode?: string | null
  city?: string | null
  /** ISO 3166-1 alpha-2 country code, such as `NL`. */
  countryCodeIso2?: string | null
  countryName?: string | null
}

/** A contact person. For orders, only `email` is documented. */
export interface Contact {
  email?: string | null
  /** ID of the user at Tradecloud. Documented only for shipments. */
  userId?: string | null
  /** Named only in Tradecloud's rules for identifiers. */
  userName?: string | null
  /** Documented only for shipments. */
  firstName?: string | null
  /** Documented only for shipments. */
  lastName?: string | null
  /** Documented only for shipments. */
  position?: string | null
  /** Documented only for shipments. */
  phoneNumber?: string | null
}

/** Terms of delivery and payment of a whole order. */
export interface Terms {
  /** Incoterms code, such as `DAP`. */
  incotermsCode?: string | null
  /** Incoterms in words. */
  incoterms?: string | null
  paymentTermsCode?: string | null
  /** Payment terms in words. */
  paymentTerms?: string | null
}

/** Body of an order webhook: `eventName`, and exactly one field that contains the event. */
export interface OrderWebhookBody {
  /** What happened. New names may be added at any time. */
  eventName?: string | null
  /** The order, with delivery schedules. */
  orderEvent?: Order | null
  /** The order, with one delivery per line. */
  singleDeliveryOrderEvent?: SingleDeliveryOrder | null
  /** Name of `singleDeliveryOrderEvent` from 2023-09 to 2024-04. */
  simpleOrderEvent?: SingleDeliveryOrder | null
  /** Documents that were attached. */
  orderDocumentsEvent?: OrderDocuments | null
  /** Message metadata. Either here or inside the event. */
  meta?: MessageMeta | null
}

/** Body of a shipment webhook. */
export interface ShipmentWebhookBody {
  /** What happened. New names may be added at any time. */
  eventName?: string | null
  /** The shipment, with all its lines and documents. */
  shipment?: Shipment | null
  /** Message metadata. Not the same as `shipment.meta`. */
  meta?: MessageMeta | null
}
