/**
 * Reads everything that changed since a cursor, page by page, and returns the next cursor. Entities may change
 * meanwhile: then they move to another position in the list, and a plain offset would skip the entities behind them.
 *
 * Therefore each page overlaps the page before. Entities that did not change keep their order. So if a page contains an
 * entity that was read before, all unread entities come after it, and nothing was skipped. If a page contains no entity
 * that was read before, the offset may be too far: step back.
 *
 * Where a page of two entities fails, pages of one entity are used. Such pages cannot overlap. Instead, the entity of
 * the first page is read again after the second page. If it is still at its position, and `total` has not become
 * smaller, nothing was skipped between the two pages. The reason depends on the order of the list. In a list from the
 * oldest change to the newest, an unchanged entity never moves towards the end. In a list from the newest to the
 * oldest, an unchanged entity moves towards the beginning only when `total` becomes smaller.
 */
import { createHash } from 'node:crypto'
import { BoundedMap } from '../bytes/bounded-map'

export interface PollPage {
  data: unknown[]
  /** Number of entities in all pages. `undefined` if the response does not contain it. */
  total: number | undefined
  lastUpdatedAt: string | undefined
  /** Number of entities that were requested. Default: the `limit` of the poll. */
  limit?: number | undefined
  /** The API's clock, from the header `Date`, in milliseconds since 1970; `undefined` without that header. */
  date?: number | undefined
}

/** A page is yielded before its entities; entities that were already read are left out. */
export type Polled =
  | ({ type: 'page' } & Pick<PollPage, 'total' | 'date'>)
  | { type: 'entity'; entity: unknown }
  /** One entity that could not be read. In the list, it comes after `after` and before `before`, if these are known. */
  | { type: 'skipped'; after: unknown; before: unknown; error: unknown }
  | { type: 'cursor'; lastUpdatedAt: string }

export interface PollSource {
  after: string
  limit: number
  /** Requests a page of at most `limit` entities, and of at most `most` if that is given. */
  ask: (offset: number, most?: number) => Promise<PollPage>
  /** Creates the error for a list that cannot be read. */
  fail: (text: string) => Error
  /**
   * Whether the only entity of the page may be the reason why `ask` failed with `error`. That entity is skipped if the
   * entity next to it can be read. Default: never.
   */
  canSkip?: (error: unknown) => boolean
}

/**
 * Maximum number of entities that are remembered by their hashes. The last 1,000 are always among them, which is enough
 * to step back without yielding many entities twice.
 */
const REMEMBERED = 2_000
const MAX_STEPS_BACK = 1_000

interface Item {
  entity: unknown
  hash: string
  time: string | undefined
}

export async function* poll(source: PollSource): AsyncGenerator<Polled, void, undefined> {
  const { after, limit: largest, ask, fail } = source
  const seen = new BoundedMap<true>(REMEMBERED)
  const order = new Order()
  let firstCursor: string | undefined
  let lastCursor: string | undefined
  let stepsBack = 0
  /** The entity that was read last, set if this page does not overlap the previous one. */
  let previous: Previous | undefined
  for (let offset = 0; ;) {
    const page = await readOrSkip(source, offset, previous)
    if ('skipped' in page) {
      yield page.skipped
      previous ??= { at: 0, total: page.total }
      if (page.isLast) break
      offset++
      continue
    }
    const { data, total, lastUpdatedAt, limit = largest, date } = page
    const items = data.map(readItem)
    yield { type: 'page', total, date }
    // An empty page before `total` entities were read is an incomplete response, not the end of the list.
    if (items.length === 0 && total !== undefined && offset < total) throw fail('a page before the end is empty')
    const follows = previous !== undefined && (await isInPlace(previous, total, ask))
    if (offset > 0 && !follows && !items.some(({ hash }) => seen.has(hash))) {
      if (++stepsBack > MAX_STEPS_BACK) throw fail('the list changes faster than it can be read')
      offset = Math.max(0, offset - Math.max(1, limit - 1))
      previous = undefined
      continue
    }
    // What an empty response contains as its cursor is not documented, so the previous cursor is kept.
    if (items.length > 0) {
      firstCursor ??= lastUpdatedAt
      lastCursor = lastUpdatedAt ?? lastCursor
    }
    order.look(follows && previous?.item ? [previous.item, ...items] : items)
    for (const { entity, hash } of items) {
      if (!seen.has(hash)) yield { type: 'entity', entity }
      seen.set(hash, true)
    }
    const read = offset + items.length
    if (items.length === 0 || (total === undefined ? items.length < limit : read >= total)) break
    const [single, another] = items
    previous = single !== undefined && another === undefined ? { item: single, at: offset, total } : undefined
    offset += previous ? 1 : overlapFrom(items)
  }
  // If the list begins with the oldest change, an entity that changed during the poll moved to the end and was read
  // there. So the cursor of the last response is valid. In any other order, the entity may have moved to a page that
  // was already read. Then only the cursor of the first response is valid.
  yield { type: 'cursor', lastUpdatedAt: (order.rises ? lastCursor : firstCursor) ?? after }
}

interface Previous {
  /** Absent after a skipped entity, if no page of one entity was read before it. */
  item?: Item
  at: number
  total: number | undefined
}

/**
 * Whether the entity that was read last is still at its position, and `total` has not become smaller: if so, no unread
 * entity has moved in front of it.
 */
async function isInPlace({ item, at, total }: Previous, now: number | undefined, ask: PollSource['ask']) {
  if ((now ?? 0) < (total ?? 0)) return false
  return item === undefined || hashOf((await ask(at, 1)).data[0]) === item.hash
}

interface Skipped {
  skipped: Extract<Polled, { type: 'skipped' }>
  total: number | undefined
  isLast: boolean
}

/**
 * Skips an entity that cannot be read even in a page of its own: otherwise, every poll would end there. In an outage,
 * the entity next to it fails too, and nothing is skipped.
 */
async function readOrSkip(
  { ask, canSkip }: PollSource,
  offset: number,
  previous: Previous | undefined,
): Promise<PollPage | Skipped> {
  try {
    return await ask(offset)
  } catch (error) {
    if (!canSkip?.(error)) throw error
    const next = await ask(offset + 1, 1).catch(() => undefined)
    const after = previous?.item?.entity
    const isLast = next?.data.length === 0 && next.total === offset + 1
    const isProven =
      next !== undefined &&
      (next.data.length > 0 || (isLast && (await ask(previous?.at ?? 0, 1).catch(() => undefined))))
    if (!isProven) throw error
    return { skipped: { type: 'skipped', after, before: next.data[0], error }, total: next.total, isLast }
  }
}

/**
 * Index of the entity with which the next page begins. This is the first entity with the same time of change as the
 * last entity, because the order of entities with equal times is not documented. If the last entity has no time, or if
 * all times are equal, the next page begins with the last entity.
 */
function overlapFrom(items: Item[]): number {
  const last = items.length - 1
  const time = items[last]?.time
  const first = time === undefined ? last : items.findIndex((item) => item.time === time)
  return first === 0 ? last : first
}

/** Detects whether the list is sorted from the oldest change to the newest. Its order is not documented. */
class Order {
  #rose = false
  #fell = false

  get rises(): boolean {
    return this.#rose && !this.#fell
  }

  /**
   * Compares the times of consecutive items. Items of two responses may be passed together only if nothing was skipped
   * between them, because the list may have changed between the responses.
   */
  look(items: Item[]): void {
    const instants = items.map(({ time }) => Date.parse(time ?? ''))
    instants.slice(1).forEach((instant, i) => {
      const previous = instants[i] ?? NaN
      if (instant > previous) this.#rose = true
      // NaN differs from any time, so a list that contains an entity without a time counts as unsorted.
      else if (instant !== previous) this.#fell = true
    })
  }
}

/**
 * Identifies a state of an entity by the hash of its content, because no documented field is certain to differ between
 * two states.
 */
function hashOf(entity: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(entity ?? null))
    .digest('base64')
}

function readItem(entity: unknown): Item {
  const { lastUpdatedAt, meta } = (entity ?? {}) as {
    lastUpdatedAt?: unknown
    meta?: { lastUpdatedAt?: unknown } | null
  }
  const time = lastUpdatedAt ?? meta?.lastUpdatedAt
  return { entity, hash: hashOf(entity), time: typeof time === 'string' ? time : undefined }
}
