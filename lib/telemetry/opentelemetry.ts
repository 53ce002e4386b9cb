/** Traces and metrics for OpenTelemetry: `tradecloud-webhook/opentelemetry`. Needs the package @opentelemetry/api. */
import type { BatchObservableCallback, MeterProvider, Observable, TracerProvider } from '@opentelemetry/api'
import type { TelemetryAdapter, TelemetryObserver, TelemetrySource } from '../answer/telemetry'
import { checkKeys } from '../errors/checks'
import { TradecloudWebhookError } from '../errors/errors'
import { BUCKETS, COUNTERS, each, GAUGES, HISTOGRAMS } from './definitions'
import { Metrics } from './metrics'
import { Spans } from './spans'

export interface OpenTelemetryOptions {
  /** The provider of tracers. Default: the global provider, which an SDK registers. */
  tracerProvider?: TracerProvider | undefined
  /** The provider of meters. It must be set up before the webhook is created. Default: the global provider. */
  meterProvider?: MeterProvider | undefined
}

type Api = typeof import('@opentelemetry/api')

const SCOPE = 'tradecloud-webhook'

/**
 * Spans and metrics of webhooks and workers. The callback runs inside the span of its delivery. Metrics have the names
 * that `prometheusMetrics` gives them, without `_total` and the unit, because an exporter for Prometheus adds these.
 *
 * ```ts
 * createTradecloudWebhook({ auth, onOrder, telemetry: [openTelemetry()] })
 * ```
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): TelemetryAdapter {
  checkKeys('openTelemetry', options, ['tracerProvider', 'meterProvider'])
  const api = loadApi()
  return { attach: (source) => attach(api, options, source) }
}

function attach(api: Api, options: OpenTelemetryOptions, source: TelemetrySource): TelemetryObserver {
  const { tracerProvider = api.trace, meterProvider = api.metrics } = options
  const spans = new Spans(api, tracerProvider.getTracer(SCOPE), source.name)
  const meter = meterProvider.getMeter(SCOPE)
  const counters = each(COUNTERS, ([name, description]) => meter.createCounter(plain(name), { description }))
  const histograms = each(HISTOGRAMS, ([name, description]) =>
    meter.createHistogram(plain(name), {
      ...{ description, unit: 's' },
      advice: { explicitBucketBoundaries: [...BUCKETS] },
    }),
  )
  const gauges = each(GAUGES, ([name, description]) =>
    meter.createObservableGauge(plain(name), { description, unit: unitOf(name) }),
  )
  const metrics = new Metrics(source, {
    add: (counter, labels, value) => counters[counter].add(value, labels),
    observe: (histogram, labels, seconds) => histograms[histogram].record(seconds, labels),
  })
  const read: BatchObservableCallback = async (result) => {
    for (const { gauge, value, labels } of await metrics.gauges.read()) result.observe(gauges[gauge], value, labels)
  }
  const observables: Observable[] = Object.values(gauges)
  meter.addBatchObservableCallback(read, observables)
  return {
    request: (start) => {
      const [span, counting] = [spans.request(start), metrics.request()]
      return {
        trace: span.trace,
        end: (record) => {
          counting.end(record)
          span.end(record)
        },
      }
    },
    delivery: (start) => {
      const [span, counting] = [spans.delivery(start), metrics.delivery(start)]
      return {
        run: (work) => span.run?.(work),
        end: (end) => {
          counting.end(end)
          span.end(end)
        },
      }
    },
    catchUp: (end) => metrics.catchUp(end),
    close: () => meter.removeBatchObservableCallback(read, observables),
  }
}

function plain(name: string): string {
  return name.replace(/_(total|seconds|bytes)$/, '')
}

function unitOf(name: string): string {
  return name.endsWith('_seconds') ? 's' : name.endsWith('_bytes') ? 'By' : ''
}

function loadApi(): Api {
  try {
    return require('@opentelemetry/api') as Api
  } catch (cause) {
    const text = 'openTelemetry needs the package @opentelemetry/api: npm i @opentelemetry/api@1'
    throw new TradecloudWebhookError('invalid_option', text, { cause })
  }
}
