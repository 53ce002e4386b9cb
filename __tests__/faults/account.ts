/** Compares the responses to the sender with the calls of the callback. */
import { isAccepted, type Load, type Sent } from './load'
import type { Ledger, Step } from './ledger'

export interface Account {
  events: number
  /** Events that were answered with 2xx, but for which no call succeeded. */
  missing: string[]
  /** Calls whose event differs from the one that was sent. */
  torn: string[]
  /** Number of calls beyond the first call for each event. */
  extraCalls: number
  /**
   * Calls that began too late (after a call for a later event of the same order) or too early (before any call for the
   * previous event).
   */
  outOfOrder: string[]
  /** Calls for the same order that ran at the same time in one process. */
  overlapping: string[]
  /** Number of responses by status. */
  answers: Record<string, number>
  slowestAnswerMs: number
}

export function settleAccount(loads: Load[], { steps }: Pick<Ledger, 'steps'>): Account {
  const sent = loads.flatMap((load) => load.sent)
  const succeeded = new Set(steps.filter(({ what }) => what === 'end').map(({ event }) => event))
  const begun = steps.filter(({ what }) => what === 'begin')
  const answers = sent.flatMap((event) => event.answers)
  return {
    events: sent.filter(({ accepted }) => accepted).length,
    missing: sent.filter((event) => wasAccepted(event) && !succeeded.has(event.event)).map(({ event }) => event),
    torn: steps.filter(({ intact }) => !intact).map(({ event }) => event),
    extraCalls: begun.length - new Set(begun.map(({ event }) => event)).size,
    outOfOrder: outOfOrder(begun),
    overlapping: overlapping(steps),
    answers: count(answers.map(({ status }) => String(status))),
    slowestAnswerMs: answers.reduce((slowest, { sentAt, answeredAt }) => Math.max(slowest, answeredAt - sentAt), 0),
  }
}

/** Events whose callback was running when their process ended, by process number. */
export function cutShort(steps: Step[]): Map<number, Set<string>> {
  const running = new Map<number, Set<string>>()
  for (const { what, run, event } of steps) {
    let events = running.get(run)
    if (!events) running.set(run, (events = new Set()))
    if (what === 'begin') events.add(event)
    else events.delete(event)
  }
  return running
}

/** Calls that began after an interrupted call for the same event. All processes share one clock. */
export function calledAgain(steps: Step[], interrupted: Array<[run: number, events: Set<string>]>): Step[] {
  const begun = steps.filter(({ what }) => what === 'begin')
  const cut = begun.filter(({ run, event }) =>
    interrupted.some(([number, events]) => number === run && events.has(event)),
  )
  return begun.filter((step) => cut.some(({ event, clock }) => event === step.event && clock < step.clock))
}

/** Events for which a call began before the previous event of the order had succeeded. */
export function tooEarly(steps: Step[]): string[] {
  const succeeded = new Set<string>()
  const found: string[] = []
  for (const { what, order, turn, event } of steps) {
    if (what === 'end') succeeded.add(`${order} ${turn}`)
    if (what === 'begin' && turn > 0 && !succeeded.has(`${order} ${turn - 1}`)) found.push(event)
  }
  return found
}

/**
 * Calls for the same order that overlapped, in one process or in several. All processes share one clock. A call ends
 * at the latest when its process ends. `diedAt`: the end of each process, by process number.
 */
export function atTheSameTime(steps: Step[], diedAt: ReadonlyMap<number, number> = new Map()): string[] {
  const running = new Map<string, Step>()
  const found: string[] = []
  for (const step of steps.toSorted((one, other) => one.clock - other.clock)) {
    const { what, run, order, event } = step
    const current = running.get(order)
    if (what !== 'begin') {
      if (current?.run === run && current.event === event) running.delete(order)
      continue
    }
    if (current && !(diedAt.get(current.run)! < step.clock)) found.push(`${current.event} and ${event}`)
    running.set(order, step)
  }
  return found
}

export function count(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

function wasAccepted({ answers }: Sent): boolean {
  return answers.some(isAccepted)
}

function outOfOrder(begun: Step[]): string[] {
  const latest = new Map<string, number>()
  const found: string[] = []
  for (const { order, turn, event } of begun) {
    const last = latest.get(order) ?? -1
    // A further call for the latest event is a retry. Any other call must be for the event after the latest one.
    if (turn < last || turn > last + 1) found.push(event)
    latest.set(order, Math.max(last, turn))
  }
  return found
}

function overlapping(steps: Step[]): string[] {
  const running = new Map<string, string>()
  const found: string[] = []
  for (const { what, run, order, event } of steps) {
    const line = `${run} ${order}`
    if (what !== 'begin') running.delete(line)
    else if (running.has(line)) found.push(`${running.get(line)!} and ${event}`)
    else running.set(line, event)
  }
  return found
}
