/** Polls as users call them: sends the requests of `poll.ts`, and gives what it finds its type. */
import { TradecloudApiError } from './api-error'
import { uselessAnswer } from './failure'
import type { Flights } from './flights'
import { poll } from './poll'
import { readPollPage, resolvePollOptions, type PollCursor, type PollOptions } from './poll-options'
import type { Requests } from './requests'

export class Poller {
  readonly #flights: Flights
  readonly #requests: Requests
  readonly #timeoutMs: number

  /** `timeoutMs`: for each page. */
  constructor(flights: Flights, requests: Requests, timeoutMs: number) {
    this.#flights = flights
    this.#requests = requests
    this.#timeoutMs = timeoutMs
  }

  /** Checks the options at once, and sends nothing before the first `next()`. */
  poll<T>(
    path: string,
    options: PollOptions<object>,
    wrap: (entity: never) => T,
  ): AsyncGenerator<T | PollCursor, void, undefined> {
    const { lastUpdatedAfter, filters, limit, signal } = resolvePollOptions(options)
    const what = `POST ${path}`
    const caller = { signal, timeoutMs: this.#timeoutMs }
    const ask = (offset: number) =>
      this.#flights.join(undefined, what, caller, async (flight) => {
        const body = JSON.stringify({ filters: { ...filters, lastUpdatedAfter }, offset, limit })
        const answer = await this.#requests.send(flight, { method: 'POST', path, body })
        const page = readPollPage(answer.body)
        if (!page.ok) throw flight.call.error(uselessAnswer(page.reason))
        return page
      })
    const fail = (text: string) =>
      new TradecloudApiError('fetch_failed', `${what} cannot go on: ${text}`, { attempts: 0 })
    return typed(poll({ after: lastUpdatedAfter, limit, ask, fail }), wrap, () => {
      if (!signal?.aborted) return
      throw new TradecloudApiError('unavailable', `${what} was given up: its signal is aborted`, {
        attempts: 0,
        cause: signal.reason,
      })
    })
  }
}

async function* typed<T>(
  found: ReturnType<typeof poll>,
  wrap: (entity: never) => T,
  check: () => void,
): AsyncGenerator<T | PollCursor, void, undefined> {
  for await (const each of found) {
    // Whoever aborts in the middle of a page gets no more of it, and above all no cursor.
    check()
    yield each.type === 'cursor' ? each : wrap(each.entity as never)
  }
}
