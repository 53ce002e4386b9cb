/** Webhook, client and simulator together, with the client's own rate limit. */
import express from 'express'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createTradecloudWebhook,
  type TradecloudClient,
  type TradecloudClientOptions,
  type TradecloudWebhook,
  type TradecloudWebhookOptions,
} from 'tradecloud-webhook'
import { createTradecloudSimulator, order, type TradecloudSimulator } from 'tradecloud-webhook/testing'

const auth = { type: 'bearer', token: 'webhook-canary' } as const

type Access = Record<'baseUrl' | 'username' | 'password', string>

export class FetchingRig {
  readonly delivered: string[] = []

  private constructor(
    readonly tradecloud: TradecloudSimulator,
    private readonly webhook: TradecloudWebhook,
    private readonly client: TradecloudClient | undefined,
    private readonly server: Server,
  ) {}

  static async start(
    options: Partial<TradecloudWebhookOptions> = {},
    api: Partial<TradecloudClientOptions> | ((access: Access) => TradecloudClient) = {},
  ): Promise<FetchingRig> {
    const tradecloud = await createTradecloudSimulator({ retry: { startMs: 200, maxDelayMs: 2_000, jitter: true } })
    const { baseUrl, username, password } = tradecloud
    const client = typeof api === 'function' ? api({ baseUrl, username, password }) : undefined
    const settings = typeof api === 'function' ? {} : api
    const delivered = (id: string): void => void rig.delivered.push(id)
    const webhook = createTradecloudWebhook({
      auth,
      api: client ?? { baseUrl, username, password, notFoundRetryMs: 0, ...settings },
      onOrder: (event) => delivered(event.orderId),
      onOrderDocuments: () => undefined,
      onShipment: () => undefined,
      logger: { warn: () => undefined, error: () => undefined },
      ...options,
    })
    const server = express().use('/tradecloud', webhook).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const rig = new FetchingRig(tradecloud, webhook, client, server)
    return rig
  }

  /** Adds orders to the API, and returns a trigger for each. */
  triggers(count: number) {
    const url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/tradecloud/order/{orderId}`
    return Array.from({ length: count }, (_, i) => {
      const known = order({ seed: i + 1, lines: 1 })
      this.tradecloud.api.setOrder(known.id, known)
      return { url, orderId: known.id, auth }
    })
  }

  async close(): Promise<void> {
    await this.webhook.close()
    await this.client?.close()
    await this.tradecloud.close()
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
