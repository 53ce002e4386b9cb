/** Events of 30 days, like those of a real inbox: most are delivered, and few have a rare name. */
import { uuidOf } from '../../lib/bytes/digest'
import { reversed } from '../../lib/inbox/sql/names'
import { storedEvent } from '../stored-event'

const DAYS = 30
const DAY_MS = 86_400_000
/** The states waiting, delivered, dead and quarantined. */
const STATES = [0, 2, 3, 4]

export const RARE_NAME = 'OrderLinesReissuedByBuyer'

export type Row = Record<string, string | number | null>

/**
 * Creates the rows of the events `from` to `to - 1`. There are `count` events in all. The rows have no bodies, because
 * a list reads none.
 */
export function rowsOf(from: number, to: number, count: number): Row[] {
  const begin = Date.now() - DAYS * DAY_MS
  return Array.from({ length: to - from }, (_, i) => rowOf(from + i, begin + ((from + i) / count) * DAYS * DAY_MS))
}

function rowOf(number: number, time: number): Row {
  const isShipment = number % 10 === 3
  const entity = { kind: isShipment ? 'shipment' : 'order', id: `${uuidOf('company')}-PO-${number % 40_000}` } as const
  const [kind, eventName] = isShipment
    ? (['shipment', 'ShipmentIssuedBySupplier'] as const)
    : number % 25 === 0
      ? (['orderDocuments', 'OrderDocumentsAttachedByBuyer'] as const)
      : (['order', number % 20_000 === 7 ? RARE_NAME : 'OrderIssuedByBuyer'] as const)
  const received = Math.round(time)
  const id = uuidOf(`${number}`)
  const receivedAt = new Date(received).toISOString()
  const head = { ...storedEvent(Buffer.alloc(0)), id, key: id, kind, eventName, entity, receivedAt }
  const state = STATES[number % 50] ?? 2
  return {
    ...{ event: number + 1, seq: number + 1, id, key: id, occurrence: 0, queue: state === 0 ? number : null },
    ...{ state, name: head.name, kind, event_name: eventName, reversed_entity_id: reversed(entity.id) },
    ...{ received, due: received, attempts: 1, bytes: 8_000, has_body: 0, settled: state === 0 ? null : received },
    ...{ outcome: state > 2 ? 'rejected' : null, reason: state > 2 ? 'the item is not in the ERP' : null },
    head: JSON.stringify(head),
  }
}
