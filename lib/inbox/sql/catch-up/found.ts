/** Stores what the catch-up found, after comparing it with the arrival records in the same transaction. */
import { storeFound } from '../../catch-up/store-found'
import type { Stored, StoreRequest } from '../../catch-up/storage'
import { uuidOf } from '../../../bytes/digest'
import type { StoredEvent } from '../../stored-event'
import { insertEvent, removeUpload, type AcceptRequest } from '../accept'
import { lockQueue, updateQueue } from '../queues'
import type { Tables } from '../tables'
import { arrivals, recordArrivals } from './arrivals'
import { holds, type Held } from './lease'

export interface FoundRequest extends Held, Pick<AcceptRequest, 'size' | 'bytes' | 'upload'> {
  /** The request without the content of the entity. The parts are the header and the lines, in their order. */
  request: StoreRequest
  /** The event. Its ID, key and affected lines are set only after the comparison. */
  event: StoredEvent
}

/** Returns `undefined` if the lease was lost. */
export async function storeFoundEvent(
  tables: Tables,
  { request, event: form, size, bytes, upload, ...held }: FoundRequest,
): Promise<Stored | undefined> {
  const { name } = held
  const isHeld = await holds(tables, held)
  let number: number | undefined
  const queue = isHeld ? await lockQueue(tables, form, size) : undefined
  const stored = queue
    ? await storeFound(
        {
          arrivals: (entity) => arrivals(tables, { name, ...entity }),
          addArrival: (arrival) => recordArrivals(tables, [{ name, arrival, event: number ?? 0 }]),
          addEvent: async ({ key: foundKey, entity, parts, outdated }) => {
            const key = `${name}:${foundKey}`
            const lines = parts.map((part) => entity.parts.indexOf(part) - 1).filter((line) => line >= 0)
            const found = { form: entity.form, lines, outdated }
            const event = { ...form, id: uuidOf(key), key, found }
            number = await insertEvent(tables, { event, size, bytes, upload }, queue.queue, 0)
            if (number === undefined) return false
            await tables.run('UPDATE events SET found = 1 WHERE event = ?', number)
            return true
          },
        },
        request,
      )
    : undefined
  if (number !== undefined) return stored
  if (upload !== undefined) await removeUpload(tables, upload)
  if (queue?.owner === null) await updateQueue(tables, queue.queue)
  return stored
}

export async function waitingFound(tables: Tables, name: string): Promise<{ events: number; bytes: number }> {
  const row = await tables.get<{ events: number; bytes: number }>(
    `SELECT CAST(count(*) AS BIGINT) AS events, CAST(coalesce(sum(bytes), 0) AS BIGINT) AS bytes FROM events
     WHERE name = ? AND found = 1 AND state < 2`,
    name,
  )
  return row ?? { events: 0, bytes: 0 }
}
