/**
 * Provides the last requests that this process answered, for a webhook without an inbox. Keeps their delivery records
 * and reasons, but no bodies.
 */
import type { DeliveryRecord } from '../../answer/report'
import type { Outcome } from '../../answer/respond'
import { byteSize, count } from '../../views/text'
import type { Count, Details, Filter, Overview, Page, Row, Source, Tone } from './source'
import type { Subscribe } from './watch'

const KEPT = 1_000
/** Maximum length of names, IDs and reasons, because senders decide how long these are. */
const MAX_TEXT = 4_000
const HOUR_MS = 3_600_000
const CHART_HOURS = 24

interface Kept {
  /** A later record has a higher number. */
  number: number
  record: DeliveryRecord
  reason: string | undefined
}

/** Keeps the records of requests that are answered from now on. */
export function recordSource(watch: Subscribe): Source {
  const kept: Kept[] = []
  const watchers = new Set<() => void>()
  let number = 0
  watch({
    request(record, reason) {
      kept.push({ number: ++number, record: shorten(record), reason: reason?.slice(0, MAX_TEXT) })
      if (kept.length > KEPT) kept.shift()
      for (const changed of watchers) changed()
    },
    settled: () => undefined,
  })

  function countAll(): Count[] {
    const counts = new Map<string, Count>()
    for (const { record } of kept) {
      const { outcome: state } = record
      const found = counts.get(state) ?? { state, tone: toneOf(record), count: 0 }
      counts.set(state, { ...found, count: found.count + 1 })
    }
    return [...counts.values()].sort((a, b) => b.count - a.count)
  }

  return {
    title: `The last ${count(KEPT)} requests of this process`,
    get states() {
      return countAll().map(({ state }) => state)
    },
    overview: () => Promise.resolve<Overview>({ counts: countAll(), hours: hoursOf(kept) }),
    list(filter, limit, after): Promise<Page> {
      const before = after === undefined ? Infinity : Number(after)
      const found = kept.toReversed().filter((one) => one.number < before && matches(one, filter))
      const page = found.slice(0, limit)
      return Promise.resolve({
        rows: page.map(rowOf),
        next: found.length > limit ? String(page.at(-1)?.number) : undefined,
      })
    },
    find(id): Promise<Details | undefined> {
      const found = kept.find(({ record }) => record.requestId === id)
      return Promise.resolve(found && detailsOf(found))
    },
    watch(changed) {
      watchers.add(changed)
      return () => void watchers.delete(changed)
    },
  }
}

function shorten(record: DeliveryRecord): DeliveryRecord {
  const { eventName, entityId } = record
  return { ...record, eventName: eventName?.slice(0, MAX_TEXT), entityId: entityId?.slice(0, MAX_TEXT) }
}

function matches({ record }: Kept, { text, state, kind, eventName }: Filter): boolean {
  const isFound =
    text === undefined || (record.entityId?.endsWith(text) ?? false) || record.requestId.startsWith(text.toLowerCase())
  return (
    isFound &&
    (state === undefined || record.outcome === state) &&
    (kind === undefined || record.kind === kind) &&
    (eventName === undefined || record.eventName === eventName)
  )
}

const GOOD: readonly Outcome[] = ['delivered', 'queued', 'duplicate']

function toneOf({ outcome, givenUp }: DeliveryRecord): Tone {
  if (givenUp) return 'bad'
  if (GOOD.includes(outcome)) return 'good'
  return outcome === 'ignored' ? 'waits' : 'odd'
}

function rowOf({ record, reason }: Kept): Row {
  const { requestId: id, entityId, outcome: state, kind, eventName, receivedAt, attempt: attempts } = record
  const entity = entityId === undefined ? undefined : entityOf(kind, entityId)
  return {
    ...{ id, entity, state, tone: toneOf(record), kind, eventName, attempts, note: reason },
    receivedAt: receivedAt.toISOString(),
  }
}

function entityOf(kind: DeliveryRecord['kind'], id: string): Row['entity'] {
  return { kind: kind === 'shipment' ? 'shipment' : 'order', id }
}

function detailsOf(one: Kept): Details {
  const { record, reason } = one
  const row = rowOf(one)
  const after = record.givenUp ? 'gives up' : record.status < 300 ? 'is done' : 'sends it again'
  const fields: Array<[string, string | undefined]> = [
    [row.entity?.kind === 'shipment' ? 'Shipment' : 'Order', row.entity?.id],
    ['Event', record.eventName],
    ['Kind', record.kind],
    ['Request', `${record.requestId}, ${record.method}`],
    ['Outcome', record.outcome],
    ['Reason', reason],
    ['Response', record.answered ? String(record.status) : `${record.status}, but the client had disconnected`],
    ['Tradecloud', after],
    ['Received', row.receivedAt],
    ['Duration', `${count(Math.round(record.durationMs))} ms`],
    ['Attempt', record.attempt === undefined ? undefined : String(record.attempt)],
    ['Delivery ID', record.deliveryId],
    ['Merged', record.merged ? 'yes, with another trigger for the same ID' : undefined],
    ['Deviations', record.issues > 0 ? `${record.issues} from the schema` : undefined],
    ['Body', byteSize(record.bodyBytes)],
    ['Address', record.address],
  ]
  const ended = new Date(record.receivedAt.getTime() + record.durationMs).toISOString()
  return {
    row,
    fields: fields.filter((field): field is [string, string] => field[1] !== undefined),
    history: [
      { at: row.receivedAt, text: 'received' },
      { at: ended, text: `answered ${record.status}`, outcome: record.outcome, reason },
    ],
    size: record.bodyBytes,
    actions: [],
  }
}

function hoursOf(kept: readonly Kept[]): Overview['hours'] {
  const now = Date.now()
  const since = now - (now % HOUR_MS) - (CHART_HOURS - 1) * HOUR_MS
  const hours = new Map<string, NonNullable<Overview['hours']>[number]>()
  for (const { record } of kept) {
    const at = record.receivedAt.getTime()
    if (at < since) continue
    const hour = at - (at % HOUR_MS)
    const key = `${hour} ${record.outcome}`
    const found = hours.get(key) ?? { hour: new Date(hour), state: record.outcome, tone: toneOf(record), count: 0 }
    hours.set(key, { ...found, count: found.count + 1 })
  }
  return [...hours.values()]
}
