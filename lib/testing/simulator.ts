/**
 * Tradecloud as a receiver sees it, in one object: the API that it fetches from and the sender that calls it. All of it
 * runs on real sockets of this machine and ends with `close()`.
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
  /** The user that may log in to the API. Default: 'integration@example.com'. */
  username?: string | undefined
  /** Password of that user. Default: 'simulator'. */
  password?: string | undefined
  /** Milliseconds that an access token lives; its `exp` says so in whole seconds, rounded down. Default: 1 hour. */
  accessTokenMs?: number | undefined
  /** Milliseconds that an unused refresh token lives. Default: 24 hours. */
  refreshTokenMs?: number | undefined
  /** Milliseconds that a `downloadUrl` lives. Documented is 1 minute at most. Default: 1 minute. */
  downloadLinkMs?: number | undefined
  /** How many requests a second the API answers, or `false` for any number. Default: see `RateLimitOptions`. */
  rateLimit?: false | RateLimitOptions | undefined
  /** How polls are answered: order of the list, its lag and its limits. Default: see `PollBehaviour`. */
  poll?: PollBehaviour | undefined
  /** How triggers are tried again, unless a trigger says otherwise. Default: see `RetryOptions`. */
  retry?: SenderRetryOptions | undefined
  /** Repeats what is random in sending: jitter and `sendAll`. A whole number. Default: 1. */
  seed?: number | undefined
  /** The clock begins here and stands still but for `clock.advance`. Default: it runs with the real one. */
  startAt?: Date | undefined
}

export interface TradecloudSimulator {
  /** Base URL of the API, `http://127.0.0.1:PORT/v2`. */
  readonly baseUrl: string
  readonly username: string
  readonly password: string
  readonly api: SimulatedApi
  /** Orders and shipments whose changes show in the API, in its lists and in events. */
  readonly world: TradecloudWorld
  /** Decides when tokens and links end, and what time Tradecloud writes. */
  readonly clock: SimulatorClock
  /**
   * Sends a trigger to a webhook until the answer is final, and resolves with what became of it; `unreachable` where
   * nothing listens. A failed delivery is a result, not an error. Rejects with a `TypeError` for a trigger that contradicts itself or cannot be sent, and
   * with an `Error` after `close()`.
   */
  send(trigger: Trigger): Promise<TriggerReport>
  /**
   * Sends many triggers, several at once, on demand in another order and some of them twice. Resolves when all answers
   * are final, with what became of these. Rejects as `send` does, and with a `TypeError` for a wrong option, before
   * anything is sent.
   */
  sendAll(triggers: Iterable<Trigger>, options?: SendAllOptions): Promise<SimulatorReport>
  /** What became of all triggers so far; those under way are among `stillRetrying`. */
  report(): SimulatorReport
  /** Ends everything: sendings under way resolve as `still retrying`, and no socket or timer stays. */
  close(): Promise<void>
}

/**
 * Starts a Tradecloud to test against. Throws a `TypeError` that names a wrong option.
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
  // Checked here so that a wrong option shows at creation and not with the first trigger.
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
