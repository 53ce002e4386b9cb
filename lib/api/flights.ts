/**
 * Lets callers with the same key share a call. A caller never gets the response to a request that was sent before the
 * caller asked, because that response may be older than the change that the caller wants to read. So for each key at
 * most one call runs, and at most one more is prepared for all callers that came too late for the first.
 */
import { TradecloudApiError, type TradecloudApiErrorCode } from './api-error'
import { Call } from './call'
import { startTimer } from '../wait/timers'

export interface WaitLimits {
  signal?: AbortSignal | undefined
  timeoutMs: number
}

/** What `work` gets: the call, and two hooks for its requests to the API. */
export interface Flight {
  readonly call: Call
  /** Called before a request is sent: callers that come later cannot share its response. */
  departs(): void
  /** Called when the request has failed: another request may follow. */
  failed(): void
}

interface Waiter {
  flight: SharedFlight
  endsAt: number
  resolve: (value: unknown) => void
  reject: (error: Error) => void
}

class SharedFlight implements Flight {
  readonly call: Call
  readonly waiters = new Set<Waiter>()
  /** The next call, for callers that came after the request of this call was sent. */
  next: SharedFlight | undefined
  /** Whether a request of this call was sent and has not failed. */
  #departed = false
  readonly #what: string

  constructor(what: string) {
    this.#what = what
    this.call = new Call(what)
  }

  add(waiter: Waiter): void {
    waiter.flight = this
    this.waiters.add(waiter)
    this.call.extend(waiter.endsAt)
  }

  forNewcomers(): SharedFlight {
    if (!this.#departed && !this.call.waitSignal.aborted) return this
    return (this.next ??= new SharedFlight(this.#what))
  }

  departs(): void {
    this.#departed = true
    if (this.call.waitSignal.aborted) return
    // The callers of the next call arrived before this retry is sent, so they can share the response to the retry.
    this.next?.settle((waiter) => this.add(waiter))
  }

  failed(): void {
    this.#departed = false
  }

  settle(tell: (waiter: Waiter) => void): void {
    const waiters = [...this.waiters]
    this.waiters.clear()
    waiters.forEach(tell)
  }
}

export class Flights {
  readonly #byKey = new Map<unknown, SharedFlight>()
  readonly #running = new Set<SharedFlight>()
  readonly #work = new Set<Promise<void>>()
  #closed = false

  /**
   * Returns the result of `work`. Callers with the same key must pass the same work; without a key, a call is never
   * shared. `what`: see `Call`. Rejects with the `TradecloudApiError` of the work, with `fetch_timeout` or with
   * `unavailable`.
   */
  join<T>(key: string | undefined, what: string, caller: WaitLimits, work: (flight: Flight) => Promise<T>): Promise<T> {
    const { signal, timeoutMs } = caller
    const refuse = (text: string, cause?: unknown) =>
      Promise.reject(new TradecloudApiError('unavailable', `${what} was not sent: ${text}`, { attempts: 0, cause }))
    if (this.#closed) return refuse('the client is closed')
    if (signal?.aborted) return refuse('its signal is aborted', signal.reason)
    return new Promise<T>((resolve, reject) => {
      const end = (code: TradecloudApiErrorCode, text: string, cause?: unknown) => {
        const { flight } = waiter
        waiter.reject(flight.call.ended(code, text, { cause }))
        flight.waiters.delete(waiter)
        if (flight.waiters.size === 0 && this.#running.has(flight)) flight.call.cancel()
      }
      const onTime = () => end('fetch_timeout', `got no answer within ${timeoutMs} ms`)
      const onAbort = () => end('unavailable', 'was aborted by its signal', signal?.reason)
      const timer = startTimer(onTime, timeoutMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const ownKey = key ?? Symbol()
      const running = this.#byKey.get(ownKey)
      const flight = running === undefined ? new SharedFlight(what) : running.forNewcomers()
      const waiter: Waiter = {
        flight,
        endsAt: performance.now() + timeoutMs,
        resolve: (value) => {
          done()
          resolve(value as T)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      }
      flight.add(waiter)
      if (running === undefined) this.#start(ownKey, flight, work)
    })
  }

  /**
   * Ends all waits, lets running requests finish, and refuses new calls. Resolves when no call is running.
   */
  async close(): Promise<void> {
    this.#closed = true
    for (const { call, next } of this.#running) {
      call.stop()
      next?.call.stop()
      next?.settle(({ reject }) => reject(next.call.ending))
    }
    await Promise.all(this.#work)
  }

  #start(key: unknown, flight: SharedFlight, work: (flight: Flight) => Promise<unknown>): void {
    const run = this.#run(key, flight, work).finally(() => this.#work.delete(run))
    this.#work.add(run)
  }

  /** Never rejects: the waiting callers get the error. */
  async #run(key: unknown, first: SharedFlight, work: (flight: Flight) => Promise<unknown>): Promise<void> {
    for (let flight: SharedFlight | undefined = first; flight && flight.waiters.size > 0; flight = flight.next) {
      this.#byKey.set(key, flight)
      this.#running.add(flight)
      try {
        const value = await work(flight)
        flight.settle(({ resolve }) => resolve(value))
      } catch (error) {
        flight.settle(({ reject }) => reject(error as Error))
      }
      this.#running.delete(flight)
    }
    // There is no `await` between the last check of `waiters` and this line, so no caller can have joined meanwhile. A
    // later caller starts a new call.
    this.#byKey.delete(key)
  }
}
