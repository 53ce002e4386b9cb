/** Events as a webhook passes them to an inbox. */
import { hash, randomUUID } from 'node:crypto'
import type { StoredEvent } from '../lib'

let n = 0

/** Creates an event of another order with each call. */
export function storedEvent(bytes: Buffer): StoredEvent {
  const id = randomUUID()
  return {
    format: 1,
    name: 'bench',
    id,
    key: `bench:${id}`,
    trigger: 'body',
    kind: 'order',
    eventName: 'OrderIssuedByBuyer',
    entity: { kind: 'order', id: `PO-${++n}` },
    method: 'POST',
    path: '/order',
    contentType: 'application/json',
    digest: hash('sha256', bytes),
    requestId: id,
    receivedAt: new Date().toISOString(),
  }
}
