/**
 * Types of what Tradecloud sends. Generated from the JSON Schemas in this folder by `npm run types`: do not edit.
 *
 * Every field may be missing, `null` or empty: only `eventName` and the field that holds the event are sure.
 * In tolerant mode a value may differ from its type (a quantity may arrive as text); `event.issues` then says where.
 * Further fields may be there: Tradecloud adds fields, values and events at any time.
 */

/** An order in delivery schedules. In an event with only the lines that it changed, else with all. */
export interface Order {
  /** Tradecloud's ID of the order, in an event. Not to be taken apart. */
  orderId?: string | null
  /** Tradecloud's ID of the order, where it was fetched or polled, and in events to 2020-06. */
  id?: string | null
  /** UUID of the order on the old platform. Seen in the tXML example only. */
  legacyOrderId?: string | null
  /** The part of the buyer. */
  buyerOrder?: BuyerOrder | null
  /** The part of the supplier. */
  supplierOrder?: SupplierOrder | null
  /** Lines, at most 500. In an event only those that it changed. */
  lines?: OrderLine[] | null
  /** What Tradecloud notes of the order. */
  indicators?: OrderIndicators | null
  /** Status of the order, summed up over all its lines. */
  status?: OrderStatus | null
  /** Version of the order: a whole number that most likely rises with each change. */
  version?: number | null
  /** Key dates of the order. Their names are not documented. */
  eventDates?: unknown
  /** Why the event happened. Seen in a C# receiver only. */
  reason?: string | null
  /** Where to see the order in the portal. Seen in a C# receiver only. */
  portalUrl?: string | null
  /** Identifies the message. Here, or beside `eventName`. */
  meta?: MessageMeta | null
  /** Last change of the order. ISO 8601; zone and fraction may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` from 2022-04 to 2023-11, in connector docs. */
  lastChangedAt?: string | null
  /** First delivery, ISO 8601. Seen in order search only; its place in an event is not known. */
  firstDeliveryDate?: string | null
  /** Seen in order search only; shape and place in an event are not known. */
  customLabels?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  predictions?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  totalAmountIncludingRequests?: unknown
}

/** A line of an order. */
export interface OrderLine {
  /** Tradecloud's ID of the line. */
  id?: string | null
  /** Kind of line, `Item` unless said otherwise. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, a UNCL7161 code. On lines of type `Charge`. */
  chargeReasonCode?: string | null
  /** The part of the buyer. */
  buyerLine?: BuyerLine | null
  /** The part of the supplier. */
  supplierLine?: SupplierLine | null
  /** What was agreed. Binding only when `status.processStatus` is `Confirmed`. */
  confirmedLine?: ConfirmedLine | null
  /** Current deliveries, issued or confirmed, without open requests. At most 100. */
  deliverySchedule?: Delivery[] | null
  /** Current deliveries with what open requests ask for. At most 100. */
  deliveryScheduleIncludingRequests?: Delivery[] | null
  /** What was delivered, at most 100. Uncertain whether it is received here or in `buyerLine`. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Current prices, issued or confirmed, without open requests. */
  prices?: Prices | null
  /** Current prices with what open requests ask for. */
  pricesIncludingRequests?: Prices | null
  /** Charges on the line. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** What Tradecloud notes of the line. */
  indicators?: OrderIndicators | null
  /** Status of the line. */
  status?: OrderLineStatus | null
  /** Key dates of the line. Their names are not documented. */
  eventDates?: unknown
  /** Item details. */
  mergedItemDetails?: ItemDetails | null
  /** One page of the docs puts `mergedItemDetails` in here. */
  itemDetails?: NestedItemDetails | null
  /** Last change of the line. ISO 8601; zone and fraction may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` from 2022-04 to 2023-11, in connector docs. */
  lastChangedAt?: string | null
  /** Why the line changed. Seen in a C# receiver only. */
  reason?: string | null
  /** Where to see the line in the portal. Seen in a C# receiver only. */
  portalUrl?: string | null
  /** First delivery, ISO 8601. Seen in order search only; its place in an event is not known. */
  firstDeliveryDate?: string | null
  /** Seen in order search only; shape and place in an event are not known. */
  customLabels?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  predictions?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  totalAmountIncludingRequests?: unknown
}

/** The part of a line that is the buyer's, mostly as the buyer sent it. */
export interface BuyerLine {
  /** Unique in the order and never changed. Missing, `null` or empty on a line newly split off. */
  position?: string | null
  /** Position of the line that this one is a part of. In the single delivery form. */
  originalPosition?: string | null
  /** A label for the row, no identifier. */
  row?: string | null
  /** Description of the line. */
  description?: string | null
  /** What is ordered. */
  item?: Item | null
  /** Deliveries that the buyer asks for, at most 100. */
  deliverySchedule?: Delivery[] | null
  /** Prices that the buyer asks for. */
  prices?: Prices | null
  /** Requests of the buyer. */
  requests?: BuyerRequests | null
  /** Contract of the line. */
  terms?: LineTerms | null
  /** Project number. */
  projectNumber?: string | null
  /** Production number. */
  productionNumber?: string | null
  /** Sales order number that the buyer put on the line. */
  salesOrderNumber?: string | null
  /** Flags that the buyer set. */
  indicators?: BuyerLineIndicators | null
  /** Free pairs of key and value of the buyer. */
  properties?: Property[] | null
  /** Notes of the buyer. A note may hold line breaks (`\n`). */
  notes?: string[] | null
  /** Labels of the buyer. */
  labels?: string[] | null
  /** Documents of the buyer, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Why the buyer changed the line. */
  reason?: string | null
  /** Kind of line. Here in a draft of 2026-05 only, else on the line itself. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, a UNCL7161 code. Here in a draft of 2026-05 only, else on the line itself. */
  chargeReasonCode?: string | null
  /** Item details of the buyer. Buyers send it; uncertain in an event. */
  itemDetails?: ItemDetails | null
  /** What was delivered, at most 100. Buyers send it; uncertain in an event. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Charges on the line. Buyers send it; uncertain in an event. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Certification. Buyers send it; uncertain in an event. */
  certification?: Certification | null
}

/** Requests of the buyer on a line. */
export interface BuyerRequests {
  /** Request to reopen a confirmed line. */
  reopenRequest?: LineRequest | null
}

/** The part of a line that is the supplier's, mostly as sent in the order response. */
export interface SupplierLine {
  /** Number of the sales order in the supplier's ERP system. */
  salesOrderNumber?: string | null
  /** Position in the sales order. */
  salesOrderPosition?: string | null
  /** Position in the sales order, under the name that a C# receiver and order responses use. */
  salesOrderLinePosition?: string | null
  /** Position in the sales order, under the name of docs to 2020-04 and of order line search. */
  position?: string | null
  /** Description by the supplier. */
  description?: string | null
  /** Requests of the supplier. */
  requests?: SupplierRequests | null
  /** Earlier place of `requests.proposal`, to 2022-03. */
  proposal?: LineRequest | null
  /** Free pairs of key and value of the supplier. */
  properties?: Property[] | null
  /** Notes of the supplier. A note may hold line breaks (`\n`). */
  notes?: string[] | null
  /** Documents of the supplier, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Why the supplier changed the line. */
  reason?: string | null
  /** Item details of the supplier. Suppliers send it; uncertain in an event. */
  itemDetails?: ItemDetails | null
  /** Deliveries of the order response, at most 100. Suppliers send it; uncertain in an event. */
  deliverySchedule?: Delivery[] | null
  /** Prices of the order response. Suppliers send it; uncertain in an event. */
  prices?: Prices | null
  /** Charges on the line. Suppliers send it; uncertain in an event. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Flags of the supplier. Suppliers send it; uncertain in an event. */
  indicators?: SupplierIndicators | null
}

/** Requests of the supplier on a line. */
export interface SupplierRequests {
  /** Proposal of other deliveries or prices. */
  proposal?: LineRequest | null
  /** Request to reopen a confirmed line. */
  reopenRequest?: LineRequest | null
}

/** A request of one side that the other side approves or rejects. */
export interface LineRequest {
  /** Deliveries that are asked for, at most 100. */
  deliverySchedule?: Delivery[] | null
  /** Prices that are asked for. */
  prices?: Prices | null
  /** Charges that are asked for. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Why it is asked for. */
  reason?: string | null
  /** State of the request. `Proposed` is only in `supplierLine.proposal`, for `Open`. */
  status?: 'Open' | 'Approved' | 'Rejected' | 'Closed' | 'Proposed' | (string & {}) | null
}

/** What buyer and supplier agreed on. Binding only when the process status is `Confirmed`. */
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
  /** Date of delivery, `YYYY-MM-DD`. A supplier who does not know it may leave it out. */
  date?: string | null
  /** Quantity, any number of decimals. A supplier who does not know it may leave it out. */
  quantity?: number | null
  /** Mode of transport. Free text. */
  transportMode?: string | null
  /** Name of the place of delivery. Seen in bodies that buyers send. */
  locationName?: string | null
  /** Kind of place. Free text. Seen in bodies that buyers send. */
  locationType?: string | null
  /** Logistics status of the delivery. Only in the schedules of the line itself. */
  status?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | (string & {}) | null
  /** Expected departure, `YYYY-MM-DD`. Only in the schedules of the line itself. */
  etd?: string | null
  /** Expected arrival, `YYYY-MM-DD`. Only in the schedules of the line itself. */
  eta?: string | null
}

/** An order with one delivery a line. In an event with only the lines that it changed. */
export interface SingleDeliveryOrder {
  /** Tradecloud's ID of the order, in an event. Not to be taken apart. */
  orderId?: string | null
  /** Tradecloud's ID of the order, where it was fetched or polled, and in events to 2020-06. */
  id?: string | null
  /** UUID of the order on the old platform. Seen in the tXML example only. */
  legacyOrderId?: string | null
  /** The part of the buyer. */
  buyerOrder?: BuyerOrder | null
  /** The part of the supplier. */
  supplierOrder?: SupplierOrder | null
  /** The lines that the event changed, at most 500. */
  lines?: SingleDeliveryOrderLine[] | null
  /** What Tradecloud notes of the order. */
  indicators?: OrderIndicators | null
  /** Status of the order, summed up over all its lines. */
  status?: OrderStatus | null
  /** Version of the order: a whole number that most likely rises with each change. */
  version?: number | null
  /** Key dates of the order. Their names are not documented. */
  eventDates?: unknown
  /** Why the event happened. Seen in a C# receiver only. */
  reason?: string | null
  /** Where to see the order in the portal. Seen in a C# receiver only. */
  portalUrl?: string | null
  /** Identifies the message. Here, or beside `eventName`. */
  meta?: MessageMeta | null
  /** Last change of the order. ISO 8601; zone and fraction may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` from 2022-04 to 2023-11, in connector docs. */
  lastChangedAt?: string | null
  /** First delivery, ISO 8601. Seen in order search only; its place in an event is not known. */
  firstDeliveryDate?: string | null
  /** Seen in order search only; shape and place in an event are not known. */
  customLabels?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  predictions?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  totalAmountIncludingRequests?: unknown
}

/** A line of an order. */
export interface SingleDeliveryOrderLine {
  /** Tradecloud's ID of the line. */
  id?: string | null
  /** Kind of line, `Item` unless said otherwise. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, a UNCL7161 code. On lines of type `Charge`. */
  chargeReasonCode?: string | null
  /** The part of the buyer. */
  buyerLine?: SingleDeliveryBuyerLine | null
  /** The part of the supplier. */
  supplierLine?: SingleDeliverySupplierLine | null
  /** What was agreed. Binding only when `status.processStatus` is `Confirmed`. */
  confirmedLine?: SingleDeliveryConfirmedLine | null
  /** Current delivery and prices. */
  statusLine?: StatusLine | null
  /** Delivery with open requests. Here from 2023-09 to 2024-01 only, then in `statusLine`. */
  scheduledDelivery?: ScheduledDelivery | null
  /** What was delivered, at most 100. Uncertain whether it is received here or in `buyerLine`. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Prices with open requests. Here from 2023-09 to 2024-01 only, then in `statusLine`. */
  prices?: Prices | null
  /** Charges on the line. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** What Tradecloud notes of the line. */
  indicators?: OrderIndicators | null
  /** Status of the line. */
  status?: OrderLineStatus | null
  /** Key dates of the line. Their names are not documented. */
  eventDates?: unknown
  /** Item details. */
  mergedItemDetails?: ItemDetails | null
  /** One page of the docs puts `mergedItemDetails` in here. */
  itemDetails?: NestedItemDetails | null
  /** Last change of the line. ISO 8601; zone and fraction may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` from 2022-04 to 2023-11, in connector docs. */
  lastChangedAt?: string | null
  /** Why the line changed. Seen in a C# receiver only. */
  reason?: string | null
  /** Where to see the line in the portal. Seen in a C# receiver only. */
  portalUrl?: string | null
  /** First delivery, ISO 8601. Seen in order search only; its place in an event is not known. */
  firstDeliveryDate?: string | null
  /** Seen in order search only; shape and place in an event are not known. */
  customLabels?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  predictions?: unknown
  /** Seen in order search only; shape and place in an event are not known. */
  totalAmountIncludingRequests?: unknown
}

/** The part of a line that is the buyer's, mostly as the buyer sent it. */
export interface SingleDeliveryBuyerLine {
  /** Unique in the order and never changed. Missing, `null` or empty on a line newly split off. */
  position?: string | null
  /** Position of the line that this one is a part of. In the single delivery form. */
  originalPosition?: string | null
  /** A label for the row, no identifier. */
  row?: string | null
  /** Description of the line. */
  description?: string | null
  /** What is ordered. */
  item?: Item | null
  /** Delivery that the buyer asks for. By analogy; not documented for this form. */
  scheduledDelivery?: ScheduledDelivery | null
  /** What was delivered, as the buyer sent it. By analogy; not documented for this form. */
  actualDelivery?: ActualDelivery | null
  /** Prices that the buyer asks for. */
  prices?: Prices | null
  /** Requests of the buyer. */
  requests?: SingleDeliveryBuyerRequests | null
  /** Contract of the line. */
  terms?: LineTerms | null
  /** Project number. */
  projectNumber?: string | null
  /** Production number. */
  productionNumber?: string | null
  /** Sales order number that the buyer put on the line. */
  salesOrderNumber?: string | null
  /** Flags that the buyer set. */
  indicators?: BuyerLineIndicators | null
  /** Free pairs of key and value of the buyer. */
  properties?: Property[] | null
  /** Notes of the buyer. A note may hold line breaks (`\n`). */
  notes?: string[] | null
  /** Labels of the buyer. */
  labels?: string[] | null
  /** Documents of the buyer, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Why the buyer changed the line. */
  reason?: string | null
  /** Kind of line. Here in a draft of 2026-05 only, else on the line itself. */
  lineType?: 'Item' | 'Service' | 'Charge' | (string & {}) | null
  /** Kind of charge, a UNCL7161 code. Here in a draft of 2026-05 only, else on the line itself. */
  chargeReasonCode?: string | null
  /** Item details of the buyer. Buyers send it; uncertain in an event. */
  itemDetails?: ItemDetails | null
  /** What was delivered, at most 100. Buyers send it; uncertain in an event. */
  deliveryHistory?: DeliveryHistoryLine[] | null
  /** Charges on the line. Buyers send it; uncertain in an event. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Certification. Buyers send it; uncertain in an event. */
  certification?: Certification | null
}

/** Requests of the buyer on a line. */
export interface SingleDeliveryBuyerRequests {
  /** Request to reopen a confirmed line. */
  reopenRequest?: SingleDeliveryLineRequest | null
}

/** The part of a line that is the supplier's, mostly as sent in the order response. */
export interface SingleDeliverySupplierLine {
  /** Number of the sales order in the supplier's ERP system. */
  salesOrderNumber?: string | null
  /** Position in the sales order. */
  salesOrderPosition?: string | null
  /** Position in the sales order, under the name that a C# receiver and order responses use. */
  salesOrderLinePosition?: string | null
  /** Position in the sales order, under the name of docs to 2020-04 and of order line search. */
  position?: string | null
  /** Description by the supplier. */
  description?: string | null
  /** Requests of the supplier. */
  requests?: SingleDeliverySupplierRequests | null
  /** Earlier place of `requests.proposal`, to 2022-03. */
  proposal?: SingleDeliveryLineRequest | null
  /** Free pairs of key and value of the supplier. */
  properties?: Property[] | null
  /** Notes of the supplier. A note may hold line breaks (`\n`). */
  notes?: string[] | null
  /** Documents of the supplier, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Why the supplier changed the line. */
  reason?: string | null
  /** Item details of the supplier. Suppliers send it; uncertain in an event. */
  itemDetails?: ItemDetails | null
  /** Delivery of the order response. By analogy; uncertain in an event. */
  scheduledDelivery?: ScheduledDelivery | null
  /** Prices of the order response. Suppliers send it; uncertain in an event. */
  prices?: Prices | null
  /** Charges on the line. Suppliers send it; uncertain in an event. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Flags of the supplier. Suppliers send it; uncertain in an event. */
  indicators?: SupplierIndicators | null
}

/** Requests of the supplier on a line. */
export interface SingleDeliverySupplierRequests {
  /** Proposal of other deliveries or prices. */
  proposal?: SingleDeliveryLineRequest | null
  /** Request to reopen a confirmed line. */
  reopenRequest?: SingleDeliveryLineRequest | null
}

/** A request of one side that the other side approves or rejects. */
export interface SingleDeliveryLineRequest {
  /** Delivery that is asked for. By analogy; not documented for this form. */
  scheduledDelivery?: ScheduledDelivery | null
  /** Prices that are asked for. */
  prices?: Prices | null
  /** Charges that are asked for. Deprecated since 2026-05. */
  chargeLines?: ChargeLine[] | null
  /** Why it is asked for. */
  reason?: string | null
  /** State of the request. `Proposed` is only in `supplierLine.proposal`, for `Open`. */
  status?: 'Open' | 'Approved' | 'Rejected' | 'Closed' | 'Proposed' | (string & {}) | null
}

/** What buyer and supplier agreed on. Binding only when the process status is `Confirmed`. */
export interface SingleDeliveryConfirmedLine {
  /** Agreed delivery. By analogy; not documented for this form. */
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
  /** Current delivery with what open requests ask for. */
  scheduledDeliveryInclRequests?: ScheduledDelivery | null
  /** Other name of `scheduledDeliveryInclRequests`, in two sentences of the docs. */
  deliveryScheduleInclRequests?: ScheduledDelivery | null
  /** Current prices, issued or confirmed, without open requests. */
  prices?: Prices | null
  /** Current prices with what open requests ask for. */
  pricesInclRequests?: Prices | null
}

/** The one delivery of a line in the single delivery form. */
export interface ScheduledDelivery {
  /** Position in the schedule. Mostly missing in this form. */
  position?: string | null
  /** Date of delivery, `YYYY-MM-DD`. A supplier who does not know it may leave it out. */
  date?: string | null
  /** Quantity, any number of decimals. A supplier who does not know it may leave it out. */
  quantity?: number | null
  /** Mode of transport. Free text. */
  transportMode?: string | null
  /** Name of the place of delivery. Seen in bodies that buyers send. */
  locationName?: string | null
  /** Kind of place. Free text. Seen in bodies that buyers send. */
  locationType?: string | null
  /** Logistics status of the delivery. Only in `statusLine`, or on the line itself. */
  status?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | (string & {}) | null
  /** Expected departure, `YYYY-MM-DD`. Only in `statusLine`, or on the line itself. */
  etd?: string | null
  /** Expected arrival, `YYYY-MM-DD`. Only in `statusLine`, or on the line itself. */
  eta?: string | null
}

/** What was delivered, as the buyer sent it. */
export interface ActualDelivery {
  /** When the goods were delivered, `YYYY-MM-DD`. */
  date?: string | null
  /** Delivered quantity. Any number of decimals. */
  quantity?: number | null
}

/** The part of an order that is the buyer's, mostly as the buyer sent it. */
export interface BuyerOrder {
  /** ID of the buyer's company at Tradecloud. */
  companyId?: string | null
  /** Number of the supplier in the buyer's ERP system. */
  supplierAccountNumber?: string | null
  /** Number of the order in the buyer's ERP system. */
  purchaseOrderNumber?: string | null
  /** Description of the order. */
  description?: string | null
  /** The buyer. */
  buyerParty?: Party | null
  /** The accounting party of the buyer. */
  buyerAccountingParty?: Party | null
  /** The supplier, as the buyer knows it. */
  supplierParty?: Party | null
  /** Where to deliver. */
  destination?: Destination | null
  /** Terms of delivery and payment. */
  terms?: Terms | null
  /** Flags that the buyer set. */
  indicators?: BuyerOrderIndicators | null
  /** Free pairs of key and value of the buyer. */
  properties?: Property[] | null
  /** Notes of the buyer. A note may hold line breaks (`\n`). */
  notes?: string[] | null
  /** Labels of the buyer. */
  labels?: string[] | null
  /** Documents of the buyer, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Contact at the buyer. */
  contact?: Contact | null
  /** Kind of order, `Purchase` unless said otherwise. */
  orderType?: 'Purchase' | 'Forecast' | 'RFQ' | (string & {}) | null
  /** Contact at the supplier. Buyers send it; uncertain in an event. */
  supplierContact?: Contact | null
  /** When the ERP system issued the order, ISO 8601. Buyers send it; uncertain in an event. */
  erpIssueDateTime?: string | null
  /** Who issued the order in the ERP system. Buyers send it; uncertain in an event. */
  erpIssuedBy?: ErpUser | null
  /** When the ERP system last changed the order, ISO 8601. Uncertain in an event. */
  erpLastChangeDateTime?: string | null
  /** Who last changed the order in the ERP system. Buyers send it; uncertain in an event. */
  erpLastChangedBy?: ErpUser | null
}

/** Flags that the buyer set on a whole order. */
export interface BuyerOrderIndicators {
  /** Confirmed. */
  confirmed?: boolean | null
  /** Shipped. */
  shipped?: boolean | null
  /** Delivered. */
  delivered?: boolean | null
  /** Completed. */
  completed?: boolean | null
  /** Cancelled. */
  cancelled?: boolean | null
  /** Cancel a line when it is missing. */
  cancelLineWhenMissing?: boolean | null
  /** Auto confirm. */
  autoConfirm?: boolean | null
  /** Request reconfirmation. Documented here too, but seen on lines. */
  requestReconfirmation?: boolean | null
  /** No delivery is expected. Seen in .NET order samples only. */
  noDeliveryExpected?: boolean | null
}

/** Where an order is delivered. */
export interface Destination {
  /** Code of the place. */
  code?: string | null
  /** Name lines of the place. */
  names?: string[] | null
  /** Address lines: street, number, building. */
  addressLines?: string[] | null
  /** Postal code. */
  postalCode?: string | null
  /** City. */
  city?: string | null
  /** Country as ISO 3166-1 alpha-2 code, such as `NL`. */
  countryCodeIso2?: string | null
  /** Name of the country. */
  countryName?: string | null
  /** Kind of place. Free text, such as `warehouse`. */
  locationType?: string | null
}

/** A user of an ERP system. */
export interface ErpUser {
  /** E-mail address of the user. */
  email?: string | null
  /** Name of the user. */
  userName?: string | null
}

/** The part of an order that is the supplier's, mostly as sent in the order response. */
export interface SupplierOrder {
  /** ID of the supplier's company at Tradecloud. */
  companyId?: string | null
  /** Number of the buyer in the supplier's ERP system. */
  buyerAccountNumber?: string | null
  /** Description by the supplier. */
  description?: string | null
  /** Contact at the supplier. */
  contact?: Contact | null
  /** Free pairs of key and value of the supplier. */
  properties?: Property[] | null
  /** Notes of the supplier. A note may hold line breaks (`\n`). */
  notes?: string[] | null
  /** Documents of the supplier, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Flags of the supplier. Suppliers send it; uncertain in an event. */
  indicators?: SupplierIndicators | null
  /** When the ERP system sent the order response, ISO 8601. Suppliers send it; uncertain in an event. */
  erpResponseDateTime?: string | null
  /** Who sent the order response from the ERP system. Suppliers send it; uncertain in an event. */
  erpRespondedBy?: ErpUser | null
}

/** Flags that the supplier set. Sent with an order response; uncertain in an event. */
export interface SupplierIndicators {
  /** Accepted. */
  accepted?: boolean | null
  /** Rejected. */
  rejected?: boolean | null
  /** Cancelled. Seen in order responses only. */
  cancelled?: boolean | null
  /** Shipped. Seen in order responses only. */
  shipped?: boolean | null
}

/** What Tradecloud notes of an order or a line. */
export interface OrderIndicators {
  /** The line, or at least one line of the order, is overdue. */
  deliveryOverdue?: boolean | null
}

/** Status of an order, summed up over its lines. */
export interface OrderStatus {
  /** Process status, summed up over the lines. */
  processStatus?: 'Issued' | 'InProgress' | 'Confirmed' | 'Rejected' | 'Completed' | 'Cancelled' | (string & {}) | null
  /** Logistics status, summed up over the lines. */
  logisticsStatus?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | 'Cancelled' | (string & {}) | null
  /** What is in progress. Named on the polling page only; documented for lines. */
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
  /** Named on the polling page only; its shape is not documented. */
  deliveryLineStatus?: unknown
}

/** Status of a line. */
export interface OrderLineStatus {
  /** Process status. */
  processStatus?: 'Issued' | 'InProgress' | 'Confirmed' | 'Rejected' | 'Completed' | 'Cancelled' | (string & {}) | null
  /** What is in progress. Only while `processStatus` is `InProgress`. */
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
  /** Logistics status. */
  logisticsStatus?: 'Open' | 'Produced' | 'ReadyToShip' | 'Shipped' | 'Delivered' | 'Cancelled' | (string & {}) | null
  /** Named on the polling page only; its shape is not documented. */
  deliveryLineStatus?: unknown
}

/** What is ordered. */
export interface Item {
  /** Item number of the buyer. May be empty. */
  number?: string | null
  /** Revision of the item. */
  revision?: string | null
  /** Name of the item. */
  name?: string | null
  /** Description of the item. */
  description?: string | null
  /** Purchase unit of the item, as the sender wrote it. No code list is enforced. */
  purchaseUnitOfMeasureIso?: string | null
  /** Item number of the supplier. May be empty. */
  supplierItemNumber?: string | null
  /** Measures of the item. */
  dimensions?: ItemDimension[] | null
}

/** One measure of an item. */
export interface ItemDimension {
  /** What is measured. */
  attribute?: string | null
  /** The figure, in `unitOfMeasureUnece`. */
  measure?: number | null
  /** Unit of `measure`, a UNECE code as the sender wrote it. */
  unitOfMeasureUnece?: string | null
}

/** Details of an item. */
export interface ItemDetails {
  /** Country of origin as ISO 3166-1 alpha-2 code. */
  countryOfOriginCodeIso2?: string | null
  /** Combined nomenclature code. */
  combinedNomenclatureCode?: string | null
  /** Net weight in `netWeightUnitOfMeasureIso`. */
  netWeight?: number | null
  /** Unit of `netWeight`, as the sender wrote it. */
  netWeightUnitOfMeasureIso?: string | null
  /** UNECE code of dangerous goods. */
  dangerousGoodsCodeUnece?: string | null
  /** Serial number. Text: leading zeros count. */
  serialNumber?: string | null
  /** Batch number. Text: leading zeros count. */
  batchNumber?: string | null
}

/** Wraps the item details on one page of the docs. */
export interface NestedItemDetails {
  /** The item details. Elsewhere they stand on the line itself. */
  mergedItemDetails?: ItemDetails | null
}

/** Goods that were delivered. */
export interface DeliveryHistoryLine {
  /** Position in the history. Need not be one of the schedule. */
  position?: string | null
  /** When the goods were delivered, `YYYY-MM-DD`. */
  date?: string | null
  /** Delivered quantity. Any number of decimals. */
  quantity?: number | null
}

/** Price of an item. May hold `netPrice` alone, or `grossPrice` with `discountPercentage`. */
export interface Prices {
  /** Price before discount. */
  grossPrice?: Price | null
  /** Price after discount. */
  netPrice?: Price | null
  /** Discount on the gross price in percent. */
  discountPercentage?: number | null
  /** Unit that the price is for, as the sender wrote it. */
  priceUnitOfMeasureIso?: string | null
  /** How many of that unit the price is for. */
  priceUnitQuantity?: number | null
}

/** One price in up to two currencies. */
export interface Price {
  /** Price in the transaction currency. */
  priceInTransactionCurrency?: Money | null
  /** Price in the base currency. Optional. */
  priceInBaseCurrency?: Money | null
  /** Name of `priceInTransactionCurrency` to 2020-03. */
  priceInLocalCurrency?: Money | null
}

/** A sum of money. */
export interface Money {
  /** The sum, in `currencyIso`. Any number of decimals. */
  value?: number | null
  /** ISO code of the currency, such as `EUR`. */
  currencyIso?: string | null
}

/** A charge on a line. Deprecated since 2026-05: charges are order lines of type `Charge` now. */
export interface ChargeLine {
  /** Position of the charge. Missing on a new one. */
  position?: string | null
  /** Kind of charge, a UNCL7161 code. */
  chargeTypeCode?: string | null
  /** Kind of charge in words. */
  chargeDescription?: string | null
  /** Quantity of the charge. Any number of decimals. */
  quantity?: number | null
  /** Price of the charge, in the shape of a net price. */
  price?: Price | null
  /** Unit that the price is for, as the sender wrote it. */
  priceUnitOfMeasureIso?: string | null
}

/** Contract that a line belongs to. */
export interface LineTerms {
  /** Number of the contract. */
  contractNumber?: string | null
  /** Position in the contract. */
  contractPosition?: string | null
}

/** Flags that the buyer set on a line. */
export interface BuyerLineIndicators {
  /** No delivery is expected. */
  noDeliveryExpected?: boolean | null
  /** Confirmed. */
  confirmed?: boolean | null
  /** Request reconfirmation. */
  requestReconfirmation?: boolean | null
  /** Shipped. */
  shipped?: boolean | null
  /** Delivered. */
  delivered?: boolean | null
  /** Completed. */
  completed?: boolean | null
  /** Cancelled. */
  cancelled?: boolean | null
  /** Propose when accepted. */
  proposeWhenAccepted?: boolean | null
}

/** Certification of a line. Buyers send it; uncertain in an event. */
export interface Certification {
  /** Code of the type. */
  typeCode?: string | null
  /** Type in words. */
  type?: string | null
  /** Code of the classification society. */
  classificationSocietyCode?: string | null
  /** Name of the classification society. */
  classificationSociety?: string | null
}

/** Documents that were attached to an order or its lines. Its fields are by analogy, not documented. */
export interface OrderDocuments {
  /** Tradecloud's ID of the order. Not to be taken apart. */
  orderId?: string | null
  /** The part of the buyer, with `documents` of the order. */
  buyerOrder?: BuyerOrder | null
  /** The part of the supplier, with `documents` of the order. */
  supplierOrder?: SupplierOrder | null
  /** Documents of the order, in the shape of the API that attaches documents. At most 100. */
  documents?: TradecloudDocument[] | null
  /** Lines that documents were attached to, at most 500. */
  lines?: OrderDocumentsLine[] | null
  /** Identifies the message. Here, or beside `eventName`. */
  meta?: MessageMeta | null
  /** Last change of the order. ISO 8601; zone and fraction may be missing. */
  lastUpdatedAt?: string | null
  /** Name of `lastUpdatedAt` from 2022-04 to 2023-11, in connector docs. */
  lastChangedAt?: string | null
}

/** A line that documents were attached to. By analogy; not documented. */
export interface OrderDocumentsLine {
  /** Tradecloud's ID of the line. */
  id?: string | null
  /** The part of the buyer, with `documents` of the line. */
  buyerLine?: BuyerLine | null
  /** The part of the supplier, with `documents` of the line. */
  supplierLine?: SupplierLine | null
  /** Documents of the line, in the shape of the API that attaches documents. At most 100. */
  documents?: TradecloudDocument[] | null
}

/** A shipment. Always with all its lines and documents. */
export interface Shipment {
  /** Tradecloud's ID of the shipment. Not to be taken apart. */
  id?: string | null
  /** Numbers that carriers know the shipment by. */
  identifiers?: ShipmentIdentifiers | null
  /** Mode of transport. Free text. */
  transportMode?: string | null
  /** The part of the supplier. */
  supplierShipment?: SupplierShipment | null
  /** The part of the buyer. */
  buyerShipment?: BuyerShipment | null
  /** Containers and packages with the lines in them, at most 100. */
  loadCarriers?: LoadCarrier[] | null
  /** Lines that are in no load carrier, at most 500. */
  lines?: ShipmentLine[] | null
  /** Where the goods leave and arrive. */
  locations?: ShipmentLocations | null
  /** Status of the shipment. */
  status?: ShipmentStatus | null
  /** When the shipment changed. Not the meta data of the message. */
  meta?: ShipmentMeta | null
  /** Earlier place of `identifiers.trackingNumber`, from 2021-12 to 2023-07. */
  trackingNumber?: string | null
}

/** Numbers that carriers know a shipment by. */
export interface ShipmentIdentifiers {
  /** Number of the bill of lading. */
  billOfLadingNumber?: string | null
  /** When the bill of lading was issued, `YYYY-MM-DD`. Seen in a .NET despatch advice only. */
  billOfLadingIssueDate?: string | null
  /** IMO number. */
  imoNumber?: string | null
  /** Number of the shipment at the carrier. */
  carrierShipmentNumber?: string | null
  /** Number to track the shipment with. */
  trackingNumber?: string | null
}

/** The part of a shipment that is the supplier's. */
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
  /** Documents of the supplier, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Contacts at the supplier. */
  contacts?: Contact[] | null
  /** Name of the company that ships. On the despatch advice page only. */
  shipmentCompanyName?: string | null
}

/** The part of a shipment that is the buyer's. */
export interface BuyerShipment {
  /** ID of the buyer's company at Tradecloud. */
  companyId?: string | null
  /** The buyer. */
  buyerParty?: Party | null
  /** Number of the supplier in the buyer's ERP system. */
  supplierAccountNumber?: string | null
  /** Documents of the buyer, at most 100. */
  documents?: TradecloudDocument[] | null
  /** Contacts at the buyer. */
  contacts?: Contact[] | null
  /** Terms of the purchase order. */
  purchaseOrderTerms?: Terms | null
}

/** A container or package with the lines in it. */
export interface LoadCarrier {
  /** Number of the container. */
  containerNumber?: string | null
  /** Size and type of the container. */
  containerSizeAndType?: string | null
  /** SSCC of the package. */
  packageSSCC?: string | null
  /** Type of the package. */
  packageType?: string | null
  /** Lines in this load carrier. */
  lines?: ShipmentLine[] | null
}

/** A line of a shipment. Despatch advice number and position together identify it. */
export interface ShipmentLine {
  /** Number of the purchase order. */
  purchaseOrderNumber?: string | null
  /** Position of the order line. */
  purchaseOrderLinePosition?: string | null
  /** Position of the delivery in the schedule of the order line. */
  deliverySchedulePosition?: string | null
  /** What is shipped. */
  item?: ShipmentItem | null
  /** The part of the supplier. */
  supplierLine?: ShipmentSupplierLine | null
  /** When the line changed. */
  meta?: ShipmentMeta | null
}

/** What is shipped. */
export interface ShipmentItem {
  /** Item number of the buyer. */
  buyerItemNumber?: string | null
  /** Revision of the item at the buyer. */
  buyerItemRevision?: string | null
  /** Name of the item at the buyer. */
  buyerItemName?: string | null
  /** Item number of the supplier. */
  supplierItemNumber?: string | null
  /** Revision of the item at the supplier. */
  supplierItemRevision?: string | null
  /** Name of the item at the supplier. */
  supplierItemName?: string | null
  /** Purchase unit of the item, as the sender wrote it. No code list is enforced. */
  purchaseUnitOfMeasureIso?: string | null
}

/** The part of a shipment line that is the supplier's. */
export interface ShipmentSupplierLine {
  /** Number of the despatch advice. */
  despatchAdviceNumber?: string | null
  /** Position in the despatch advice. Unique together with its number. */
  despatchAdviceLinePosition?: string | null
  /** Quantity in the shipment. Any number of decimals. */
  despatchQuantity?: number | null
  /** Quantity in backorder. Any number of decimals. */
  backorderQuantity?: number | null
  /** Date of the backorder, `YYYY-MM-DD`. Seen in .NET despatch advices only. */
  backorderDate?: string | null
}

/** Where a shipment leaves and arrives. */
export interface ShipmentLocations {
  /** Where the goods leave. */
  departure?: ShipmentDeparture | null
  /** Where the goods arrive. */
  destinations?: ShipmentDestination[] | null
  /** A destination, from 2021-12 to 2023-07. Now in `destinations`. */
  destination?: ShipmentDestination | null
  /** Last destination, from 2021-12 to 2023-07. Now in `destinations`. */
  finalDestination?: ShipmentDestination | null
}

/** Where a shipment leaves, and when. Dates are local. */
export interface ShipmentDeparture {
  /** The place. */
  location?: ShipmentLocation | null
  /** Expected date of departure, `YYYY-MM-DD`. */
  etdDate?: string | null
  /** Actual date of departure, `YYYY-MM-DD`. */
  atdDate?: string | null
  /** Actual date of departure from 2021-12 to 2023-07, `YYYY-MM-DD`. */
  actualDate?: string | null
}

/** Where a shipment arrives, and when. Dates and times are local to the place. */
export interface ShipmentDestination {
  /** The place. */
  location?: ShipmentLocation | null
  /** Expected arrival: first date, `YYYY-MM-DD`. */
  etaStartDate?: string | null
  /** Expected arrival: time on the first date, `hh:mm:ss`. */
  etaStartTime?: string | null
  /** Expected arrival: last date, `YYYY-MM-DD`. */
  etaEndDate?: string | null
  /** Expected arrival: time on the last date, `hh:mm:ss`. */
  etaEndTime?: string | null
  /** Actual date of arrival, `YYYY-MM-DD`. */
  ataDate?: string | null
  /** Expected date of departure from here, `YYYY-MM-DD`. */
  etdDate?: string | null
  /** Actual date of departure from here, `YYYY-MM-DD`. */
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

/** A place on the way of a shipment. */
export interface ShipmentLocation {
  /** Kind of place. */
  locationType?:
    | 'AgreedPlace'
    | 'PortOfLoading'
    | 'PortOfDestination'
    | 'PlaceOfDestination'
    | 'FinalDestination'
    | (string & {})
    | null
  /** Identifier of the place within `idScheme`. */
  id?: string | null
  /** Scheme of `id`. */
  idScheme?: 'GLN' | 'KvK' | (string & {}) | null
  /** Name lines of the place. */
  names?: string[] | null
  /** Address lines: street, number, building. */
  addressLines?: string[] | null
  /** Postal code. */
  postalCode?: string | null
  /** City. */
  city?: string | null
  /** Country as ISO 3166-1 alpha-2 code, in .NET examples. Read `countryCodeIso` too. */
  countryCodeIso2?: string | null
  /** Country, as the docs call the field. Read `countryCodeIso2` too. */
  countryCodeIso?: string | null
}

/** Status of a shipment. */
export interface ShipmentStatus {
  /** Process status. More values may come. */
  processStatus?: 'Issued' | 'Approved' | 'Rejected' | (string & {}) | null
  /** Why the shipment has its process status. */
  processStatusReason?: string | null
}

/** When a shipment or a line of it changed. */
export interface ShipmentMeta {
  /** Last change, ISO 8601. A new or changed line has the one of its shipment. */
  lastUpdatedAt?: string | null
  /** What the supplier's ERP system noted. In a line from 2021-12 to 2023-07 only. */
  supplierErpMeta?: SupplierErpMeta | null
  /** Name of `lastUpdatedAt` from 2022-04 to 2023-11, in connector docs. */
  lastChangedAt?: string | null
}

/** What the supplier's ERP system noted of a despatch advice. */
export interface SupplierErpMeta {
  /** When the despatch advice was issued. Local time, `YYYY-MM-DDThh:mm:ss`. */
  despatchAdviceErpIssueDateTime?: string | null
}

/** Identifies the message that carried an event. */
export interface MessageMeta {
  /** UUID of the message. It is not known whether a retry repeats it. */
  messageId?: string | null
  /** Where the message comes from. */
  source?: MessageSource | null
  /** When the message was made. ISO 8601; zone and fraction may be missing. */
  createdDateTime?: string | null
}

/** Flow and sender of a message. */
export interface MessageSource {
  /** ID that all messages of one flow share. */
  traceId?: string | null
  /** ID of the user who triggered the first message of the flow. May be missing. */
  userId?: string | null
  /** ID of the company of that user. May be missing. */
  companyId?: string | null
  /** Where the flow began. Seen in .NET clients only, as `Legacy`. */
  origin?: 'Legacy' | (string & {}) | null
}

/** A free pair of key and value. */
export interface Property {
  /** Name of the property, as the sender chose it. */
  key?: string | null
  /** Value as text. May hold line breaks (`\n`). */
  value?: string | null
}

/** A document of an order, a line or a shipment. The file itself is not in here. */
export interface TradecloudDocument {
  /** Code of the document. */
  code?: string | null
  /** Revision of the document. */
  revision?: string | null
  /** Name of the document. */
  name?: string | null
  /** Description of the document. */
  description?: string | null
  /** Kind of document. Free text, such as `General`, `Invoice` or `Packing List`. */
  type?: string | null
  /** ID of the file at Tradecloud. Files that are equal may share one. Take it before `url`. */
  objectId?: string | null
  /** Address of a file kept by the other company, which chose it. Tradecloud does not check it. */
  url?: string | null
  /** When the document changed. In shipments only. */
  meta?: DocumentMeta | null
}

/** Meta data of a document in a shipment. */
export interface DocumentMeta {
  /** Last change, ISO 8601. Equal to that of the shipment for a new or changed document. */
  lastUpdatedAt?: string | null
}

/** A company with its address. */
export interface Party {
  /** Identifier of the company within `idScheme`. */
  id?: string | null
  /** Scheme of `id`. */
  idScheme?: 'GLN' | 'KvK' | (string & {}) | null
  /** Name lines of the company. */
  names?: string[] | null
  /** Address lines: street, number, building. */
  addressLines?: string[] | null
  /** Postal code. */
  postalCode?: string | null
  /** City. */
  city?: string | null
  /** Country as ISO 3166-1 alpha-2 code, such as `NL`. */
  countryCodeIso2?: string | null
  /** Name of the country. */
  countryName?: string | null
}

/** A person to turn to. Orders document no more than `email`. */
export interface Contact {
  /** E-mail address. */
  email?: string | null
  /** ID of the user at Tradecloud. Documented for shipments. */
  userId?: string | null
  /** User name. Named in the rules for identifiers only. */
  userName?: string | null
  /** First name. Documented for shipments. */
  firstName?: string | null
  /** Last name. Documented for shipments. */
  lastName?: string | null
  /** Position of the person. Documented for shipments. */
  position?: string | null
  /** Phone number. Documented for shipments. */
  phoneNumber?: string | null
}

/** Terms of delivery and payment of a whole order. */
export interface Terms {
  /** Incoterms code, such as `DAP`. */
  incotermsCode?: string | null
  /** Incoterms in words. */
  incoterms?: string | null
  /** Code of the payment terms. */
  paymentTermsCode?: string | null
  /** Payment terms in words. */
  paymentTerms?: string | null
}

/** Body of an order webhook: a name and exactly one field that holds the event. */
export interface OrderWebhookBody {
  /** What happened. New names may be added at any time. */
  eventName?: string | null
  /** The order, in delivery schedules. */
  orderEvent?: Order | null
  /** The order, in the single delivery form. */
  singleDeliveryOrderEvent?: SingleDeliveryOrder | null
  /** Name of `singleDeliveryOrderEvent` from 2023-09 to 2024-04. */
  simpleOrderEvent?: SingleDeliveryOrder | null
  /** Documents that were attached. */
  orderDocumentsEvent?: OrderDocuments | null
  /** Identifies the message. Here, or inside the event. */
  meta?: MessageMeta | null
}

/** Body of a shipment webhook. */
export interface ShipmentWebhookBody {
  /** What happened. New names may be added at any time. */
  eventName?: string | null
  /** The shipment, with all its lines and documents. */
  shipment?: Shipment | null
  /** Identifies the message. `shipment.meta` is something else. */
  meta?: MessageMeta | null
}
