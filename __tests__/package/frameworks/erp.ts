// Stands in for the user's code in docs/frameworks.md, and prints its arguments.
import { setTimeout } from 'node:timers/promises'
import type { OrderEvent } from 'tradecloud-webhook'

export async function saveOrder(event: OrderEvent, deliveryId: string): Promise<void> {
  if (deliveryId === '' || event.orderId === 'fails') throw new Error('The ERP system is down.')
  if (event.orderId === 'slow') {
    console.log('"slow begins"')
    await setTimeout(500)
  }
  console.log(JSON.stringify({ id: event.orderId, lines: event.affectedLines?.length }))
}
