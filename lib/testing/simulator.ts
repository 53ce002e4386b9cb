/**
 * Tradecloud as a receiver sees it, in one object: the API that it fetches from and the sender that calls it. All of it
 * runs on real sockets of this machine and ends with `close()`.
 */
import { startApiServer } from './api-server'
import { requireMs, resolveRetry, type RetryOptions } from './retry'
import { Sender, type TriggerReport } from './sender'
import type { SimulatedApi } from './simulated-api'
import type { Trigger } from './trigger'

export interface TradecloudSimulatorOptions {
  /** The user that may log in to the API. Default: 'integration@example.com'. */
  username?: string | undefined
  /** Password of that user. Default: 'simulator'. */
  password?: string | undefined
  /** Milliseconds that an access token lives; its `exp` says so in whole seconds, rounded down. Default: 1 hour. */
  accessTokenMs?: number | undefined
  /** Milliseconds that an unused refresh token lives. Default: 24 hours. */
  refreshTokenMs?: number | undefined
  /** How triggers are tried again, unless a trigger says otherwise. Default: see `RetryOptions`. */
  retry?: RetryOptions | undefined
}

/** Every trigger sent so far, by its result, each list in the order of sending. */
export interface SimulatorReport {
  delivered: TriggerReport[]
  givenUp: TriggerReport[]
  stillRetrying: TriggerReport[]
  /** Those with more than one attempt. Each stands in one of the other lists too. */
  retried: TriggerReport[]
}

export interface TradecloudSimulator {
  /** Base URL of the API, `http://127.0.0.1:PORT/v2`. */
  readonly baseUrl: string
  readonly username: string
  readonly password: string
  readonly api: SimulatedApi
  /**
   * Sends a trigger to a webhook until the answer is final, and resolves with what became of it. A failed delivery is a
   * result, not an error. Rejects with a `TypeError` for a trigger that contradicts itself or cannot be sent, and
   * with an `Error` after `close()`.
   */
  send(trigger: Trigger): Promise<TriggerReport>
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
 * const { result } = await tradecloud.send({ url: 'http://127.0.0.1:3000/tradecloud/order/{orderId}', orderId })
 * await tradecloud.close()
 * ```
 */
export async function createTradecloudSimulator(
  options: TradecloudSimulatorOptions = {},
): Promise<TradecloudSimulator> {
  const username = options.username ?? 'integration@example.com'
  const password = options.password ?? 'simulator'
  const accessTokenMs = options.accessTokenMs ?? 3_600_000
  const refreshTokenMs = options.refreshTokenMs ?? 86_400_000
  requireMs('accessTokenMs', accessTokenMs)
  requireMs('refreshTokenMs', refreshTokenMs)
  // Checked here so that a wrong option shows at creation and not with the first trigger.
  const retry = resolveRetry(options.retry)

  const sender = new Sender(retry)
  const { baseUrl, api, close: closeApi } = await startApiServer({ username, password, accessTokenMs, refreshTokenMs })
  return {
    baseUrl,
    username,
    password,
    api,
    send: (trigger) => sender.send(trigger),
    report: () => {
      const all = sender.all()
      const those = (result: TriggerReport['result']) => all.filter((report) => report.result === result)
      return {
        delivered: those('delivered'),
        givenUp: those('given up'),
        stillRetrying: those('still retrying'),
        retried: all.filter(({ attempts }) => attempts.length > 1),
      }
    },
    close: async () => {
      await sender.close()
      await closeApi()
    },
  }
}
