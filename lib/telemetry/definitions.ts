/** The metrics of this package: their names, help texts and labels. */

/**
 * Names follow the conventions of Prometheus. A label has only a small number of different values, so no label is an
 * ID.
 */
export const COUNTERS = {
  requests: [
    'tradecloud_webhook_requests_total',
    'Requests that were answered, by outcome.',
    'outcome',
    'kind',
    'event',
  ],
  givenUp: [
    'tradecloud_webhook_events_given_up_total',
    'Events that were not processed and that neither Tradecloud nor the inbox will try again, by outcome.',
    'outcome',
  ],
  deliveries: [
    'tradecloud_webhook_deliveries_total',
    'Deliveries to callbacks, by result.',
    ...['result', 'outcome', 'kind', 'event'],
  ],
  recovered: ['tradecloud_webhook_catch_up_recovered_total', 'Changes that only the catch-up has found.', 'kind'],
  runs: ['tradecloud_webhook_catch_up_runs_total', 'Runs of the catch-up, by result.', 'result'],
} as const satisfies Record<string, Definition>

/** Histograms in seconds. */
export const HISTOGRAMS = {
  request: [
    'tradecloud_webhook_request_duration_seconds',
    'Time from the headers of a request to its answer.',
    'outcome',
  ],
  delivery: [
    'tradecloud_webhook_delivery_duration_seconds',
    'Duration of the fetch and callback of one delivery.',
    'result',
  ],
} as const satisfies Record<string, Definition>

export const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Gauges that are read when metrics are collected. */
export const GAUGES = {
  ready: ['tradecloud_webhook_ready', '1 while events can be accepted; of a worker, taken from the inbox.'],
  events: ['tradecloud_webhook_inbox_events', 'Events in the inbox, by state.', 'state'],
  bytes: ['tradecloud_webhook_inbox_waiting_bytes', 'Bytes of the bodies that are waiting in the inbox.'],
  oldest: [
    'tradecloud_webhook_inbox_oldest_waiting_age_seconds',
    'Age of the oldest waiting event; 0 if none is waiting.',
  ],
  lastEvent: [
    'tradecloud_webhook_last_event_age_seconds',
    'Time since the last event of a kind arrived, or since the start of the process if none has.',
    'kind',
  ],
  lag: [
    'tradecloud_webhook_catch_up_lag_seconds',
    'Age of the last change up to which the catch-up has checked everything.',
  ],
} as const satisfies Record<string, Definition>

/** Name and help text of a metric, and its labels other than `webhook`. */
export type Definition = readonly [name: string, help: string, ...labels: string[]]
export type Labels = Record<string, string>
export type Counter = keyof typeof COUNTERS
export type Histogram = keyof typeof HISTOGRAMS
export type Gauge = keyof typeof GAUGES

/** Records values in the counters and histograms that were created in a metrics library. */
export interface Instruments {
  add(counter: Counter, labels: Labels, value: number): void
  observe(histogram: Histogram, labels: Labels, seconds: number): void
}

/** Creates one instrument for each metric. */
export function each<Key extends string, Value>(
  definitions: Record<Key, Definition>,
  create: (definition: Definition, key: Key) => Value,
): Record<Key, Value> {
  const entries = Object.entries<Definition>(definitions)
  return Object.fromEntries(entries.map(([key, definition]) => [key, create(definition, key as Key)])) as Record<
    Key,
    Value
  >
}
