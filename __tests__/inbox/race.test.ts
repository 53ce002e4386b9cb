/** An event is stored while the last event of its queue is settled on another connection. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InboxDelivery } from '../../lib/inbox/inbox'
import type { StoredEvent } from '../../lib/inbox/stored-event'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { isFull } from '../size'
import { pause } from '../wait'
import { insist } from './insist'
import { eventOf } from './numbered-event'
import { attach } from './postgres-inboxes'
import { openInbox, type EngineOptions } from './protocol'

const RACES = isFull ? 5_000 : 500
/** Number of queues that race concurrently. */
const QUEUES = 10
/**
 * Each side starts after a random delay of at most this length. This way, each combination of steps occurs in some of
 * the races.
 */
const SPREAD_MS = 6

const DELIVERED = { result: 'delivered' } as const

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-race-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(stopPostgresServers)

/** Resolves with the numbers of waiting events that are never delivered although no other event is in their queue. */
async function raceAcceptWithSettle(engine: EngineOptions): Promise<number[]> {
  const [receiver, worker] = [openInbox(engine), openInbox(engine)]
  const lost: number[] = []
  try {
    await Promise.all([receiver.ready(), worker.ready()])
    attach(worker)
    for (let first = 0; first < RACES; first += QUEUES) {
      const entities = Array.from({ length: QUEUES }, (_, i) => `order-${first + i}`)
      const accept = (stored: [StoredEvent, Buffer]) => insist(() => receiver.accept(...stored))
      const take = async () => (await insist(() => worker.take({ limit: 2 * QUEUES, maxBytes: 1e6 }))).deliveries
      const settle = (delivery: InboxDelivery) => insist(() => worker.settle(delivery, DELIVERED))
      await Promise.all(entities.map((entity, i) => accept(eventOf({ number: 2 * (first + i), entity }, 10))))
      const deliveries = await take()
      // A failed call of `take` may have taken events. They become free only later, and are then taken here.
      while (deliveries.length < QUEUES) deliveries.push(...(await take()))
      await Promise.all(
        deliveries.flatMap((delivery, i) => [
          soon(() => settle(delivery)),
          soon(() => accept(later(2 * (first + i) + 1, entityOf(delivery)))),
        ]),
      )
      // Both sides have ended, so the later event of each queue must be due, and the queue must have no owner.
      await Promise.all((await take()).map(settle))
      const { entries } = await worker.list({ state: 'waiting' })
      lost.push(...entries.map(({ requestId }) => Number(requestId)))
      for (const { id } of entries) await worker.giveUp(id, 'without a queue')
    }
    return lost
  } finally {
    await Promise.all([receiver.close(), worker.close()])
  }
}

/** Every other event is a GET trigger, which is not stored in a batch. */
function later(number: number, entity: string): [StoredEvent, Buffer] {
  const [event, bytes] = eventOf({ number, entity }, 10)
  return number % 4 === 1 ? [event, bytes] : [{ ...event, trigger: 'id', key: undefined }, Buffer.alloc(0)]
}

async function soon<T>(act: () => Promise<T>): Promise<T> {
  await pause(Math.random() * SPREAD_MS)
  return act()
}

function entityOf({ event }: InboxDelivery): string {
  return event.entity?.id ?? ''
}

test('SQLite: no event is ever left without a queue', async () => {
  expect(await raceAcceptWithSettle({ type: 'sqlite', file: join(folder, 'inbox.db') })).toEqual([])
})

test('PostgreSQL: the same', async () => {
  const { connectionString: url } = await startPostgres()
  expect(await raceAcceptWithSettle({ type: 'postgres', url, schema: 'race' })).toEqual([])
})
