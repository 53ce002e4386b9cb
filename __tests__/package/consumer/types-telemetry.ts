// The types that a user with metrics and traces needs. This file is compiled but not run.
import { Registry } from 'prom-client'
import {
  createHealthRouter,
  createTradecloudWebhook,
  type Health,
  type TelemetryAdapter,
  type TelemetryObserver,
} from 'tradecloud-webhook'
import { openTelemetry, type OpenTelemetryOptions } from 'tradecloud-webhook/opentelemetry'
import { prometheusMetrics, type PrometheusOptions } from 'tradecloud-webhook/prometheus'

const own: TelemetryAdapter = {
  attach: ({ name }): TelemetryObserver => ({
    request: ({ requestId }) => ({ end: (record) => console.log(name, requestId, record?.outcome) }),
    delivery: () => ({ run: (work) => work(), end: ({ result, durationMs }) => console.log(result, durationMs) }),
    catchUp: ({ recovered, failed }) => console.log(recovered, failed),
  }),
}
const prometheus: PrometheusOptions = { register: new Registry() }
const otel: OpenTelemetryOptions = {}
const webhook = createTradecloudWebhook({
  auth: 'none',
  onOrder: () => undefined,
  telemetry: [own, prometheusMetrics(prometheus), openTelemetry(otel)],
})
const health: Promise<Health> = webhook.health()
void health.then(({ live, ready, checks }) => console.log(live, ready, checks.open?.ok))
export const router = createHealthRouter(webhook)
