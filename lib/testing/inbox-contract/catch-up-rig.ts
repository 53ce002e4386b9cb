/** What the tests of the catch-up share: polled orders, arrivals of events, and the lease for polling. */
import assert from 'node:assert/strict'
import type { Arrival } from '../../inbox/catch-up/arrivals'
import { keyOfPart, readEntity, type EntitySnapshot } from '../../inbox/catch-up/parts'
import type { CatchUpInbox, Lease, StoreRequest } from '../../inbox/catch-up/storage'
import type { Inbox } from '../../inbox/inbox'
import { NAME, ORDER_ID } from './harness'

export const SCOPE = { key: 'order https://api.example.com user', kind: 'order', form: 'deliverySchedule' } as const
export const NOON = Date.UTC(2026, 10, 2, 12)
const MINUTE = 60_000

export const textOf = (time: number): string => new Date(time).toISOString()

/** An order as a poll returns it. `lines` has the time of change of each line, by ID. */
export function polled(
  lines: Record<string, number>,
  more: { id?: string; description?: string } = {},
): EntitySnapshot {
  const { id = ORDER_ID, ...fields } = more
  const times = Object.values(lines)
  const content = {
    ...{ id, lastUpdatedAt: textOf(Math.max(...times)), ...fields },
    lines: Object.entries(lines).map(([line, time]) => ({ id: line, lastUpdatedAt: textOf(time) })),
  }
  return readEntity('order', 'deliverySchedule', content) ?? assert.fail('no order')
}

/** What an event with these lines covers. `lines` has the time of change of each line, by ID. */
export function arrivalOf(lines: Record<string, number>, form: Arrival['form'] = 'deliverySchedule'): Arrival {
  const marks = Object.entries(lines).map(([line, time]) => ({ name: `line:${line}`, time, hash: `${line} ${time}` }))
  return { kind: 'order', id: ORDER_ID, form, marks }
}

/** A request that wants all parts. */
export function requestFor(entity: EntitySnapshot, more: Partial<StoreRequest> = {}): StoreRequest {
  const wanted = new Set(entity.parts.map(keyOfPart))
  return { entity, wanted, floor: 0, clock: NOON, horizon: NOON - 10 * MINUTE, outdated: false, ...more }
}

export function catchUpOf(inbox: Inbox, name = NAME): CatchUpInbox {
  return inbox.catchUp?.(name) ?? assert.fail('the inbox has no `catchUp`: call inboxContract with `catchUp: false`')
}

export async function acquire(catchUp: CatchUpInbox): Promise<Lease> {
  return { scope: SCOPE, token: (await catchUp.acquire()) ?? assert.fail('another process polls') }
}

export const newestOf = async (catchUp: CatchUpInbox, name: string): Promise<number | undefined> => {
  const { marks } = await catchUp.arrivals({ kind: 'order', id: ORDER_ID, form: 'deliverySchedule' })
  const times = marks.filter((mark) => mark.name === name).map(({ time }) => time)
  return times.length > 0 ? Math.max(...times) : undefined
}
