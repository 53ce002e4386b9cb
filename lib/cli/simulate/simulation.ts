/**
 * A simulated Tradecloud that issues orders. Each order changes twice, and can be fetched from the simulated API. The
 * events are sent to the webhook, except those that are lost on purpose.
 */
import { createRandom } from '../../testing/random'
import { order } from '../../testing/builders'
import type { TradecloudSimulator } from '../../testing/simulator'
import { authorizationOf, type Trigger, type TriggerAuth } from '../../testing/sender/trigger'
import { pause } from '../../wait/pause'
import { within } from '../../wait/within'
import { withoutSecrets } from '../credentials'
import { countFates, modelOf, type SimulationModel } from './model'

export interface SimulationOptions {
  to: string
  auth: TriggerAuth
  orders: number
  perSecond: number
  /** Share of events that are left out on purpose, from 0 to 1. */
  lose: number
  /** How long to wait at the end for events that are still being repeated, in milliseconds. */
  waitMs: number
  seed: number
}

interface Line {
  orderId: string
  eventName: string
  /** Absent for an event that was left out on purpose. */
  trigger?: Trigger
  ended: boolean
}

export class Simulation {
  readonly #tradecloud: TradecloudSimulator
  readonly #options: SimulationOptions
  readonly #lines: Line[] = []
  readonly #underway = new Set<Promise<unknown>>()
  readonly #random: () => number
  readonly #hide: (text: string) => string
  #issued = 0
  #done = false

  constructor(tradecloud: TradecloudSimulator, options: SimulationOptions) {
    this.#tradecloud = tradecloud
    this.#options = options
    this.#random = createRandom(options.seed)
    const { auth } = options
    const authorization = auth === 'none' ? undefined : authorizationOf(auth)
    this.#hide = (text) => withoutSecrets(text, authorization)
  }

  /**
   * Resolves when all events have their final response. Resolves earlier after an abort, or when `waitMs` have passed
   * since the last event.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { orders, perSecond, seed, waitMs } = this.#options
    const begun = performance.now()
    for (let i = 0; i <= orders; i++) {
      const ms = begun + (i * 1000) / perSecond - performance.now()
      if (ms > 0 && !(await pause(ms, signal, { keepsAlive: true }))) break
      if (signal.aborted) break
      // The supplier accepts each order when the next one is issued.
      if (i > 0) this.#accept(orderOf(seed + i - 1))
      if (i < orders) this.#issue(orderOf(seed + i))
    }
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await within(waitMs, Promise.race([Promise.allSettled(this.#underway), aborted]), () => undefined)
    this.#done = true
  }

  get model(): SimulationModel {
    const { api, baseUrl, username, password } = this.#tradecloud
    const reports = new Map(this.#tradecloud.report().sent.map((report) => [report.trigger, report]))
    const events = this.#lines.map(({ trigger, ...line }) =>
      modelOf({ ...line, report: trigger && reports.get(trigger) }, this.#hide),
    )
    const fetched = new Set(api.requests.filter(({ endpoint }) => endpoint === 'order').map(({ id }) => id))
    return {
      to: this.#options.to,
      orders: this.#issued,
      done: this.#done,
      counts: countFates(events),
      repeated: events.filter(({ fate, attempts }) => fate === 'delivered' && attempts > 1).length,
      recovered: events.filter(({ fate, orderId }) => fate === 'lost' && fetched.has(orderId)).length,
      api: { baseUrl, username, password, ...api.counts },
      events,
    }
  }

  #issue(issued: ReturnType<typeof orderOf>): void {
    this.#issued++
    this.#change(issued, 'OrderIssuedByBuyer', 'Issued')
  }

  #accept(accepted: ReturnType<typeof orderOf>): void {
    this.#change(accepted, 'OrderLinesAcceptedBySupplier', 'Confirmed')
  }

  #change(changed: ReturnType<typeof orderOf>, eventName: string, processStatus: string): void {
    const { world } = this.#tradecloud
    const lines = changed.lines.map(({ id }) => ({ id: id ?? '', status: { processStatus } }))
    const deliver = this.#random() < this.#options.lose ? 'lose' : 'send'
    world.change(changed, { eventName, lines, header: { status: { processStatus } }, deliver })
    if (deliver === 'lose') this.#lines.push({ orderId: changed.id, eventName, ended: true })
    for (const { body, change } of world.due()) this.#send(change.id, change.eventName, body)
  }

  #send(orderId: string, eventName: string, event: object | undefined): void {
    const { to: url, auth } = this.#options
    const trigger: Trigger = { url, auth, event }
    const line: Line = { orderId, eventName, trigger, ended: false }
    this.#lines.push(line)
    const sending = this.#tradecloud.send(trigger).then(
      () => (line.ended = true),
      () => (line.ended = true),
    )
    this.#underway.add(sending)
    void sending.then(() => this.#underway.delete(sending))
  }
}

function orderOf(seed: number) {
  return order({ seed, lines: 3 })
}
