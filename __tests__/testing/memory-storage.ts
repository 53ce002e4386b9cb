/** The storage that the inboxes of one test share, and its queries. */
import type {
  EventKind,
  InboxAttempt,
  InboxFilter,
  InboxHost,
  InboxState,
  StoredEvent,
  Wanted,
} from 'tradecloud-webhook'

export interface Row {
  event: StoredEvent
  bytes: Buffer
  state: InboxState
  due: number
  attempts: InboxAttempt[]
  count: number
  firstAttemptAt: Date
  replay: boolean
  outcome?: string | undefined
  reason?: string | undefined
  settledAt?: string | undefined
}

/** Several inboxes share one storage, as processes share a database. In each queue, rows are in order of delivery. */
export class MemoryStorage {
  rows: Row[] = []
  readonly members = new Set<InboxHost>()
  /** Processes that run, or have ended and may restart. A real inbox forgets a process an hour after its end. */
  readonly known = new Set<InboxHost>()

  wakeAll(): void {
    for (const host of this.members) host.wake()
  }
}

export const queueOf = ({ event: { name, entity, id } }: Row): string => `${name} ${entity?.kind} ${entity?.id ?? id}`

export const isOpen = ({ state }: Row): boolean => state === 'waiting' || state === 'running'

export function matches({ event, state }: Row, filter: InboxFilter): boolean {
  const { id = '', kind = event.kind, eventName = event.eventName, entityId = '', since, before } = filter
  const received = Date.parse(event.receivedAt)
  return (
    event.id.startsWith(id) &&
    (filter.state ?? state) === state &&
    kind === event.kind &&
    eventName === event.eventName &&
    (event.entity?.id ?? '').endsWith(entityId) &&
    received >= (since?.getTime() ?? -Infinity) &&
    received < (before?.getTime() ?? Infinity)
  )
}

export function includes(wanted: readonly Wanted[], kind: EventKind, eventName: string | undefined): boolean {
  return wanted.some(
    (one) => one.kind === kind && (!one.eventNames || (eventName !== undefined && one.eventNames.includes(eventName))),
  )
}
