/**
 * The results of triggers, for tests.
 */
import type { Attempt } from './attempt'
import type { Trigger } from './trigger'

/** The result of one sending of a trigger. */
export interface TriggerReport {
  /** The very object that was sent. Credentials are in it. */
  trigger: Trigger
  /**
   * `still retrying`: under way when the report was made, or ended by `maxAttempts`, the `signal` or `close()`, where
   * Tradecloud would have gone on. `unreachable`: no connection could be made, and nothing has ever answered at that
   * address; see the `error` of the attempts. Tradecloud would have gone on, but a test would never end.
   */
  result: 'delivered' | 'given up' | 'still retrying' | 'unreachable'
  method: 'POST' | 'PUT' | 'GET'
  /** With the ID filled in. */
  url: string
  orderId?: string | undefined
  shipmentId?: string | undefined
  /** The bytes that every attempt sent; absent for a GET. */
  sentBody?: Buffer | undefined
  /** True for what `sendAll` sent once more because of `duplicates`. */
  duplicate: boolean
  /** Oldest first. Empty where `close()` came before the first. */
  attempts: Attempt[]
}

/** Sendings by their result, each list in the order of sending. A sending is in `sent` and in one of the next three. */
export interface SimulatorReport {
  sent: TriggerReport[]
  delivered: TriggerReport[]
  givenUp: TriggerReport[]
  /** Those that Tradecloud would continue to send, including `unreachable` ones. */
  stillRetrying: TriggerReport[]
  /** Those with more than one attempt. */
  retried: TriggerReport[]
  /** Those that `sendAll` sent once more because of `duplicates`. */
  duplicates: TriggerReport[]
}

export function summarize(sent: TriggerReport[]): SimulatorReport {
  const those = (result: TriggerReport['result']) => sent.filter((report) => report.result === result)
  return {
    sent,
    delivered: those('delivered'),
    givenUp: those('given up'),
    stillRetrying: sent.filter(({ result }) => result === 'still retrying' || result === 'unreachable'),
    retried: sent.filter(({ attempts }) => attempts.length > 1),
    duplicates: sent.filter(({ duplicate }) => duplicate),
  }
}
