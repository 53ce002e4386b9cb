/**
 * Spans: one from the arrival of a request to its response, and one for each delivery, in the same trace as its
 * request.
 */
import type { Context, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type {
  DeliveryEnd,
  DeliveryObserver,
  DeliveryStart,
  RequestObserver,
  RequestStart,
  TelemetryObserver,
} from '../answer/telemetry'
import type { TraceContext } from '../inbox/stored-event'

type Api = typeof import('@opentelemetry/api')

export class Spans implements TelemetryObserver {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #webhook: string

  constructor(api: Api, tracer: Tracer, webhook: string) {
    this.#api = api
    this.#tracer = tracer
    this.#webhook = webhook
  }

  request({ method, headers, requestId, receivedAt }: RequestStart): RequestObserver {
    const { context, propagation, trace, SpanKind } = this.#api
    const active = context.active()
    // If a span is active, HTTP instrumentation has created it and has already read the trace headers.
    const isInstrumented = trace.getSpan(active) !== undefined
    const span = this.#tracer.startSpan(
      'tradecloud receive',
      {
        kind: isInstrumented ? SpanKind.INTERNAL : SpanKind.SERVER,
        startTime: receivedAt,
        attributes: {
          'tradecloud.webhook': this.#webhook,
          'tradecloud.request_id': requestId,
          'http.request.method': method,
        },
      },
      isInstrumented ? active : propagation.extract(active, headers),
    )
    return {
      trace: traceOf(span.spanContext()),
      end: (record) => {
        if (record) {
          const { outcome, status, kind, eventName, entityId, deliveryId, inboxId } = record
          span.setAttributes({
            'http.response.status_code': status,
            'tradecloud.outcome': outcome,
            ...attributesOf({ kind, eventName, entityId }),
            'tradecloud.delivery_id': deliveryId,
            'tradecloud.inbox_id': inboxId,
          })
          if (status >= 400) this.#fail(span, outcome)
        } else span.setAttribute('tradecloud.outcome', 'probe')
        span.end()
      },
    }
  }

  delivery({ inboxId, requestId, trace, replay, ...event }: DeliveryStart): DeliveryObserver {
    const { context, trace: traces, ROOT_CONTEXT, SpanKind } = this.#api
    // A delivery from an inbox starts a new context, because the active one may belong to another request.
    const base = inboxId === undefined ? context.active() : ROOT_CONTEXT
    const span = this.#tracer.startSpan(
      'tradecloud deliver',
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          'tradecloud.webhook': this.#webhook,
          'tradecloud.request_id': requestId,
          'tradecloud.inbox_id': inboxId,
          'tradecloud.replay': replay,
          ...attributesOf(event),
        },
      },
      this.#parentOf(trace, base),
    )
    return {
      run: (work) => context.with(traces.setSpan(base, span), work),
      end: ({ result, outcome, attempt, deliveryId, error }: DeliveryEnd) => {
        span.setAttributes({
          'tradecloud.result': result,
          'tradecloud.outcome': outcome,
          'tradecloud.attempt': attempt,
          'tradecloud.delivery_id': deliveryId,
        })
        if (error) this.#fail(span, outcome)
        if (error?.cause instanceof Error) span.recordException(error.cause)
        span.end()
      },
    }
  }

  #parentOf(stored: TraceContext | undefined, base: Context): Context {
    const { createTraceState, isSpanContextValid, trace } = this.#api
    const [, traceId, spanId, flags] =
      /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(stored?.traceparent ?? '') ?? []
    if (traceId === undefined || spanId === undefined || flags === undefined) return base
    const traceState = stored?.tracestate === undefined ? undefined : createTraceState(stored.tracestate)
    const parent: SpanContext = { traceId, spanId, traceFlags: parseInt(flags, 16), traceState, isRemote: true }
    return isSpanContextValid(parent) ? trace.setSpanContext(base, parent) : base
  }

  #fail(span: Span, message: string): void {
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message })
  }
}

/**
 * The trace is always in the format of W3C Trace Context, whatever propagator is configured, because only this package
 * reads it.
 */
function traceOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
  const tracestate = traceState?.serialize()
  return tracestate ? { traceparent, tracestate } : { traceparent }
}

function attributesOf({ kind, eventName, entityId }: Partial<Pick<DeliveryStart, 'kind' | 'eventName' | 'entityId'>>) {
  return {
    'tradecloud.kind': kind,
    'tradecloud.event_name': eventName?.slice(0, 256),
    'tradecloud.entity_id': entityId?.slice(0, 256),
  }
}
