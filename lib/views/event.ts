/** One event with its history, for the command line and the inspector. */
import type { Inbox, InboxAttempt, InboxEntry } from '../inbox/inbox'
import type { StoredEvent } from '../inbox/stored-event'
import { count, duration } from './text'

export type ShownEvent = NonNullable<Awaited<ReturnType<Inbox['show']>>>

export interface EventModel
  extends InboxEntry, Pick<StoredEvent, 'method' | 'path' | 'contentType' | 'digest' | 'reserialized' | 'quarantine'> {
  /** The attempts, oldest first. If there are many, only the first ten and the last ten. */
  history: InboxAttempt[]
}

export function modelOf({ entry, event, attempts }: ShownEvent): EventModel {
  const { method, path, contentType, digest, reserialized, quarantine } = event
  return { ...entry, ...{ method, path, contentType, digest, reserialized, quarantine }, history: attempts }
}

/** Names an event for operators: its order or shipment ID, or else its event name or kind. */
export function labelOf({ entity, eventName, kind }: InboxEntry): string {
  return entity?.id ?? eventName ?? kind
}

/**
 * For a waiting event: how long until its next attempt, or the ID of the earlier event that it waits for. `shorten`
 * shortens this ID. Empty for an event that does not wait.
 */
export function nextOf(
  { waitsBehind, nextAttemptAt }: Pick<InboxEntry, 'waitsBehind' | 'nextAttemptAt'>,
  now: number,
  shorten = (id: string): string => id,
): string {
  if (waitsBehind !== undefined) return `behind ${shorten(waitsBehind)}`
  if (nextAttemptAt === undefined) return ''
  const wait = Date.parse(nextAttemptAt) - now
  return wait > 0 ? `in ${duration(wait)}` : 'now'
}

/** The fields that are known, with labels. */
export function fieldsOf(model: EventModel): Array<[label: string, value: string]> {
  const { entity, quarantine, trigger } = model
  const fields: Array<[string, string | undefined]> = [
    [entity?.kind === 'shipment' ? 'Shipment' : 'Order', entity?.id],
    ['Event', model.eventName],
    ['Kind', trigger === 'id' ? `${model.kind}, an ID to fetch` : model.kind],
    ['ID', model.id],
    ['State', model.state],
    ['Outcome', model.outcome],
    ['Reason', model.reason],
    ['Next attempt', model.nextAttemptAt],
    ['Waits behind', model.waitsBehind],
    ['Attempts', String(model.attempts)],
    ['Received', model.receivedAt],
    ['Settled', model.settledAt],
    ['Webhook', model.name],
    ['Request', `${model.requestId}, ${model.method} ${model.path}`],
    ['Content type', model.contentType],
    ['SHA-256', model.digest],
    ['Quarantine', quarantine && `${quarantine.code}: ${quarantine.reason}`],
    ...(quarantine?.issues ?? []).map(({ pointer, message }): [string, string] => ['Issue', `${pointer} ${message}`]),
    ['Reserialized', model.reserialized && 'yes: the app parsed the body, and it was written as JSON again'],
  ]
  return fields.filter((field): field is [string, string] => field[1] !== undefined)
}

export interface HistoryLine {
  at: string
  text: string
  /** Absent for the arrival, and for an attempt whose outcome is not recorded. */
  outcome?: string | undefined
  reason?: string | undefined
}

/** The history, beginning with the arrival. */
export function historyOf({ receivedAt, history }: EventModel): HistoryLine[] {
  return [{ at: receivedAt, text: 'received' }, ...history.map(attemptOf)]
}

function attemptOf({ begunAt, endedAt, outcome, reason }: InboxAttempt): HistoryLine {
  if (outcome === undefined)
    return { at: begunAt, text: `attempt, ${endedAt === undefined ? 'running or cut short' : 'ended'}` }
  const ms = endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(begunAt)
  return { at: begunAt, text: `attempt${ms === undefined ? '' : ` of ${count(ms)} ms`}`, outcome, reason }
}

export async function whyNotReplayed(inbox: Inbox, id: string): Promise<string> {
  const [now] = (await inbox.list({ id, limit: 1 })).entries
  if (!now) return 'it is no longer in the inbox'
  if (now.state === 'running') return 'it is being delivered at the moment'
  return 'its body is no longer kept'
}

export async function whyNotGivenUp(inbox: Inbox, id: string): Promise<string> {
  const [now] = (await inbox.list({ id, limit: 1 })).entries
  if (now?.state === 'running' || now?.state === 'waiting')
    return `Event ${id} is being delivered at the moment: try again once this attempt has ended.`
  return `Event ${id} is ${now?.state ?? 'gone'}: only a waiting event can be given up.`
}
