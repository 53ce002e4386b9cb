/** The results of triggers, for tests. */
import type { Attempt } from './attempt'
import type { Trigger } from './trigger'

/** The result of sending one trigger, with all its attempts. */
export interface TriggerReport {
  /** The trigger object that was passed to `send`. It contains credentials. */
  trigger: Trigger
  /**
   * `still retrying`: in progress when the report was made, or ended by `maxAttempts`, the `signal` or `close()`.
   * `unreachable`: the simulator gave up because it has never been able to connect to the webhook; see the `error` of
   * the attempts. In both cases, Tradecloud would continue.
   */
  result: 'delivered' | 'given up' | 'still retrying' | 'unreachable'
  method: 'POST' | 'PUT' | 'GET'
  /** The URL with the ID inserted. */
  url: string
  orderId?: string | undefined
  shipmentId?: string | undefined
  /** The bytes that every attempt sent; absent without an `event`. */
  sentBody?: Buffer | undefined
  /** True if this repeats an earlier trigger on purpose, see `duplicates` of `sendAll`. */
  duplicate: boolean
  /** The attempts that have ended, oldest first. Empty if the trigger ended before the first attempt. */
  attempts: Attempt[]
}

/**
 * All triggers that were sent, and the same triggers grouped by result. Each list is in the order of sending. Each
 * trigger is in `sent` and in one of `delivered`, `givenUp` and `stillRetrying`.
 */
export interface SimulatorReport {
  sent: TriggerReport[]
  delivered: TriggerReport[]
  givenUp: TriggerReport[]
  /** Triggers that Tradecloud would send again, including `unreachable` ones. */
  stillRetrying: TriggerReport[]
  /** Triggers with more than one attempt. */
  retried: TriggerReport[]
  /** Triggers that repeat an earlier one on purpose, see `duplicates` of `sendAll`. */
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
