// The types that a user needs. This file is compiled but not run.
import express from 'express'
import { createTradecloudWebhook, RejectEvent, type OrderEvent, type Shipment } from 'tradecloud-webhook'
import { createTradecloudSimulator } from 'tradecloud-webhook/testing'

function describe(event: OrderEvent): string {
  if (event.completeness === 'id-only') return event.orderId
  return `${event.order.buyerOrder?.purchaseOrderNumber ?? ''} ${event.order.lines?.length ?? 0}`
}

const webhook = createTradecloudWebhook({
  auth: { type: 'basic', username: 'a', password: process.env.PASSWORD },
  onOrder: (event) => {
    describe(event)
    throw new RejectEvent('no')
  },
  onShipment: async (event) => {
    const shipment: Shipment | undefined = event.shipment
    await Promise.resolve(shipment)
  },
})
express().use('/tradecloud', webhook)
// @ts-expect-error without the types of Express, the webhook would be `any`, and this would compile
webhook.missing
createTradecloudSimulator
// @ts-expect-error an option that does not exist
createTradecloudWebhook({ auth: 'none', onOrders: () => undefined })
