/** What the example servers share: settings from environment variables, and the ERP system to which they write. */
import type { Express } from 'express'
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import {
  RejectEvent,
  type Inbox,
  type TradecloudWebhook,
  type TradecloudWebhookOptions,
  type WebhookContext,
  type WebhookEvent,
} from 'tradecloud-webhook'
import { createInspector } from 'tradecloud-webhook/inspector'

const { env } = process

export const port = Number(env.PORT ?? 3000)

/** Without credentials, requests are accepted only from this machine. */
export const isOpen = env.WEBHOOK_USERNAME === undefined && env.WEBHOOK_TOKEN === undefined
export const host = isOpen ? '127.0.0.1' : (env.HOST ?? '0.0.0.0')

export const auth: TradecloudWebhookOptions['auth'] = isOpen
  ? 'none'
  : env.WEBHOOK_TOKEN !== undefined
    ? { type: 'bearer', token: env.WEBHOOK_TOKEN }
    : { type: 'basic', username: env.WEBHOOK_USERNAME, password: env.WEBHOOK_PASSWORD }

/** Without these settings, the event for a GET trigger contains only the ID. */
export const api: TradecloudWebhookOptions['api'] = env.TRADECLOUD_USERNAME
  ? {
      ...(env.TRADECLOUD_BASE_URL ? { baseUrl: env.TRADECLOUD_BASE_URL } : { environment: 'acceptance' }),
      username: env.TRADECLOUD_USERNAME,
      password: env.TRADECLOUD_PASSWORD,
    }
  : undefined

/**
 * The catch-up polls for changes that never arrived. Its first run looks for changes since CATCH_UP_FROM, such as
 * `2025-11-01`; without this variable or without `api` there is no catch-up. A buyer would set
 * `want: notOwnRequest('buyer')` to leave out its own changes that no one has answered yet.
 */
export const catchUp: TradecloudWebhookOptions['catchUp'] =
  env.CATCH_UP_FROM && api
    ? {
        from: env.CATCH_UP_FROM,
        want: 'all',
        form: 'deliverySchedule',
        ...(env.CATCH_UP_EVERY_MS && { everyMs: Number(env.CATCH_UP_EVERY_MS) }),
        ...(env.CATCH_UP_SETTLE_MS && { settleMs: Number(env.CATCH_UP_SETTLE_MS) }),
      }
    : undefined

/**
 * Shorter than `answerTimeoutMs`. If the ERP system does not respond, the callback fails before `answerTimeoutMs` ends.
 */
const ERP_TIMEOUT_MS = Number(env.ERP_TIMEOUT_MS ?? 10_000)

/**
 * 4xx statuses that do not concern the event: for example, the credentials or the URL are wrong, a record is locked or
 * was changed by someone else, or there are too many requests. Rejecting an event because of these would lose it.
 */
const MAY_PASS = [401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429]

/**
 * Passes an event to an ERP system over HTTP, and logs one line. Throws if the ERP system does not accept the event:
 * the event is then delivered again, unless the ERP system has found an error in it. An event may be delivered twice;
 * the ERP system recognises the second delivery by the delivery ID.
 */
export async function writeToErp(event: WebhookEvent, context: WebhookContext): Promise<void> {
  const id = event.kind === 'shipment' ? event.shipmentId : event.kind === 'unknown' ? '' : event.orderId
  const completeness = event.kind === 'unknown' ? 'unknown kind' : event.completeness
  if (env.ERP_URL) await post(env.ERP_URL, { deliveryId: context.deliveryId, event }, context.signal)
  console.log(`${event.kind} ${event.eventName ?? event.method} ${id} (${completeness}, attempt ${context.attempt})`)
}

async function post(url: string, body: object, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    // A redirect is an error, because `fetch` would follow it with a GET and without the event.
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(ERP_TIMEOUT_MS)]),
  })
  const text = await response.text()
  if (response.ok) return
  const { status } = response
  const message = `the ERP system responded ${status}: ${text.slice(0, 400)}`
  if (status >= 400 && status < 500 && !MAY_PASS.includes(status)) throw new RejectEvent(message)
  throw new Error(message)
}

export const callbacks = {
  onOrder: writeToErp,
  onOrderDocuments: writeToErp,
  onShipment: writeToErp,
  onUnknown: writeToErp,
} satisfies Partial<TradecloudWebhookOptions>

/** On SIGTERM and Ctrl-C, lets running callbacks finish and then ends the process. A second signal ends it at once. */
export function closeOnSignal(webhook: TradecloudWebhook, server: Server): void {
  const close = (): void => {
    process.off('SIGTERM', close).off('SIGINT', close)
    void webhook.close().then(() => server.close(() => process.exit(0)))
  }
  process.on('SIGTERM', close).on('SIGINT', close)
}

const ALARM_AFTER_MS = 15 * 60_000

/** Adds a URL for monitoring: it reports whether events reach the ERP system, and whether some need attention. */
export function addHealth(app: Express, inbox: Inbox): void {
  app.get('/health', (_req, res) => {
    inbox.stats().then(
      (stats) => {
        const oldestMs = stats.oldestWaitingAt ? Date.now() - stats.oldestWaitingAt.getTime() : 0
        const status = oldestMs > ALARM_AFTER_MS ? 'late' : stats.dead + stats.quarantined > 0 ? 'needs a person' : 'ok'
        res.json({ status, process: process.pid, ...stats })
      },
      () => res.status(503).json({ status: 'the inbox cannot be used' }),
    )
  })
}

/** Without INSPECTOR_PASSWORD, each start creates a new password. */
const inspectorPassword = env.INSPECTOR_PASSWORD ?? randomBytes(12).toString('base64url')

/** Adds a page at /inspector that shows the outcomes of events. */
export function addInspector(app: Express, webhook: TradecloudWebhook): void {
  const credential = { type: 'basic', username: 'inspector', password: inspectorPassword } as const
  app.use('/inspector', createInspector({ webhook, auth: credential, access: 'operate' }))
}

export function endWith(error: unknown, code = 1): never {
  console.error(error instanceof Error ? error.message : error)
  process.exit(code)
}

export function announce(boundPort: number, more = ''): void {
  console.log(`Listening on port ${boundPort}, webhooks below /tradecloud${more}`)
  const secret = env.INSPECTOR_PASSWORD === undefined ? inspectorPassword : 'as in INSPECTOR_PASSWORD'
  console.log(`Inspector: http://127.0.0.1:${boundPort}/inspector/ (user inspector, password ${secret})`)
  if (isOpen)
    console.log(
      'No WEBHOOK_USERNAME or WEBHOOK_TOKEN is set: this server accepts anyone, so it listens on loopback only.',
    )
}
