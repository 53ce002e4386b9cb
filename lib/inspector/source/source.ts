/** Where the inspector gets its data: an inbox, or the requests of this process. */
import type { EventKind } from '../../events/events'
import type { HourCount } from '../../inbox/inbox'
import type { HistoryLine } from '../../views/event'

/** The rating of a state, which decides its colour. */
export type Tone = 'good' | 'busy' | 'waits' | 'odd' | 'bad'

export interface Row {
  id: string
  entity?: { kind: 'order' | 'shipment'; id: string } | undefined
  /** The state of an event in an inbox, or the outcome of a request. */
  state: string
  tone: Tone
  kind: EventKind | undefined
  eventName?: string | undefined
  /** When the event arrived, as ISO 8601 in UTC. */
  receivedAt: string
  attempts?: number | undefined
  /** What happens next, and why the event is in this state. */
  note?: string | undefined
}

export interface Filter {
  /** The end of an order or shipment ID, or the beginning of an event ID or request ID. */
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
  /** When the oldest unsettled event was received. */
  oldestWaitingAt?: string | undefined
  oldestWaitingMs?: number | undefined
  /** Absent if the inbox does not count by hour. */
  hours?: Array<Omit<HourCount, 'state'> & { state: string; tone: Tone }> | undefined
}

export interface Details {
  row: Row
  fields: Array<[label: string, value: string]>
  /** The ID of the event that must be settled first. It is also one of the `fields`. */
  waitsBehind?: string | undefined
  history: HistoryLine[]
  /** Size of the whole body in bytes; 0 if there is none. */
  size: number
  /** The beginning of the body. Absent if the body is not kept. */
  body?: Buffer | undefined
  /** The actions that are possible in this state. */
  actions: readonly Action[]
}

export type Action = 'replay' | 'give-up' | 'purge'

export interface Source {
  title: string
  /** States to filter by, in the order of the counters. */
  states: readonly string[]
  overview(): Promise<Overview>
  /** Lists the newest events first. `after` is the `next` of the previous page. */
  list(filter: Filter, limit: number, after?: string): Promise<Page>
  /** `bodyBytes`: how many bytes of the body to read. */
  find(id: string, bodyBytes: number): Promise<Details | undefined>
  /** Yields the whole body in pieces. Absent if no bodies are kept, or if the inbox can only read a body as a whole. */
  bodyPieces?: ((id: string) => AsyncIterable<Buffer>) | undefined
  /**
   * Resolves with `undefined` if the action succeeded, otherwise with a text that says why it was not possible.
   * `reason` is the reason that the operator gave. A source without actions does not have this method.
   */
  act?(action: Action, id: string, reason: string): Promise<string | undefined>
  /** Calls `changed` when something may have changed. The returned function unsubscribes. */
  watch(changed: () => void): () => void
}
