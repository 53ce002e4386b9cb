/** Metrics for Prometheus: `tradecloud-webhook/prometheus`. Needs the package prom-client. */
import type { Registry } from 'prom-client'
import type { TelemetryAdapter, TelemetryObserver, TelemetrySource } from '../answer/telemetry'
import { checkKeys } from '../errors/checks'
import { invalidOption, TradecloudWebhookError } from '../errors/errors'
import { BUCKETS, COUNTERS, each, GAUGES, HISTOGRAMS, type Counter, type Gauge, type Histogram } from './definitions'
import type { Gauges } from './gauges'
import { Metrics } from './metrics'

export interface PrometheusOptions {
  /** Registry for the metrics. Default: `register`, the global registry of prom-client. */
  register?: Registry | undefined
}

type PromClient = typeof import('prom-client')

/** A gauge that all webhooks and workers in one registry share. */
interface SharedGauge {
  sources: Set<Gauges>
}

/**
 * Metrics of webhooks and workers in a registry of prom-client. Several webhooks may share a registry. The label
 * `webhook` contains the `name` of each webhook.
 *
 * ```ts
 * createTradecloudWebhook({ auth, onOrder, telemetry: [prometheusMetrics({ register })] })
 * app.get('/metrics', async (_req, res) => void res.type(register.contentType).send(await register.metrics()))
 * ```
 */
export function prometheusMetrics(options: PrometheusOptions = {}): TelemetryAdapter {
  checkKeys('prometheusMetrics', options, ['register'])
  const prom = loadPromClient()
  const { register = prom.register } = options
  if (typeof (register as Partial<Registry> | null)?.registerMetric !== 'function')
    throw invalidOption('register', 'must be a Registry of prom-client')
  return { attach: (source) => attach(prom, register, source) }
}

function attach(prom: PromClient, register: Registry, source: TelemetrySource): TelemetryObserver {
  const registers = [register]
  const counters = each<Counter, InstanceType<PromClient['Counter']>>(COUNTERS, ([name, help, ...labels]) =>
    reuse(register, name, () => new prom.Counter({ registers, name, help, labelNames: ['webhook', ...labels] })),
  )
  const histograms = each<Histogram, InstanceType<PromClient['Histogram']>>(HISTOGRAMS, ([name, help, ...labels]) => {
    const labelNames = ['webhook', ...labels]
    return reuse(register, name, () => new prom.Histogram({ registers, name, help, labelNames, buckets: BUCKETS }))
  })
  const gauges = each<Gauge, SharedGauge>(GAUGES, ([name, help, ...labels], key) =>
    reuse(register, name, () => createGauge(prom, register, key, { name, help, labelNames: ['webhook', ...labels] })),
  )
  const metrics = new Metrics(source, {
    add: (counter, labels, value) => counters[counter].inc(labels, value),
    observe: (histogram, labels, seconds) => histograms[histogram].observe(labels, seconds),
  })
  for (const { sources } of Object.values(gauges)) sources.add(metrics.gauges)
  const close = (): void => {
    for (const { sources } of Object.values(gauges)) sources.delete(metrics.gauges)
  }
  return Object.assign(metrics, { close })
}

function createGauge(
  prom: PromClient,
  register: Registry,
  key: Gauge,
  options: { name: string; help: string; labelNames: string[] },
): SharedGauge {
  const sources = new Set<Gauges>()
  const gauge = new prom.Gauge({
    ...options,
    registers: [register],
    async collect() {
      const samples = (await Promise.all([...sources].map((source) => source.read()))).flat()
      this.reset()
      for (const sample of samples) if (sample.gauge === key) this.set(sample.labels, sample.value)
    },
  })
  return Object.assign(gauge, { sources })
}

/** Reuses a metric that another adapter has already registered. */
function reuse<Metric>(register: Registry, name: string, create: () => Metric): Metric {
  return (register.getSingleMetric(name) as Metric | undefined) ?? create()
}

function loadPromClient(): PromClient {
  try {
    return require('prom-client') as PromClient
  } catch (cause) {
    throw new TradecloudWebhookError(
      'invalid_option',
      'prometheusMetrics needs the package prom-client: npm i prom-client@15',
      {
        cause,
      },
    )
  }
}
