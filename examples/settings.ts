/** What the example servers share: their settings from environment variables, and the ERP system that they write to. */
import type { TradecloudWebhookOptions, WebhookContext, WebhookEvent } from 'tradecloud-webhook'

const { env } = process

export const port = Number(env.PORT ?? 3000)

/** Without credentials anyone comes in, so only this machine may. */
export const isOpen = env.WEBHOOK_USERNAME === undefined && env.WEBHOOK_TOKEN === undefined
export const host = isOpen ? '127.0.0.1' : (env.HOST ?? '0.0.0.0')

export const auth: TradecloudWebhookOptions['auth'] = isOpen
  ? 'none'
  : env.WEBHOOK_TOKEN !== undefined
    ? { type: 'bearer', token: env.WEBHOOK_TOKEN }
    : { type: 'basic', username: env.WEBHOOK_USERNAME, password: env.WEBHOOK_PASSWORD }

/** Without these, GET triggers come with their ID only. */
export const api: TradecloudWebhookOptions['api'] = env.TRADECLOUD_USERNAME
  ? {
      ...(env.TRADECLOUD_BASE_URL ? { baseUrl: env.TRADECLOUD_BASE_URL } : { environment: 'acceptance' }),
      username: env.TRADECLOUD_USERNAME,
      password: env.TRADECLOUD_PASSWORD,
    }
  : undefined

/**
 * Hands an event on to an ERP system over HTTP, and logs one line. Throws when the ERP system is not there: the event then
 * comes again. It may come twice all the same; the ERP system tells by the delivery ID.
 */
export async function writeToErp(event: WebhookEvent, { deliveryId, attempt }: WebhookContext): Promise<void> {
  const id = event.kind === 'shipment' ? event.shipmentId : event.kind === 'unknown' ? '' : event.orderId
  const completeness = event.kind === 'unknown' ? 'unknown kind' : event.completeness
  if (env.ERP_URL) {
    const body = JSON.stringify({ deliveryId, event })
    const answer = await fetch(env.ERP_URL, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    if (!answer.ok) throw new Error(`the ERP system answered ${answer.status}`)
  }
  console.log(`${event.kind} ${event.eventName ?? event.method} ${id} (${completeness}, attempt ${attempt})`)
}

export const callbacks = {
  onOrder: writeToErp,
  onOrderDocuments: writeToErp,
  onShipment: writeToErp,
  onUnknown: writeToErp,
} satisfies Partial<TradecloudWebhookOptions>

export function announce(boundPort: number, more = ''): void {
  console.log(`Listening on port ${boundPort}, webhooks below /tradecloud${more}`)
  if (isOpen)
    console.log(
      'No WEBHOOK_USERNAME or WEBHOOK_TOKEN is set: this server accepts anyone, so it listens on loopback only.',
    )
}
