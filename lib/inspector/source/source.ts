/** The data that the inspector shows: an inbox, or the requests of this process. */
import type { EventKind } from '../../events/events'
import type { HourCount } from '../../inbox/inbox'
import type { HistoryLine } from '../../views/event'

/** The rating of a state, which determines its colour. */
export type Tone = 'good' | 'busy' | 'waits' | 'odd' | 'bad'

export interface Row {
  id: string
  entity?: { kind: 'order' | 'shipment'; id: string } | undefined
  /** State of an event in an inbox, or the outcome of a request. */
  state: string
  tone: Tone
  kind: EventKind | undefined
  eventName?: string | undefined
  /** ISO 8601, UTC. */
  receivedAt: string
  attempts?: number | undefined
  /** Why it is in this state. */
  note?: string | undefined
}

export interface Filter {
  /** The end of an order or shipment ID, or the beginning of an event ID. */
  text?: string | undefined
  state?: string | undefined
  kind?: EventKind | undefined
  eventName?: string | undefined
}

export interface Page {
  rows: Row[]
  /** Absent on the last page. */
  next?: string | undefined
}

export interface Count {
  state: string
  tone: Tone
  count: number
}

export interface Overview {
  counts: Count[]
  /** Age of the oldest unsettled event. */
  oldestWaitingAt?: string | undefined
  oldestWaitingMs?: number | undefined
  /** Absent if the inbox does not count by hour. */
  hours?: Array<Omit<HourCount, 'state'> & { state: string; tone: Tone }> | undefined
}

export interface Details {
  row: Row
  fields: Array<[label: string, value: string]>
  history: HistoryLine[]
  /** Bytes of the whole body. 0: there is none. */
  size: number
  /** The beginning of the body. Absent if it is not kept. */
  body?: Buffer | undefined
  /** The possible actions. */
  actions: readonly Action[]
}

export type Action = 'replay' | 'give-up' | 'purge'

export interface Source {
  /** Title of the list. */
  title: string
  /** States to filter by, in the order of the counters. */
  states: readonly string[]
  overview(): Promise<Overview>
  /** The newest first. `after`: `next` of the page before. */
  list(filter: Filter, limit: number, after?: string): Promise<Page>
  /** The most bytes of the body to read. */
  find(id: string, bodyBytes: number): Promise<Details | undefined>
  /** The whole body. Absent where none is kept, or where it is read as a whole. */
  bodyPieces?: ((id: string) => AsyncIterable<Buffer>) | undefined
  /** Resolves with the reason if the action was not possible. Absent without actions. */
  act?(action: Action, id: string, reason: string): Promise<string | undefined>
  /** Calls back when something may have changed. The returned function unsubscribes. */
  watch(changed: () => void): () => void
}
