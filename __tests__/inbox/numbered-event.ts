/** Events that are identified by their number, which is their request ID. */
import { sha256, uuidOf } from '../../lib/bytes/digest'
import type { StoredEvent } from '../../lib/inbox/stored-event'
import type { Numbered } from './protocol'

export function eventOf(
  { number, entity, kind = 'order' }: Numbered,
  bodyBytes: number,
): [event: StoredEvent, bytes: Buffer] {
  const bytes = Buffer.alloc(bodyBytes, `${number} `)
  const digest = sha256(bytes)
  const key = `faults:${kind}:${digest}:${number}`
  const event: StoredEvent = {
    format: 1,
    name: 'faults',
    id: uuidOf(key),
    key,
    trigger: 'body',
    kind,
    eventName: kind === 'order' ? 'OrderIssuedByBuyer' : 'ShipmentIssued',
    entity: { kind, id: entity },
    method: 'POST',
    path: `/${kind}`,
    contentType: 'application/json',
    digest,
    requestId: String(number),
    receivedAt: new Date().toISOString(),
  }
  return [event, bytes]
}
