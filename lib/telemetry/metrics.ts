/** When each metric is updated, independent of the metrics library. */
import { OUTCOMES, type Outcome } from '../answer/respond'
import type { DeliveryRecord } from '../answer/report'
import type {
  DeliveryEnd,
  DeliveryObserver,
  DeliveryStart,
  ObservedRun,
  RequestObserver,
  TelemetryObserver,
  TelemetrySource,
} from '../answer/telemetry'
import { orderDocumentsEventNames, orderEventNames, shipmentEventNames } from '../events/event-names'
import type { Counter, Histogram, Instruments, Labels } from './definitions'
import { Gauges } from './gauges'

const KNOWN: ReadonlySet<string> = new Set([...orderEventNames, ...orderDocumentsEventNames, ...shipmentEventNames])
/** Outcomes after which no event is missing: it was stored, processed or ignored on purpose, or there was no event. */
const SAFE: readonly Outcome[] = ['delivered', 'queued', 'duplicate', 'ignored', 'probe']
/** Outcomes of requests that contain no event, or that may have another sender than Tradecloud. */
const NO_ARRIVAL: readonly Outcome[] = ['unauthorized', 'address_not_allowed', 'method_not_allowed', 'not_routed']

/** Updates the metrics of one webhook or worker. */
export class Metrics implements TelemetryObserver {
  readonly gauges: Gauges
  readonly #webhook: string
  readonly #instruments: Instruments

  constructor(source: TelemetrySource, instruments: Instruments) {
    this.#webhook = source.name
    this.#instruments = instruments
    this.gauges = new Gauges(source)
    // These series are created with 0, because Prometheus does not see an increase in a series that begins with 1.
    for (const outcome of OUTCOMES) if (!SAFE.includes(outcome)) this.#add('givenUp', { outcome }, 0)
    if (source.receives) this.#add('requests', { outcome: 'not_routed', kind: 'none', event: 'none' }, 0)
    for (const kind of source.polls ? source.kinds : []) this.#add('recovered', { kind }, 0)
  }

  request(): RequestObserver {
    return { end: (record) => record && this.#count(record) }
  }

  delivery({ kind, eventName, inboxId }: DeliveryStart): DeliveryObserver {
    return {
      end: ({ result, outcome, durationMs }: DeliveryEnd) => {
        this.#add('deliveries', { result, outcome, kind, event: eventLabel(eventName) })
        this.#observe('delivery', { result }, durationMs)
        // Without an inbox, the response to the request decides whether the event was given up.
        if (inboxId !== undefined && result === 'dead') this.#add('givenUp', { outcome })
        if (inboxId !== undefined && result === 'quarantined') this.#add('givenUp', { outcome: 'quarantined' })
      },
    }
  }

  catchUp({ recovered, checkedUntil, failed }: ObservedRun): void {
    this.#add('runs', { result: failed ? 'failed' : 'completed' })
    for (const [kind, count] of Object.entries(recovered)) this.#add('recovered', { kind }, count)
    if (checkedUntil) this.gauges.checked(checkedUntil)
  }

  #count({ outcome, kind, eventName, givenUp, durationMs }: DeliveryRecord): void {
    this.#add('requests', { outcome, kind: kind ?? 'none', event: eventLabel(eventName) })
    this.#observe('request', { outcome }, durationMs)
    if (givenUp || outcome === 'quarantined') this.#add('givenUp', { outcome })
    if (kind !== undefined && !NO_ARRIVAL.includes(outcome)) this.gauges.arrived(kind)
  }

  #add(counter: Counter, labels: Labels, value = 1): void {
    this.#instruments.add(counter, { webhook: this.#webhook, ...labels }, value)
  }

  #observe(histogram: Histogram, labels: Labels, durationMs: number): void {
    this.#instruments.observe(histogram, { webhook: this.#webhook, ...labels }, durationMs / 1_000)
  }
}

/** All unknown names get the label `other`, because senders choose names, and each name would create a series. */
function eventLabel(eventName: string | undefined): string {
  if (eventName === undefined) return 'none'
  return KNOWN.has(eventName) ? eventName : 'other'
}
