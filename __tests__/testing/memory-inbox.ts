/** An inbox in memory, as a user might write one. The contract applies to it as to any implementation of `Inbox`. */
import { randomUUID } from 'node:crypto'
import {
  TradecloudWebhookError,
  type Accepted,
  type Inbox,
  type InboxDelivery,
  type InboxEntry,
  type InboxHost,
  type InboxState,
  type StoredEvent,
  type Wanted,
} from 'tradecloud-webhook'
import { includes, isOpen, matches, queueOf, type MemoryStorage, type Row } from './memory-storage'

const KEPT_ATTEMPTS = 10
const LOOK_EVERY_MS = 20

export function memoryInbox(storage: MemoryStorage): Inbox {
  let host: InboxHost | undefined
  let isClosed = false
  let watching: NodeJS.Timeout | undefined
  const reported = new Set<string>()
  const owned = new Map<InboxDelivery, Row>()

  const headOf = (row: Row): Row | undefined => storage.rows.find((one) => isOpen(one) && queueOf(one) === queueOf(row))
  const find = (id: string): Row | undefined => storage.rows.find(({ event }) => event.id === id)
  const now = (): string => new Date().toISOString()
  const takenBy = (wanted: readonly Wanted[], { event }: Row): boolean =>
    event.quarantine !== undefined || includes(wanted, event.kind, event.eventName)

  function checkOpen(): void {
    if (isClosed) throw new Error('The inbox is closed.')
  }

  function moveToEnd(row: Row, changes: Partial<Row>): void {
    storage.rows = [...storage.rows.filter((one) => one !== row), Object.assign(row, changes)]
    storage.wakeAll()
  }

  function add(event: StoredEvent, bytes: Buffer): Row {
    const row: Row = {
      ...{ event, bytes, state: event.quarantine ? 'quarantined' : 'waiting', due: 0, attempts: [], count: 0 },
      ...{ firstAttemptAt: new Date(), replay: false, outcome: event.quarantine?.code },
      reason: event.quarantine?.reason,
    }
    storage.rows.push(row)
    storage.wakeAll()
    return row
  }

  function accept(event: StoredEvent, bytes: Buffer): Accepted {
    const of = (result: Accepted['result'], { event: { id } }: Row): Accepted => ({ result, id })
    if (event.trigger === 'id') {
      const candidate = { event } as Row
      const last = storage.rows.findLast((row) => isOpen(row) && queueOf(row) === queueOf(candidate))
      const merges = last?.event.trigger === 'id' && last.state === 'waiting' && last.count === 0
      return merges ? of('merged', last) : of('queued', add(event, bytes))
    }
    const same = storage.rows.filter(({ event: { key } }) => key !== undefined && key === event.key)
    const known = same.at(-1)
    if (known === undefined) return of(event.quarantine ? 'quarantined' : 'queued', add(event, bytes))
    if (isOpen(known)) return of('duplicate', known)
    if (known.state === 'delivered') {
      if (!event.repeatable) return of('duplicate', known)
      return of('queued', add({ ...event, id: randomUUID() }, bytes))
    }
    if (event.quarantine) return of('quarantined', known)
    const { id } = known.event
    moveToEnd(known, { event: { ...event, id }, bytes, state: 'waiting', due: 0, count: 0, settledAt: undefined })
    return of('queued', known)
  }

  function deliver(row: Row): InboxDelivery {
    row.state = 'running'
    row.count++
    if (row.count === 1) row.firstAttemptAt = new Date()
    row.attempts.push({ begunAt: now() })
    const { event, bytes, count: attempt, firstAttemptAt, replay } = row
    const delivery = { event, bytes, attempt, firstAttemptAt, replay, isOwned: () => owned.has(delivery) }
    owned.set(delivery, row)
    return delivery
  }

  function entryOf(row: Row): InboxEntry {
    const { event, state, bytes, count, due, settledAt } = row
    const { id, name, trigger, kind, eventName, entity, receivedAt, requestId } = event
    const head = state === 'waiting' ? headOf(row) : undefined
    return {
      ...{ id, name, trigger, kind, eventName, entity, receivedAt, requestId, state, bytes: bytes.length, settledAt },
      ...{ attempts: count, outcome: row.outcome, reason: row.reason },
      nextAttemptAt: state === 'waiting' ? new Date(Math.max(due, Date.now())).toISOString() : undefined,
      waitsBehind: head && head !== row ? head.event.id : undefined,
    }
  }

  function reportUntaken(): void {
    if (host === undefined) return
    const wanted = [...storage.members].flatMap((member) => member.wanted)
    for (const row of storage.rows.filter((one) => isOpen(one) && !takenBy(wanted, one))) {
      const what = `${row.event.kind} ${row.event.eventName ?? ''}`
      if (!reported.has(what))
        host.alarm(
          new TradecloudWebhookError('unavailable', `Events are waiting for which no process has a callback: ${what}`),
        )
      reported.add(what)
    }
  }

  return {
    ready: () => Promise.resolve(),
    accept: async (event, bytes) => {
      await Promise.resolve()
      checkOpen()
      return accept(event, Buffer.from(bytes))
    },
    isWanted: (name, kind, eventName) =>
      Promise.resolve(
        [...storage.known].some((member) => member.name === name && includes(member.wanted, kind, eventName)),
      ),
    attach: (given) => {
      host = given
      storage.members.add(given)
      storage.known.add(given)
      watching = setInterval(reportUntaken, LOOK_EVERY_MS).unref()
      return () => void storage.members.delete(given)
    },
    take: async ({ limit, maxBytes }) => {
      await Promise.resolve()
      checkOpen()
      const { name, wanted } = host && storage.members.has(host) ? host : { name: '', wanted: [] }
      const heads = storage.rows.filter(
        (row) => row.state === 'waiting' && row.event.name === name && takenBy(wanted, row) && headOf(row) === row,
      )
      const deliveries: InboxDelivery[] = []
      let room = maxBytes
      for (const row of heads.filter(({ due }) => due <= Date.now())) {
        if (deliveries.length === limit || row.bytes.length > room) break
        room -= row.bytes.length
        deliveries.push(deliver(row))
      }
      const left = heads.filter(({ state }) => state === 'waiting').map(({ due }) => due)
      return {
        deliveries,
        ...(left.length > 0 && { nextDueInMs: Math.max(0, Math.min(...left) - Date.now()) }),
      }
    },
    settle: async (delivery, settlement) => {
      await Promise.resolve()
      const row = owned.get(delivery)
      if (!row) return false
      owned.delete(delivery)
      const { result } = settlement
      const isRetry = result === 'retry'
      const { outcome, reason } = result === 'delivered' ? { outcome: result, reason: undefined } : settlement
      Object.assign(row.attempts.at(-1) ?? {}, { endedAt: now(), outcome, reason })
      Object.assign(row, { outcome, reason, state: isRetry ? 'waiting' : result })
      if (isRetry) row.due = Date.now() + settlement.delayMs
      else row.settledAt = now()
      storage.wakeAll()
      return true
    },
    list: ({ limit = 100, after, newestFirst = false, ...filter } = {}) => {
      const all = storage.rows.filter((row) => matches(row, filter))
      if (newestFirst) all.reverse()
      const from = all.findIndex(({ event }) => event.id === after) + 1
      const page = all.slice(from, from + limit)
      const isLast = from + limit >= all.length
      return Promise.resolve({ entries: page.map(entryOf), ...(!isLast && { next: page.at(-1)?.event.id }) })
    },
    show: (id, { bodyBytes } = {}) => {
      const row = find(id)
      const attempts = (row?.attempts ?? []).filter(
        (_attempt, index, { length }) => index < KEPT_ATTEMPTS || index >= length - KEPT_ATTEMPTS,
      )
      return Promise.resolve(
        row && { entry: entryOf(row), event: row.event, attempts, bytes: row.bytes.subarray(0, bodyBytes) },
      )
    },
    replay: (id) => {
      const row = find(id)
      if (row === undefined || row.state === 'running') return Promise.resolve(false)
      if (row.state === 'waiting') {
        row.due = 0
        storage.wakeAll()
      } else moveToEnd(row, { state: 'waiting', due: 0, count: 0, replay: true, settledAt: undefined })
      return Promise.resolve(true)
    },
    giveUp: (id, reason) => {
      const row = find(id)
      if (row?.state !== 'waiting') return Promise.resolve(false)
      Object.assign(row, { state: 'dead', outcome: 'given_up', reason, settledAt: now() })
      storage.wakeAll()
      return Promise.resolve(true)
    },
    purge: (id) => {
      const row = find(id)
      if (row?.state !== 'dead' && row?.state !== 'quarantined') return Promise.resolve(false)
      storage.rows = storage.rows.filter((one) => one !== row)
      return Promise.resolve(true)
    },
    stats: () => {
      const open = storage.rows.filter(isOpen)
      const received = open.map(({ event }) => Date.parse(event.receivedAt))
      const count = (state: InboxState): number => storage.rows.filter((row) => row.state === state).length
      return Promise.resolve({
        ...{ waiting: count('waiting'), running: count('running'), delivered: count('delivered') },
        ...{ dead: count('dead'), quarantined: count('quarantined') },
        waitingBytes: open.reduce((sum, { bytes }) => sum + bytes.length, 0),
        ...(received.length > 0 && { oldestWaitingAt: new Date(Math.min(...received)) }),
      })
    },
    check: async () => {
      await Promise.resolve()
      checkOpen()
    },
    close: () => {
      isClosed = true
      clearInterval(watching)
      if (host) storage.members.delete(host)
      for (const row of owned.values()) Object.assign(row, { state: 'waiting', due: 0 })
      owned.clear()
      storage.wakeAll()
      return Promise.resolve()
    },
  }
}
