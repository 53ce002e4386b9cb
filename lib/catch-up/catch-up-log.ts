/**
 * Reports what the catch-up does, to the log and, after each run, to `onCatchUp` and telemetry. The number of log lines
 * is limited, however often the catch-up runs.
 */
import { debugCatchUp } from '../log/debug'
import { describe, locationOf } from '../log/describe-error'
import type { Log } from '../log/log'
import type { ObservedRun } from '../answer/telemetry'
import { quote } from '../bytes/quote'
import { isThenable } from '../wait/thenable'
import type { CatchUpReport } from './catch-up-options'
import type { RecoveredChange } from './run-options'

const HOUR_MS = 3_600_000
/** Maximum number of changes that one line names. */
const MAX_NAMED = 20

export class CatchUpLog {
  readonly #log: Log
  readonly #observe: ((run: ObservedRun) => void) | undefined
  #recovered: ObservedRun['recovered'] = {}
  readonly #onCatchUp: ((report: CatchUpReport) => unknown) | undefined
  readonly #warnsOfFound: boolean
  readonly #now: () => number
  #found: RecoveredChange[] = []
  #foundTotal = 0
  #foundLineAt = -Infinity
  #failures = 0
  #failureLineAt = -Infinity

  /** `warnsOfFound`: log found changes as warnings, because a webhook should have received them. */
  constructor(
    log: Log,
    onCatchUp: ((report: CatchUpReport) => unknown) | undefined,
    warnsOfFound: boolean,
    observe?: (run: ObservedRun) => void,
    now = () => performance.now(),
  ) {
    this.#log = log
    this.#onCatchUp = onCatchUp
    this.#warnsOfFound = warnsOfFound
    this.#observe = observe
    this.#now = now
  }

  /**
   * Called when a change that never arrived was found and stored. The changes are logged as soon as there are
   * `MAX_NAMED` of them, because the process may end before the run does. They are not logged yet if a line was logged
   * within the last hour.
   */
  found(note: RecoveredChange): void {
    debugCatchUp('found %s %s, lines %j', note.kind, quote(note.id), note.lines)
    if (!this.#warnsOfFound) return
    this.#recovered[note.kind] = (this.#recovered[note.kind] ?? 0) + 1
    this.#foundTotal++
    if (this.#found.length < MAX_NAMED) this.#found.push(note)
    if (this.#foundTotal === MAX_NAMED) this.flushFound()
  }

  /** Logs the found changes that are not logged yet, at most one line per hour. */
  flushFound(): void {
    if (this.#foundTotal === 0 || this.#now() - this.#foundLineAt < HOUR_MS) return
    const named = this.#found.map(({ kind, id }) => `${kind} ${quote(id)}`).join(', ')
    const more = this.#foundTotal - this.#found.length
    const [only] = this.#found
    const text =
      `The catch-up found ${this.#foundTotal === 1 ? 'a change' : `${this.#foundTotal} changes`} that never arrived, ` +
      `and delivers what was missing: ${named}${more > 0 ? ` and ${more} more` : ''}. Something between Tradecloud and this webhook loses events.`
    const about = this.#foundTotal === 1 ? { kind: only?.kind, entityId: only?.id } : {}
    this.#log.line('warn', 'catch_up_found', text, about)
    this.#found = []
    this.#foundTotal = 0
    this.#foundLineAt = this.#now()
  }

  /** Logs a failure, at most one line per hour. `cursor`: from where the next run continues. */
  failed(what: string, cursor: string, cause: unknown): void {
    debugCatchUp('%s since %s: %s', what, cursor, describe(cause))
    this.#failures++
    if (this.#now() - this.#failureLineAt < HOUR_MS) return
    const times = this.#failures === 1 ? '' : ` It has failed ${this.#failures} times since the last such line.`
    const text = `The catch-up could not ${what}: ${describe(cause)}.${times} The next run continues from ${cursor}.`
    this.#log.line('error', 'catch_up_failed', text, { cause })
    this.#failures = 0
    this.#failureLineAt = this.#now()
  }

  unusable(cause: Error): void {
    this.#log.line('error', 'catch_up_failed', `The catch-up does not run: ${cause.message}`, { cause })
  }

  begun(text: string, isNews: boolean): void {
    if (isNews) this.#log.line('warn', 'catch_up_begins', text)
    else debugCatchUp(text)
  }

  skipped(kind: string, after: string | undefined, before: string | undefined, cause: unknown): void {
    const between = `between ${after === undefined ? 'the first' : quote(after)} and ${before === undefined ? 'the last' : quote(before)}`
    const text = `The catch-up skipped one ${kind} of the list, ${between}, because it cannot be read: ${describe(cause)}`
    this.#log.once('error', 'catch_up_skipped', `${kind} ${after} ${before}`, text, { kind, cause })
  }

  withoutId(kind: string, after: string | undefined): void {
    const text = `The catch-up skipped one ${kind} of the list, ${after === undefined ? 'the first' : `after ${quote(after)}`}, because it has no ID.`
    this.#log.once('error', 'catch_up_skipped', `${kind} ${after}`, text, { kind })
  }

  notFetched(kind: string, id: string, cause: unknown): void {
    debugCatchUp('could not fetch %s %s: %s', kind, quote(id), describe(cause))
  }

  warnOnce(topic: string, text: string): void {
    this.#log.once('warn', topic, '', text)
  }

  /** `isScheduled`: the run continues from the cursor and moves it, as periodic runs do. */
  report(report: CatchUpReport, isScheduled: boolean): void {
    const { to, error: failure } = report
    const checkedUntil = isScheduled && to !== undefined && !failure ? new Date(to) : undefined
    this.#observe?.({ recovered: this.#recovered, checkedUntil, failed: failure !== undefined })
    this.#recovered = {}
    const { polled, covered, skipped, recoveredTotal, durationMs, error } = report
    const outcome = error ? `, ended by ${describe(error)}` : ''
    debugCatchUp('polled %d, covered %d, skipped %d, recovered %d in %d ms%s', polled, covered, skipped, recoveredTotal, durationMs, outcome) // prettier-ignore
    const failed = (cause: unknown): void => {
      const text = `onCatchUp failed: ${describe(cause)}${locationOf(cause)}`
      this.#log.line('warn', 'onCatchUp', text, { code: 'callback_failed', cause })
    }
    try {
      const returned = this.#onCatchUp?.({ ...report })
      if (isThenable(returned)) returned.then(undefined, failed)
    } catch (cause) {
      failed(cause)
    }
  }
}
