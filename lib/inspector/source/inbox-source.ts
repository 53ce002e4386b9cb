import type { Inbox, InboxEntry } from '../../inbox/inbox'
import { STATES, type InboxState } from '../../inbox/stored-event'
import { fieldsOf, historyOf, modelOf, nextOf, whyNotGivenUp, whyNotReplayed } from '../../views/event'
import { modelOf as statsOf } from '../../views/inbox'
import { startInterval } from '../../wait/timers'
import type { Action, Filter, Overview, Page, Row, Source, Tone } from './source'
import type { Subscribe } from './watch'

const TONES: Readonly<Record<InboxState, Tone>> = {
  waiting: 'waits',
  running: 'busy',
  delivered: 'good',
  dead: 'bad',
  quarantined: 'odd',
}
const CHART_HOURS = 24
const HOUR_MS = 3_600_000
/** How often to look for changes that other processes have made in the inbox. */
const LOOK_EVERY_MS = 3_000
/** How long an overview is reused, so that concurrent requests share one query. */
const OVERVIEW_FOR_MS = 1_000

export function inboxSource(inbox: Inbox, watch: Subscribe): Source {
  let last: { at: number; overview: Promise<Overview> } | undefined

  async function look(): Promise<Overview> {
    const now = Date.now()
    const since = new Date(now - (now % HOUR_MS) - (CHART_HOURS - 1) * HOUR_MS)
    const [stats, hours] = await Promise.all([inbox.stats(), inbox.countByHour?.(since)])
    const { oldestWaitingAt, oldestWaitingMs } = statsOf(stats)
    return {
      counts: STATES.map((state) => ({ state, tone: TONES[state], count: stats[state] })),
      ...{ oldestWaitingAt, oldestWaitingMs },
      hours: hours?.map((one) => ({ ...one, tone: TONES[one.state] })),
    }
  }

  function overview(): Promise<Overview> {
    if (!last || performance.now() - last.at > OVERVIEW_FOR_MS) {
      const current = { at: performance.now(), overview: look() }
      last = current
      current.overview.catch(() => {
        if (last === current) last = undefined
      })
    }
    return last.overview
  }

  return {
    title: 'Inbox',
    states: STATES,
    overview,
    async list({ text, state, ...filter }: Filter, limit: number, after?: string): Promise<Page> {
      const options = { ...filter, state: STATES.find((one) => one === state), limit, newestFirst: true }
      const cursor = after !== undefined && /^\d{1,15}$/.test(after) ? after : undefined
      const found = await inbox.list({ ...options, entityId: text, after: cursor })
      const isId = text !== undefined && found.entries.length === 0 && /^[\da-f][\da-f-]{3,35}$/i.test(text)
      const { entries, next } = isId ? await inbox.list({ ...options, id: text.toLowerCase() }) : found
      const now = Date.now()
      return { rows: entries.map((entry) => rowOf(entry, now)), next }
    },
    async find(id, bodyBytes) {
      const found = await inbox.show(id, { bodyBytes })
      if (!found) return undefined
      const model = modelOf(found)
      const { entry, bytes } = found
      return {
        row: rowOf(entry, Date.now()),
        fields: fieldsOf(model),
        waitsBehind: entry.waitsBehind,
        history: historyOf(model),
        size: entry.bytes,
        body: bytes?.subarray(0, bodyBytes),
        actions: actionsOf(entry, bytes !== undefined || entry.bytes === 0),
      }
    },
    bodyPieces: inbox.bodyPieces?.bind(inbox),
    async act(action, id, reason) {
      if (action === 'replay')
        return (await inbox.replay(id)) ? undefined : `The event was not queued: ${await whyNotReplayed(inbox, id)}.`
      if (action === 'give-up') return (await inbox.giveUp(id, reason)) ? undefined : whyNotGivenUp(inbox, id)
      return (await inbox.purge(id)) ? undefined : 'Only dead and quarantined events are removed.'
    },
    watch(changed) {
      let before: string | undefined
      const compare = ({ counts, oldestWaitingAt }: Overview): void => {
        const now = JSON.stringify([counts, oldestWaitingAt])
        if (before !== undefined && before !== now) changed()
        before = now
      }
      const timer = startInterval(() => void overview().then(compare, changed), LOOK_EVERY_MS)
      const stop = watch({ request: changed, settled: changed })
      return () => {
        clearInterval(timer)
        stop()
      }
    },
  }
}

function rowOf(entry: InboxEntry, now: number): Row {
  const { id, entity, state, kind, eventName, receivedAt, attempts, reason } = entry
  const next = nextOf(entry, now, (other) => other.slice(0, 8))
  const isNext = next !== '' && entry.waitsBehind === undefined
  const parts = state === 'delivered' ? [] : [isNext ? `next attempt ${next}` : next, reason]
  const note = parts.filter(Boolean).join(': ')
  return { id, entity, state, tone: TONES[state], kind, eventName, receivedAt, attempts, note }
}

function actionsOf({ state }: InboxEntry, hasBody: boolean): Action[] {
  const isEnded = state === 'dead' || state === 'quarantined'
  return [
    ...(hasBody && state !== 'running' ? ['replay' as const] : []),
    ...(state === 'waiting' ? ['give-up' as const] : []),
    ...(isEnded ? ['purge' as const] : []),
  ]
}
