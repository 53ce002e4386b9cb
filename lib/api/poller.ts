/** The polls of `TradecloudClient`: sends the requests of `poll.ts` and types the results. */
import { TOO_MANY_VALUES } from '../bytes/json'
import { TradecloudApiError } from './api-error'
import { uselessAnswer } from './failure'
import type { Flight, Flights } from './flights'
import { PageAttempt, PageSize } from './page-size'
import { poll, type Polled, type PollPage } from './poll'
import { readPollPage, resolvePollOptions, type PollCursor, type PollOptions } from './poll-options'
import type { ApiRequests, UnsignedRequest } from './requests'

export interface PollerOptions {
  /** Time limit of each page. */
  fetchTimeoutMs: number
  maxResponseBytes: number
}

export class Poller {
  readonly #flights: Flights
  readonly #requests: ApiRequests
  readonly #options: PollerOptions

  constructor(flights: Flights, requests: ApiRequests, options: PollerOptions) {
    this.#flights = flights
    this.#requests = requests
    this.#options = options
  }

  /** Checks the options at once, and sends the first request at the first `next()`. */
  poll<T>(
    path: string,
    options: PollOptions<object>,
    wrap: (entity: never) => T,
  ): AsyncGenerator<T | PollCursor, void, undefined> {
    return typed(
      this.read(path, options, () => false),
      wrap,
    )
  }

  /** Like `poll`, but also yields the pages, and skips an entity if a page with only this entity fails. */
  read(path: string, options: PollOptions<object>, skips = isAboutOne): AsyncGenerator<Polled, void, undefined> {
    const { lastUpdatedAfter, filters, limit, signal } = resolvePollOptions(options)
    const what = `POST ${path}`
    const caller = { signal, timeoutMs: this.#options.fetchTimeoutMs }
    const size = new PageSize(limit, this.#options.maxResponseBytes)
    const query = { ...filters, lastUpdatedAfter }
    const ask = async (offset: number, most = Infinity): Promise<PollPage> => {
      for (;;) {
        const attempt = new PageAttempt(size, most)
        const request = () => {
          const body = JSON.stringify({ filters: query, offset, limit: attempt.begin() })
          return { method: 'POST' as const, path, body }
        }
        try {
          return await this.#flights.join(undefined, what, caller, (flight) => this.#page(flight, request, attempt))
        } catch (error) {
          if (!attempt.hasSmaller(error)) throw error
        }
      }
    }
    const fail = (text: string) =>
      new TradecloudApiError('fetch_failed', `${what} cannot continue: ${text}`, { attempts: 0 })
    const canSkip = (error: unknown) => size.current === 1 && skips(error)
    return untilAborted(poll({ after: lastUpdatedAfter, limit, ask, fail, canSkip }), signal, what)
  }

  async #page(flight: Flight, request: () => UnsignedRequest, attempt: PageAttempt): Promise<PollPage> {
    for (;;) {
      const { body, headers } = await this.#requests.send(flight, request, {
        amend: (failure) => attempt.amend(failure),
      })
      const page = readPollPage(body)
      if (page.ok) return { ...page, limit: attempt.succeed(body.length), date: dateOf(headers) }
      const failure = attempt.amend({ ...uselessAnswer(page.reason), tooLarge: page.reason === TOO_MANY_VALUES })
      await flight.call.backOff(failure)
    }
  }
}

/** Whether the failure may be caused by a single entity. */
function isAboutOne(error: unknown): boolean {
  return error instanceof TradecloudApiError && (error.code === 'fetch_failed' || error.code === 'fetch_timeout')
}

function dateOf({ date }: Record<string, unknown>): number | undefined {
  const instant = typeof date === 'string' ? Date.parse(date) : NaN
  return Number.isNaN(instant) ? undefined : instant
}

/** After an abort in the middle of a page, throws instead of yielding the rest of the page or a cursor. */
async function* untilAborted(
  found: ReturnType<typeof poll>,
  signal: AbortSignal | undefined,
  what: string,
): AsyncGenerator<Polled, void, undefined> {
  for await (const each of found) {
    if (signal?.aborted) {
      throw new TradecloudApiError('unavailable', `${what} was aborted by its signal`, {
        attempts: 0,
        cause: signal.reason,
      })
    }
    yield each
  }
}

async function* typed<T>(
  found: AsyncGenerator<Polled, void, undefined>,
  wrap: (entity: never) => T,
): AsyncGenerator<T | PollCursor, void, undefined> {
  for await (const each of found) {
    if (each.type === 'cursor') yield each
    else if (each.type === 'entity') yield wrap(each.entity as never)
  }
}
