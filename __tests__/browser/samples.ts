/** The events that arrive during one day, for screenshots and tests. */
import { orderEvent, shipmentEvent } from 'tradecloud-webhook/testing'
import type { Sample } from './fill'

const COMPANY = '3e0f6d52-41c7-4d3b-9f0c-7a5e2b8c1d60'
const NAMES = ['OrderIssuedByBuyer', 'OrderLinesAcceptedBySupplier', 'OrderLinesProposalApprovedByBuyer']

const orderOf = (number: number): string => `${COMPANY}-PO-2026/${String(number).padStart(5, '0')}`

/** Number of events in each of the last 24 hours, oldest hour first. */
const ORDERS_BY_HOUR = [2, 1, 0, 1, 2, 3, 5, 9, 14, 18, 16, 12, 9, 13, 15, 12, 9, 6, 4, 3, 3, 2, 4, 5]

export function samplesOfADay(): Sample[] {
  const samples: Sample[] = []
  let number = 410
  for (const [hour, orders] of ORDERS_BY_HOUR.entries())
    for (let i = 0; i < orders; i++) {
      const at = { minutesAgo: (ORDERS_BY_HOUR.length - 1 - hour) * 60 + 55 - i * 2 }
      const eventName = NAMES[number % NAMES.length]!
      const id = orderOf(number++)
      if (number % 41 === 0)
        samples.push({
          ...at,
          id,
          eventName,
          state: 'dead',
          outcome: 'rejected',
          reason: 'item 4711 is not in the ERP',
        })
      else if (number % 61 === 0)
        samples.push({
          ...at,
          id,
          state: 'quarantined',
          body: '{"eventName": "OrderIss',
          reason: 'the body is not JSON',
        })
      else if (number % 5 === 0)
        samples.push({ ...at, id: `${COMPANY}-SN-${number}`, kind: 'shipment', eventName: 'ShipmentIssuedBySupplier' })
      else samples.push({ ...at, id, eventName })
    }
  const away = 'fetch failed: connect ECONNREFUSED 10.0.0.12:443'
  const body = JSON.stringify(orderEvent({ orderId: orderOf(13), lines: 3 }))
  return [
    ...samples,
    { id: orderOf(13), eventName: NAMES[0]!, minutesAgo: 52 },
    { id: orderOf(13), eventName: NAMES[1]!, state: 'waiting', failures: 4, reason: away, body, minutesAgo: 21 },
    { id: orderOf(13), eventName: NAMES[2]!, state: 'waiting', minutesAgo: 4 },
    {
      id: `${COMPANY}-SN-70551`,
      kind: 'shipment',
      eventName: 'ShipmentIssuedBySupplier',
      body: JSON.stringify(shipmentEvent()),
      minutesAgo: 1,
    },
  ]
}
