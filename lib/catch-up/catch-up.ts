/**
 * Runs the catch-up: periodically, on demand, and as requested at the command line. Only one process polls at a time.
 */
import { randomUUID } from 'node:crypto'
import { TradecloudWebhookError } from '../errors/errors'
import { pause } from '../wait/pause'
import type { EntityKind } from '../inbox/catch-up/parts'
import type { CatchUpLog } from './catch-up-log'
import { checkRunOptions, type CatchUpReport, type CatchUpRunOptions, type ResolvedCatchUp } from './catch-up-options'
import type { List } from './lists'
import { ListRuns, mergeResults, type RunProgress } from './run-lists'
import type { RunRequest } from './run-options'
import type { CatchUpInbox } from '../inbox/catch-up/storage'
import { serveRequests } from './serve-requests'
import { inTurn } from './turn'

const NOT_POLLED = 'No process has an onOrder or onShipment callback at the moment, so nothing is polled.'

export interface CatchUpParts {
  inbox: CatchUpInbox
  lists: readonly List[]
  /** Whether any process that shares the inbox has a callback for this kind. */
  isWanted: (kind: EntityKind) => Promise<boolean>
  options: ResolvedCatchUp
  log: CatchUpLog
}

export class CatchUp {
  readonly #parts: CatchUpParts
  readonly #runs: ListRuns
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  /**
   * The cursors when the last periodic run of this process ended or was left out. If they have changed when the next
   * periodic run is due, another run has polled meanwhile.
   */
  #seen: string | undefined

  constructor(parts: CatchUpParts) {
    this.#parts = parts
    this.#runs = new ListRuns(parts.inbox, parts.options, parts.log)
  }

  get inbox(): CatchUpInbox {
    return this.#parts.inbox
  }

  /** Resolves once runs can begin, and starts the periodic runs. Rejects if no start time is configured or stored. */
  async start(opening: Promise<void>): Promise<void> {
    await opening
    const { inbox, options, log } = this.#parts
    void this.#add(serveRequests(inbox, (request, onProgress) => this.run(request, onProgress), this.closing))
    for (const { key, kind } of await this.#lists()) {
      if (options.from !== undefined || (await inbox.position(key))) continue
      const text = `Option \`catchUp.from\` is missing: the inbox has no cursor for ${kind}s yet, so the catch-up does not know where to start.`
      const error = new TradecloudWebhookError('invalid_option', text)
      log.unusable(error)
      throw error
    }
    if (options.everyMs !== false) void this.#add(this.#repeat(options.everyMs))
  }

  /** Aborts the current run, and prevents further ones. */
  stop(): void {
    this.#closing.abort(new TradecloudWebhookError('unavailable', 'The catch-up is closing.'))
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Rejects for an invalid option, and if no start time is known. A failure of the run itself is in the report. */
  async run(options: CatchUpRunOptions = {}, onProgress?: (progress: RunProgress) => void): Promise<CatchUpReport> {
    const checked = checkRunOptions(options)
    const { from, all = false, dryRun = false, signal } = checked
    await this.#checkStart(from)
    const onDemand =
      from !== undefined || all || dryRun ? { from, all: all ? randomUUID() : undefined, dryRun } : undefined
    const signals = signal ? AbortSignal.any([signal, this.closing]) : this.closing
    return this.#add(this.#runAll(signals, onDemand, onProgress))
  }

  async #checkStart(from: string | undefined): Promise<void> {
    if (from !== undefined || this.#parts.options.from !== undefined) return
    for (const { key } of await this.#lists())
      if (!(await this.inbox.position(key)))
        throw new TradecloudWebhookError('invalid_option', 'The inbox has no cursor yet: set `from`.')
  }

  async #repeat(everyMs: number): Promise<void> {
    do await this.#runNext()
    while (await pause(everyMs, this.closing))
  }

  /** Does a periodic run, unless another run has moved the cursors since the last periodic run of this process. */
  async #runNext(): Promise<void> {
    const started = performance.now()
    try {
      await inTurn(this.inbox, this.closing, async (token, signal) => {
        const lists = await this.#lists()
        const cursors = await this.#cursors(lists)
        const isOthers = this.#seen !== undefined && this.#seen !== cursors
        this.#seen = cursors
        if (isOthers) return
        this.#parts.log.report(await this.#runs.run(lists, { token, signal, onDemand: undefined, started }), true)
        this.#seen = await this.#cursors(lists)
      })
    } catch (error) {
      this.#fail('begin', this.#parts.options.from ?? 'its cursor', error)
    }
  }

  async #runAll(
    signal: AbortSignal,
    onDemand: RunRequest['onDemand'],
    onProgress?: (progress: RunProgress) => void,
  ): Promise<CatchUpReport> {
    const started = performance.now()
    let report: CatchUpReport
    try {
      report = await inTurn(this.inbox, signal, async (token, turn) => {
        const lists = await this.#lists()
        // Without this error, the report would claim that nothing is missing.
        if (lists.length === 0) throw new TradecloudWebhookError('unavailable', NOT_POLLED)
        return this.#runs.run(lists, { token, signal: turn, onDemand, started, onProgress })
      })
    } catch (error) {
      report = mergeResults([], started, error as Error, onDemand?.from ?? this.#parts.options.from)
    }
    this.#parts.log.report(report, onDemand === undefined)
    return report
  }

  #fail(what: string, cursor: string, error: unknown): void {
    if (this.closing.aborted) return
    this.#parts.log.failed(what, cursor, error)
  }

  async #lists(): Promise<List[]> {
    const { lists, isWanted } = this.#parts
    // Found events of a kind without a callback would wait forever.
    const polled = await Promise.all(lists.map(async ({ kind, polls }) => polls !== false && isWanted(kind)))
    return lists.filter((_list, i) => polled[i])
  }

  async #cursors(lists: readonly List[]): Promise<string> {
    return JSON.stringify(await Promise.all(lists.map(({ key }) => this.inbox.position(key))))
  }

  #add<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    )
    this.#running.add(settled)
    void settled.then(() => this.#running.delete(settled))
    return work
  }
}
