/**
 * The webhook that is measured, with the set-up of most users: Basic credentials, validation, dedupe, one event per
 * order at a time, and a callback.
 */
import type { TradecloudWebhook, TradecloudWebhookOptions } from '../lib'
import { built } from './package'

export const credential = { type: 'basic', username: 'tradecloud', password: 'a password of this benchmark' } as const
export const authorization = `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`

export function createWebhook(options: Partial<TradecloudWebhookOptions> = {}): TradecloudWebhook {
  const { createTradecloudWebhook } = built<typeof import('../lib')>()
  return createTradecloudWebhook({
    auth: credential,
    onOrder: () => Promise.resolve(),
    onOrderDocuments: () => undefined,
    onShipment: () => undefined,
    ...options,
  })
}
