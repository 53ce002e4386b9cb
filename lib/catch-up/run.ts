/** The run over one list: polls the changes since the cursor, and stores those that never arrived. */
import { TradecloudApiError } from '../api/api-error'
import type { Polled } from '../api/poll'
import { isObject, type Json } from '../events/entity'
import { keyOfPart, readEntity, type EntitySnapshot, type Part } from '../inbox/catch-up/parts'
import { dueParts, type Due } from './due'
import { LeaseLostError, type CatchUpStorage, type Lease, type Position } from '../inbox/catch-up/storage'
import { checkClock } from './set-back'
import { idIn, ListOrder } from './list-order'
import { waitForRoom } from './room'
import type { CatchUpSource, RunOptions, RunRequest, RunResult } from './run-options'
import { firstAfter, partialAfter, positionAfter, trusted, windowOf, type WindowProgress, type Window } from './window'

const PAGES_BEFORE_RESTART = 50
const MAX_REPORTED = 100

export class Run {
  readonly result: RunResult
  readonly #source: CatchUpSource
  readonly #storage: CatchUpStorage
  readonly #options: RunOptions
  readonly #lease: Lease
  readonly #request: RunRequest
  readonly #progress: WindowProgress = { left: Infinity }
  #window: Window | undefined
  #clock = NaN
  readonly #order = new ListOrder()
  #lastId: string | undefined
  #position: Position
  /** True if a later run could continue where this run stopped reading. */
  #isContinued = false
  #sweeps = true
  /** Size of the list that is being read, and the number of its entities that were read. */
  #list: { total?: number | undefined; read: number } = { read: 0 }

  constructor(source: CatchUpSource, storage: CatchUpStorage, options: RunOptions, lease: Lease, request: RunRequest) {
    this.#source = source
    this.#storage = storage
    this.#options = options
    this.#lease = lease
    this.#request = request
    this.#position = request.position
    const from = request.onDemand?.from ?? firstAfter(request.position, options)
    this.result = { from, to: undefined, polled: 0, covered: 0, skipped: 0, recovered: [], recoveredTotal: 0 }
  }

  /**
   * Rejects if the run could not be completed. The changes that it found before the failure are stored (except with
   * `dryRun`), and the next run finds the others.
   */
  async run(): Promise<RunResult> {
    try {
      await this.#readAll()
    } catch (error) {
      const isEnded = this.#request.signal.aborted || error instanceof LeaseLostError
      if (!this.#window?.isSweep || this.#isContinued || isEnded) throw error
      // A sweep may fail because its list is too long; the changes since the cursor are then read without a sweep.
      this.#sweeps = false
      this.#window = undefined
      await this.#readAll()
      throw error
    }
    return this.result
  }

  async #readAll(): Promise<void> {
    let after: string | undefined = this.result.from
    while (after !== undefined) after = await this.#read(after)
    if (this.#window === undefined) return
    this.result.to = new Date(this.#window.horizon).toISOString()
    if (this.#request.onDemand) return
    const position = positionAfter(this.#position, this.#window, this.#progress, this.#options, this.#clock)
    await this.#storage.savePosition(this.#lease, position)
  }

  /**
   * Reads the changes later than `after`. Returns the time from which the list must be read again, or `undefined` once
   * it was read to its end.
   */
  async #read(after: string): Promise<string | undefined> {
    let pages = 0
    this.#list = { read: 0 }
    try {
      for await (const found of this.#source.read(after, this.#request.signal)) {
        if (found.type === 'page') {
          if (found.date !== undefined) this.#clock = found.date
          this.#list.total = found.total
          const begins = await this.#begin(after, found)
          if (begins !== after) return begins
          const reached = pages++ > 0 ? await this.#saveProgress() : undefined
          if (reached !== undefined && reached !== after && pages > PAGES_BEFORE_RESTART) return reached
          continue
        }
        if (found.type !== 'cursor') this.#list.read++
        if (found.type === 'skipped') this.#options.notes.skipped(idIn(found.after), idIn(found.before), found.error)
        else if (found.type === 'entity') await this.#take(found.entity)
        // If no entity of the list has a time of change, the cursor of the poll is used instead. For an empty list,
        // that cursor is the beginning of the window. Usually, this beginning is earlier than the stored cursor, so it
        // must not be used. Only a run that continues another one may use it.
        else if (this.#list.read > 0 || this.#position.partial)
          this.#progress.newest ??= { time: NaN, text: found.lastUpdatedAt }
      }
    } catch (error) {
      if (!(error instanceof TradecloudApiError)) throw error
      const reached = await this.#saveProgress()
      // The API may refuse large offsets, so the list is read again from the last change that was reached.
      if (error.apiStatus === 400 && reached !== undefined && reached !== after) return reached
      throw error
    }
    return undefined
  }

  /**
   * Called with each page. The first page shows the API's clock, which determines the window. Returns the time from
   * which the list must be read.
   */
  async #begin(after: string, { total }: Extract<Polled, { type: 'page' }>): Promise<string> {
    if (this.#window) return after
    const { onDemand } = this.#request
    if (Number.isNaN(this.#clock))
      throw new Error('the answer of the API has no Date header, so nothing can be compared')
    const known = onDemand
      ? { ...this.#position, setBackTo: undefined }
      : await checkClock(this.#storage, this.#lease, this.#position, this.#clock)
    this.#position = trusted(known, total)
    const position = this.#position
    const options = this.#sweeps ? this.#options : { ...this.#options, sweep: false as const }
    const window = windowOf(position, options, this.#clock)
    const from = onDemand?.from
    const floor = from === undefined ? window.floor : Date.parse(from)
    this.#window = from === undefined ? window : { ...window, after: from, floor, isSweep: false }
    this.result.from = this.#window.after
    this.#options.notes.begun(total, this.#window)
    return this.#window.after
  }

  /**
   * Saves how far the run has read, except for a run on demand. Returns the time from which the list can be read again;
   * `undefined` as long as the list is not known to begin with the oldest change.
   */
  async #saveProgress(): Promise<string | undefined> {
    const { newest } = this.#progress
    if (!this.#order.isAscending || !this.#window || !newest) return undefined
    const { total, read } = this.#list
    const unread = total === undefined ? undefined : Math.max(0, total - read)
    const partial = partialAfter(this.#position, this.#window, this.#progress, unread)
    this.#isContinued = partial !== undefined
    if (partial !== undefined && !this.#request.onDemand)
      await this.#storage.savePosition(this.#lease, { ...this.#position, clock: this.#clock, partial })
    return new Date(newest.time - 1).toISOString()
  }

  async #take(content: unknown): Promise<void> {
    const { kind, form, notes } = this.#options
    const entity = isObject(content) ? readEntity(kind, form, content) : undefined
    if (entity === undefined) return notes.withoutId(this.#lastId)
    this.#lastId = entity.id
    this.result.polled++
    this.#order.look(entity.time)
    const { lastUpdatedAt: text, time } = entity
    const newest = this.#progress.newest?.time ?? NaN
    // An unparsable time is used only if no entity has a valid one.
    if (text !== undefined && (Number.isNaN(newest) || time > newest)) this.#progress.newest = { time, text }
    await this.#check(entity)
    this.#request.onTaken?.()
  }

  async #check(polled: EntitySnapshot): Promise<void> {
    let entity = polled
    let due = await this.#due(entity)
    if (due.newer !== undefined && due.parts.length > 0) {
      // The list may show an older state than a fetch of the single entity, so the entity is fetched.
      const fetched = await this.#fetch(entity.id)
      entity = (fetched && readEntity(entity.kind, entity.form, fetched)) ?? entity
      if (entity !== polled) due = await this.#due(entity)
    }
    const isOutdated = due.newer !== undefined && due.parts.length > 0
    if (isOutdated && !this.#isOneShot) {
      const oldest = Math.min(...due.parts.map(({ time = entity.time }) => time))
      // The wait begins when this older state is first seen. If it began with the newest arrival, it would never end
      // for a busy order.
      const since = await this.#firstSeen(`older:${entity.id}:${oldest}`)
      if (this.#clock - since < this.#options.overlapMs) return this.#leave(polled, due.parts)
    }
    this.#leave(polled, due.young)
    if (due.parts.length > 0) await this.#deliver(entity, due, isOutdated, polled)
    else if (due.isUnwanted) this.result.skipped++
    else if (due.young.length === 0) this.result.covered++
  }

  /**
   * `undefined` if the fetch fails: one entity must not hold up the others. In an outage of the API, reading the next
   * page fails too, and ends the run.
   */
  #fetch(id: string): Promise<Json | undefined> {
    const { signal } = this.#request
    return this.#source.fetch(id, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      this.#options.notes.notFetched(id, error)
      return undefined
    })
  }

  async #due(entity: EntitySnapshot): Promise<Due> {
    return dueParts(entity, await this.#storage.arrivals(entity), {
      ...this.#limits(),
      ...this.#options,
      all: this.#request.onDemand?.all !== undefined,
      firstSeen: (what) => this.#firstSeen(what),
    })
  }

  #firstSeen(what: string): Promise<number> {
    if (this.#request.onDemand?.dryRun) return Promise.resolve(this.#clock)
    return this.#storage.firstSeen(this.#lease, what, this.#clock)
  }

  async #deliver(entity: EntitySnapshot, due: Due, outdated: boolean, polled: EntitySnapshot): Promise<void> {
    const { onDemand, signal } = this.#request
    let { parts } = due
    if (!onDemand?.dryRun) {
      await waitForRoom(this.#storage, this.#options, signal)
      const stored = await this.#storage.store(this.#lease, {
        entity,
        wanted: new Set(parts.map(keyOfPart)),
        outdated,
        all: onDemand?.all,
        horizon: this.#clock - this.#options.marginMs,
        ...this.#limits(),
      })
      if (stored.isLeft) return this.#leave(polled, parts)
      parts = stored.parts
    }
    if (parts.length === 0 || due.isExplained) {
      this.result.covered++
      return
    }
    const { kind, id, lastUpdatedAt } = entity
    const note = { kind, id, lines: parts.flatMap(({ line }) => (line ? [String(line.id)] : [])), lastUpdatedAt }
    this.result.recoveredTotal++
    if (this.result.recovered.length < MAX_REPORTED) this.result.recovered.push(note)
    this.#options.notes.found(note)
  }

  #leave(entity: EntitySnapshot, parts: readonly Part[]): void {
    if (parts.length === 0) return
    const times = [entity.time, ...parts.map(({ time }) => time ?? entity.time)].filter((time) => !Number.isNaN(time))
    this.#progress.left = Math.min(this.#progress.left, ...times)
  }

  /**
   * True with `from` or `all`. No later run takes up the parts that such a run leaves, so even outdated parts are
   * delivered.
   */
  get #isOneShot(): boolean {
    const { from, all } = this.#request.onDemand ?? {}
    return from !== undefined || all !== undefined
  }

  #limits() {
    const { neverFetches } = this.#options
    return { floor: this.#window?.floor ?? -Infinity, clock: this.#clock, neverFetches }
  }
}
