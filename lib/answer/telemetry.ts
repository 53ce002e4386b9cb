/**
 * Informs adapters for metrics and traces about each request, each delivery and each run of the catch-up. Observers
 * cannot change a response: what they throw is logged.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { EventKind } from '../events/events'
import type { EntityKind } from '../inbox/catch-up/parts'
import type { Inbox } from '../inbox/inbox'
import type { TraceContext } from '../inbox/stored-event'
import { describe, locationOf } from '../log/describe-error'
import type { Log } from '../log/log'
import type { DeliveryRecord, SettledRecord } from './report'

/** A webhook or worker that adapters observe. */
export interface TelemetrySource {
  /** The option `name` of the webhook or worker. */
  name: string
  /** False for a worker, which receives no requests. */
  receives: boolean
  /** The kinds of events for which there are callbacks. */
  kinds: readonly EventKind[]
  /** Absent without an inbox. */
  inbox?: Pick<Inbox, 'stats' | 'list'> | undefined
  /** Whether the catch-up runs periodically. */
  polls: boolean
  /** Whether events can be accepted now, as reported by `health()`. Never rejects. */
  isReady(): Promise<boolean>
}

/** A request has arrived. */
export interface RequestStart {
  method: string
  /** The request headers, without credentials. */
  headers: IncomingHttpHeaders
  requestId: string
  receivedAt: Date
}

export interface RequestObserver {
  /** Stored with the event, so that its deliveries belong to the same trace, in whichever process they happen. */
  trace?: TraceContext | undefined
  /**
   * Called when the response was sent, or could not be sent, for example because the client had disconnected. `record`
   * is `undefined` for a probe of `doctor`, which is not counted.
   */
  end(record: DeliveryRecord | undefined): void
}

/** A delivery begins: it fetches the entity if needed, and calls the callback. */
export interface DeliveryStart extends Pick<
  SettledRecord,
  'kind' | 'eventName' | 'entityId' | 'requestId' | 'receivedAt' | 'replay'
> {
  /** ID of the event in the inbox. Absent without an inbox. */
  inboxId?: string | undefined
  /** The `trace` that the observer of the request has set; see `RequestObserver`. */
  trace?: TraceContext | undefined
}

/** How a delivery ended. */
export interface DeliveryEnd extends Pick<SettledRecord, 'outcome' | 'durationMs' | 'error'> {
  /**
   * As in `SettledRecord`. Without an inbox, `retry` means that Tradecloud sends the event again, and `dead` means that
   * it does not. `given-back`: the callback was not called, because the process was suspended, the webhook is closing,
   * or no request waits for the delivery any more.
   */
  result: SettledRecord['result'] | 'given-back'
  deliveryId?: string | undefined
  /**
   * Without an inbox: how often this process has called the callback for the event, including this call; absent if it
   * was not called. With an inbox: as in `SettledRecord`; absent with `given-back`.
   */
  attempt?: number | undefined
}

export interface DeliveryObserver {
  /** Must call `work` at once, for example within the context of a span. What `run` returns is ignored. */
  run?(work: () => Promise<unknown>): unknown
  end(end: DeliveryEnd): void
}

/** The result of a run of the catch-up, for metrics. */
export interface ObservedRun {
  /**
   * Number of changes that never arrived and that the run has found, by kind. Empty with `settleMs: 0`, and for a run
   * with `all` or `dryRun`.
   */
  recovered: Partial<Record<EntityKind, number>>
  /**
   * Everything that changed before this time has been checked. Absent for a run that failed, and for a run with `from`,
   * `all` or `dryRun`.
   */
  checkedUntil?: Date | undefined
  failed: boolean
}

/** Observes one webhook or worker. All methods are called synchronously, so they must be fast. */
export interface TelemetryObserver {
  request?(start: RequestStart): RequestObserver | undefined
  delivery?(start: DeliveryStart): DeliveryObserver | undefined
  /** Called when a run of the catch-up has ended. */
  catchUp?(run: ObservedRun): void
  /** Called when the webhook or worker was closed. */
  close?(): void
}

/**
 * An adapter for the option `telemetry`: `prometheusMetrics()` of `tradecloud-webhook/prometheus`, `openTelemetry()` of
 * `tradecloud-webhook/opentelemetry`, or one of your own.
 */
export interface TelemetryAdapter {
  /** Called once for each webhook or worker, when it is created. If it throws, creating the webhook or worker fails. */
  attach(source: TelemetrySource): TelemetryObserver
}

const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie']

/** Passes each call to all observers. No method throws. */
export class Telemetry {
  readonly #observers: readonly TelemetryObserver[]
  readonly #log: Log

  constructor(adapters: readonly TelemetryAdapter[], source: TelemetrySource, log: Log) {
    this.#observers = adapters.map((adapter) => adapter.attach(source))
    this.#log = log
  }

  request({ headers, ...start }: RequestStart): RequestObserver {
    const shown = Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.includes(name)))
    const observers = this.#each((observer) => observer.request?.({ ...start, headers: shown }))
    const traces = observers.map(({ trace }) => trace).filter((trace) => trace !== undefined)
    return {
      trace: traces.length === 0 ? undefined : (Object.assign({}, ...traces) as TraceContext),
      end: (record) => this.#all(observers, (observer) => observer.end(record && { ...record })),
    }
  }

  delivery(start: DeliveryStart): ObservedDelivery {
    const observers = this.#each((observer) => observer.delivery?.({ ...start }))
    return {
      run: (work) => this.#runIn(observers, work),
      end: (end) => this.#all(observers, (observer) => observer.end({ ...end })),
    }
  }

  catchUp(run: ObservedRun): void {
    this.#all(this.#observers, (observer) => observer.catchUp?.(run))
  }

  close(): void {
    this.#all(this.#observers, (observer) => observer.close?.())
  }

  /** Calls `work` exactly once, inside the `run` of each observer, even if an observer throws or does not call it. */
  #runIn<T>(observers: readonly DeliveryObserver[], work: () => Promise<T>): Promise<T> {
    const [first, ...others] = observers
    if (!first) return work()
    let running: Promise<T> | undefined
    const once = (): Promise<T> => (running ??= this.#runIn(others, work))
    this.#guard(() => first.run?.(once))
    return once()
  }

  #each<T>(call: (observer: TelemetryObserver) => T | undefined): T[] {
    return this.#observers.flatMap((observer) => this.#guard(() => call(observer)) ?? [])
  }

  #all<T>(observers: readonly T[], call: (observer: T) => void): void {
    for (const observer of observers) this.#guard(() => call(observer))
  }

  #guard<T>(call: () => T): T | undefined {
    try {
      return call()
    } catch (cause) {
      const text = (): string => `An adapter of \`telemetry\` failed: ${describe(cause)}${locationOf(cause)}`
      this.#log.line('warn', 'telemetry', text, { code: 'telemetry_failed', cause })
      return undefined
    }
  }
}

export interface ObservedDelivery {
  run<T>(work: () => Promise<T>): Promise<T>
  end(end: DeliveryEnd): void
}
