// Creates a webhook with each adapter, and prints that it is ready or why it is not: `node telemetry.mjs`.
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { openTelemetry } from 'tradecloud-webhook/opentelemetry'
import { prometheusMetrics } from 'tradecloud-webhook/prometheus'

async function attempt(create) {
  try {
    const options = { auth: { type: 'bearer', token: 'secret' }, logger: { warn() {}, error: console.error } }
    const webhook = createTradecloudWebhook({ ...options, onOrder() {}, telemetry: [create()] })
    console.log(`ready: ${(await webhook.health()).ready}`)
    await webhook.close()
  } catch (error) {
    console.log(error.message)
  }
}

await attempt(() => prometheusMetrics())
await attempt(() => openTelemetry())
