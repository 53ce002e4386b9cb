/**
 * A simulated Tradecloud: the API from which a receiver fetches, and the sender that calls the receiver. It uses real
 * local sockets until `close()`.
 */
import { resolvePollBehaviour, type PollBehaviour } from './api/entities'
import type { RateLimitOptions } from './api/rate-limit'
import { startApiServer } from './api/server'
import type { SimulatedApi } from './api/surface'
import { requireKnown, requireMs, requireWhole } from './checks'
import { createClock, type SimulatorClock } from './clock'
import type { SimulatorReport, TriggerReport } from './sender/report'
import { resolveRetry, type SenderRetryOptions } from './sender/retry'
import type { SendAllOptions } from './sender/send-all'
import { Sender } from './sender/sender'
import type { Trigger } from './sender/trigger'
import { World, type TradecloudWorld } from './world/world'

export interface TradecloudSimulatorOptions {
  /** Port of the API. Default: a free one. */
  port?: number | undefined
  /** Username of the API. Default: 'integration@example.com'. */
  username?: string | undefined
  /** Password of the API. Default: 'simulator'. */
  password?: string | undefined
  /** Lifetime of an access token, in milliseconds; its `exp` is rounded down to whole seconds. Default: 1 hour. */
  accessTokenMs?: number | undefined
  /** Lifetime of an unused refresh token, in milliseconds. Default: 24 hours. */
  refreshTokenMs?: number | undefined
  /** Lifetime of a `downloadUrl`, in milliseconds. Tradecloud documents at most 1 minute. Default: 1 minute. */
  downloadLinkMs?: number | undefined
  /** Number of requests per second that the API accepts, or `false` for no limit. Default: see `RateLimitOptions`. */
  rateLimit?: false | RateLimitOptions | undefined
  /** How polls are answered: order of the list, its lag and its limits. Default: see `PollBehaviour`. */
  poll?: PollBehaviour | undefined
  /** How triggers are retried, unless a trigger overrides it. Default: see `SenderRetryOptions`. */
  retry?: SenderRetryOptions | undefined
  /** Seed of everything random: jitter and `sendAll`. A whole number. Default: 1. */
  seed?: number | undefined
  /** Initial time of the clock, which then moves only by `clock.advance`. Default: the clock follows the real one. */
  startAt?: Date | undefined
}

export interface TradecloudSimulator {
  /** Base URL of the API, `http://127.0.0.1:PORT/v2`. */
  readonly baseUrl: string
  readonly username: string
  readonly password: string
  readonly api: SimulatedApi
  /** Orders and shipments. Their changes appear in the API, in its lists and in events. */
  readonly world: TradecloudWorld
  /** Determines when tokens and links expire, and which times Tradecloud writes. */
  readonly clock: SimulatorClock
  /**
   * Sends a trigger to a webhook until the response is final, and resolves with the result. The result is `unreachable`
   * if nothing listens. A failed delivery is a result, not an error. Rejects with a `TypeError` for a trigger that is
   * contradictory or cannot be sent, and with an `Error` after `close()`.
   */
  send(trigger: Trigger): Promise<TriggerReport>
  /**
   * Sends many triggers concurrently. Options can make the order random, and repeat some triggers. Resolves when all
   * responses are final. Rejects in the same cases as `send`, and with a `TypeError` for an invalid option. Nothing is
   * sent if it rejects.
   */
  sendAll(triggers: Iterable<Trigger>, options?: SendAllOptions): Promise<SimulatorReport>
  /** The results of all triggers so far; those in progress are in `stillRetrying`. */
  report(): SimulatorReport
  /** Ends everything: triggers in progress resolve as `still retrying`, and no socket or timer remains. */
  close(): Promise<void>
}

/**
 * Starts a simulated Tradecloud. Rejects with a `TypeError` that names the invalid option.
 *
 * ```ts
 * const tradecloud = await createTradecloudSimulator()
 * tradecloud.api.setOrder(orderId, order)
 * tradecloud.api.fault({ type: 'status', status: 503, endpoint: 'order', times: 2 })
 * const { result } = await tradecloud.send({ url: 'http://127.0.0.1:3000/tradecloud/order/{orderId}', orderId })
 * await tradecloud.close()
 * ```
 */
export async function createTradecloudSimulator(
  options: TradecloudSimulatorOptions = {},
): Promise<TradecloudSimulator> {
  const { username, password, retry, seed, startAt, ...apiOptions } = withDefaults(options)
  const clock = createClock(startAt)
  const sender = new Sender({ retry, seed, clock })
  const { baseUrl, api, close: closeApi } = await startApiServer({ username, password, clock, ...apiOptions })
  const sendAll = (triggers: Trigger[]) => sender.sendAll(triggers, { concurrency: 1 })
  const { orders, singleDeliveryOrders, shipments } = api
  const world = new World({ clock, orders, singleDeliveryOrders, shipments, sendAll })
  return {
    baseUrl,
    username,
    password,
    api,
    world,
    clock,
    send: (trigger) => sender.send(trigger),
    sendAll: (triggers, how) => sender.sendAll(triggers, how),
    report: () => sender.report(),
    close: async () => {
      await sender.close()
      await closeApi()
    },
  }
}

const KNOWN = [
  ...['username', 'password', 'accessTokenMs', 'refreshTokenMs', 'downloadLinkMs', 'rateLimit', 'poll', 'retry'],
  ...['seed', 'startAt', 'port'],
]

function withDefaults(options: TradecloudSimulatorOptions) {
  requireKnown('', options, KNOWN)
  const {
    username = 'integration@example.com',
    password = 'simulator',
    accessTokenMs = 3_600_000,
    refreshTokenMs = 86_400_000,
    downloadLinkMs = 60_000,
    rateLimit = {},
    poll = {},
    seed = 1,
    startAt,
    port = 0,
  } = options
  if (rateLimit !== false) requireKnown('rateLimit', rateLimit, ['perSecond', 'retryAfter'])
  requireMs('accessTokenMs', accessTokenMs)
  requireMs('refreshTokenMs', refreshTokenMs)
  requireMs('downloadLinkMs', downloadLinkMs)
  requireWhole('seed', seed, Number.MIN_SAFE_INTEGER)
  requireWhole('port', port, 0)
  // Checks the retry options now. Otherwise, only the first trigger would report an invalid option.
  const retry = resolveRetry(options.retry)
  return {
    username,
    password,
    accessTokenMs,
    refreshTokenMs,
    downloadLinkMs,
    rateLimit,
    poll: resolvePollBehaviour(poll),
    retry,
    seed,
    startAt,
    port,
  }
}
