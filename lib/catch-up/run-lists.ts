/** One run over all lists of a catch-up, and its report. */
import { invalidOption, TradecloudWebhookError } from '../errors/errors'
import { instantOf } from '../events/entity'
import { pause } from '../wait/pause'
import type { CatchUpLog } from './catch-up-log'
import type { CatchUpReport, ResolvedCatchUp } from './catch-up-options'
import type { List } from './lists'
import { Run } from './run'
import type { RunOptions, RunRequest, RunResult } from './run-options'
import { LeaseLostError, type CatchUpInbox, type Position } from '../inbox/catch-up/storage'

export interface RunProgress {
  polled: number
  recoveredTotal: number
  /** Number of orders and shipments in the lists that were begun so far. `undefined` until it is known. */
  total?: number | undefined
}

export interface ListsRequest {
  token: string
  signal: AbortSignal
  onDemand: RunRequest['onDemand']
  /** Start of the run, on the clock of `performance.now()`. */
  started: number
  onProgress?: ((progress: RunProgress) => void) | undefined
}

const MAX_WAITING = { events: 1_000, bytes: 256 * 1024 * 1024 }
const ROOM_EVERY_MS = 500
const MAX_REPORTED = 100
const OTHER_FORM = { deliverySchedule: 'singleDelivery', singleDelivery: 'deliverySchedule' } as const

export class ListRuns {
  readonly #inbox: CatchUpInbox
  readonly #options: ResolvedCatchUp
  readonly #log: CatchUpLog

  constructor(inbox: CatchUpInbox, options: ResolvedCatchUp, log: CatchUpLog) {
    this.#inbox = inbox
    this.#options = options
    this.#log = log
  }

  /** Reads one list after another. If one list fails, the other is still read. */
  async run(
    lists: readonly List[],
    { token, signal, onDemand, started, onProgress }: ListsRequest,
  ): Promise<CatchUpReport> {
    const results: RunResult[] = []
    let failure: Error | undefined
    let total: number | undefined
    for (const list of lists) {
      const { kind, form, key } = list
      let cursor = onDemand?.from ?? this.#options.from ?? 'its cursor'
      try {
        const position = await this.#position(list, onDemand?.from)
        cursor = position.cursor
        const isNews = position.clock === undefined || onDemand !== undefined
        const run = new Run(
          list.source,
          this.#inbox,
          this.#runOptions(list, isNews, onDemand, (count) => (total = (total ?? 0) + (count ?? 0))),
          { scope: { kind, form, key }, token },
          { position, onDemand, signal, onTaken: () => onProgress?.({ ...sumOf(results), total }) },
        )
        // Added before the run starts, because the report also counts what a failed run has done.
        results.push(run.result)
        await this.#checkForm(list)
        await run.run()
      } catch (error) {
        failure ??= error as Error
        const isAsked = signal.aborted && !(signal.reason instanceof LeaseLostError)
        if (!isAsked) this.#log.failed(`read all ${kind}s that have changed`, cursor, error)
      }
      this.#log.flushFound()
    }
    return mergeResults(results, started, failure, onDemand?.from ?? this.#options.from)
  }

  async #position({ key, kind }: List, onDemandFrom: string | undefined): Promise<Position> {
    const { from } = this.#options
    const known = await this.#inbox.position(key)
    if (known && from !== undefined && Date.parse(from) !== known.since)
      this.#log.warnOnce('catch_up_from', `catchUp.from is ignored: the inbox has a cursor, ${known.cursor}.`)
    const start = from ?? onDemandFrom
    if (known) return known
    if (start === undefined) throw invalidOption('catchUp.from', `is missing: the inbox has no cursor for ${kind}s yet`)
    return { cursor: start, since: Date.parse(start) }
  }

  #runOptions(
    { kind, form }: List,
    isNews: boolean,
    onDemand: RunRequest['onDemand'],
    onTotal: (total: number | undefined) => void,
  ): RunOptions {
    const [options, log] = [this.#options, this.#log]
    const isWarned = onDemand?.dryRun !== true && onDemand?.all === undefined
    return {
      ...options,
      ...{ kind, form, maxWaiting: MAX_WAITING },
      pause: async (signal) => {
        await pause(ROOM_EVERY_MS, signal)
      },
      notes: {
        begun: (total, { after }) => {
          onTotal(total)
          log.begun(
            `The catch-up reads the ${kind}s that have changed since ${after}: ${total ?? 'an unknown number'}.`,
            isNews,
          )
        },
        skipped: (after, before, error) => log.skipped(kind, after, before, error),
        withoutId: (after) => log.withoutId(kind, after),
        notFetched: (id, error) => log.notFetched(kind, id, error),
        found: (note) => isWarned && log.found(note),
      },
    }
  }

  /**
   * Warns once and throws if the newest order event arrived in the other form, which cannot be compared with the polled
   * orders.
   */
  async #checkForm({ kind, form }: List): Promise<void> {
    if (kind !== 'order') return
    const other = await this.#inbox.newestArrival({ kind, form: OTHER_FORM[form] })
    if (other === undefined || other <= ((await this.#inbox.newestArrival({ kind, form })) ?? -Infinity)) return
    const text = `catchUp.form is '${form}', but order events arrive as '${OTHER_FORM[form]}': no order is delivered by the catch-up.`
    this.#log.warnOnce('catch_up_form', text)
    throw new TradecloudWebhookError('invalid_option', text)
  }
}

function sumOf(results: readonly RunResult[]) {
  const sum = (count: 'polled' | 'covered' | 'skipped' | 'recoveredTotal') =>
    results.reduce((total, result) => total + result[count], 0)
  return {
    ...{ polled: sum('polled'), covered: sum('covered'), skipped: sum('skipped') },
    recoveredTotal: sum('recoveredTotal'),
  }
}

export function mergeResults(results: readonly RunResult[], started: number, error?: Error, from = ''): CatchUpReport {
  const tos = results.map(({ to }) => to)
  return {
    from: earliest(results.map((result) => result.from)) ?? from,
    to: error || tos.includes(undefined) ? undefined : earliest(tos as string[]),
    ...sumOf(results),
    recovered: results.flatMap(({ recovered }) => recovered).slice(0, MAX_REPORTED),
    durationMs: Math.round(performance.now() - started),
    error,
  }
}

function earliest(times: readonly string[]): string | undefined {
  return [...times].sort((one, other) => instantOf(one) - instantOf(other))[0]
}
