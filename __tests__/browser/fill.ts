/** Fills an inbox with waiting, delivered, dead and quarantined events, as if they had arrived during the last day. */
import { createHash, randomUUID } from 'node:crypto'
import type { Inbox, InboxDelivery, Settlement, StoredEvent } from 'tradecloud-webhook'
import { until } from '../wait'

export interface Sample {
  /** Order or shipment ID. */
  id: string
  kind?: StoredEvent['kind']
  eventName?: string
  body?: string | Buffer
  contentType?: string
  /** State that the event gets. Default: delivered. */
  state?: 'delivered' | 'waiting' | 'dead' | 'quarantined'
  reason?: string
  outcome?: string
  /** Number of attempts that fail before the event gets its state. Default: none. */
  failures?: number
  minutesAgo?: number
}

/** Stores the events in the given order. The inbox must have no webhook, and stays open. */
export async function fillInbox(inbox: Inbox, samples: readonly Sample[]): Promise<string[]> {
  const detach = inbox.attach({
    name: 'tradecloud',
    wanted: [{ kind: 'order' }, { kind: 'orderDocuments' }, { kind: 'shipment' }, { kind: 'unknown' }],
    maxDelayMs: 900_000,
    wake: () => undefined,
    leaseLost: () => undefined,
    alarm: () => undefined,
  })
  const ids: string[] = []
  for (const sample of samples) {
    const [event, bytes] = storedEventOf(sample)
    const { id } = await inbox.accept(event, bytes)
    ids.push(id)
    const { state = 'delivered', failures = 0, outcome = 'handler_failed', reason = '' } = sample
    // An event that waits for an earlier event of the same order is not attempted.
    if (state === 'quarantined' || (await inbox.show(id))?.entry.waitsBehind !== undefined) continue
    for (let i = 0; i < failures; i++)
      await inbox.settle(await take(inbox), { result: 'retry', delayMs: 0, outcome, reason })
    if (state === 'waiting' && failures === 0 && reason === '') continue
    await inbox.settle(await take(inbox), settlementOf(state, outcome, reason))
  }
  detach()
  return ids
}

function settlementOf(state: Sample['state'], outcome: string, reason: string): Settlement {
  if (state === 'dead') return { result: 'dead', outcome, reason }
  if (state === 'waiting') return { result: 'retry', delayMs: 600_000, outcome, reason }
  return { result: 'delivered' }
}

async function take(inbox: Inbox): Promise<InboxDelivery> {
  let taken: InboxDelivery | undefined
  await until(async () => {
    taken = (await inbox.take({ limit: 1, maxBytes: 1e9 })).deliveries[0]
    return taken !== undefined
  }, 'nothing was taken')
  return taken!
}

export function storedEventOf(sample: Sample): [StoredEvent, Buffer] {
  const { id, kind = 'order', eventName = 'OrderIssuedByBuyer', state, outcome, reason, minutesAgo = 0 } = sample
  const bytes = Buffer.from(sample.body ?? JSON.stringify({ eventName, orderEvent: { orderId: id } }))
  const unique = randomUUID()
  return [
    {
      ...{ format: 1, name: 'tradecloud', id: unique, key: `tradecloud:${unique}`, trigger: 'body', kind, eventName },
      entity: { kind: kind === 'shipment' ? 'shipment' : 'order', id },
      ...{ method: 'POST', path: '/order', contentType: sample.contentType ?? 'application/json' },
      digest: createHash('sha256').update(bytes).digest('hex'),
      requestId: randomUUID(),
      receivedAt: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
      ...(state === 'quarantined' && {
        quarantine: { code: outcome ?? 'malformed_body', reason: reason ?? 'the body is not JSON' },
      }),
    },
    bytes,
  ]
}
