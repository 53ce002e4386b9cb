/**
 * Calls a webhook as Tradecloud does: sends a trigger, rates the response, and repeats the same bytes until the
 * response is final.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { requireKnown, requireMs, requireWhole } from '../checks'
import { steadyMs, type SimulatorClock } from '../clock'
import { createRandom } from '../random'
import { SenderConnections, isNoConnection } from './attempt'
import { summarize, type SimulatorReport, type TriggerReport } from './report'
import { retryDelayMs, judge, resolveRetry, type Retry, type SenderRetryOptions } from './retry'
import { Places, planSendings, type SendAllOptions } from './send-all'
import { buildRequest, type Trigger, type TriggerRequest } from './trigger'

/**
 * Number of attempts after which a trigger ends as `unreachable`. They take about 3 s with the default waits: long
 * enough for a receiver that is starting, and below Jest's limit of 5 s.
 */
const UNREACHABLE_AFTER = 7

export interface SenderOptions {
  retry: SenderRetryOptions | undefined
  seed: number
  clock: SimulatorClock
}

interface Prepared {
  trigger: Trigger
  request: TriggerRequest
  retry: Retry
  timeoutMs: number
}

export class Sender {
  private readonly connections = new SenderConnections()
  private readonly closing = new AbortController()
  private readonly underway = new Set<Promise<TriggerReport>>()
  private readonly reports: TriggerReport[] = []
  /**
   * Addresses to which a connection has succeeded. A receiver that restarts at one of them is retried without limit.
   */
  private readonly reached = new Set<string>()

  constructor(private readonly options: SenderOptions) {}

  async send(trigger: Trigger): Promise<TriggerReport> {
    this.requireOpen()
    return this.start(this.prepare(trigger), false, new Places())
  }

  async sendAll(triggers: Iterable<Trigger>, options: SendAllOptions = {}): Promise<SimulatorReport> {
    this.requireOpen()
    requireKnown('', options, ['concurrency', 'duplicates', 'shuffle', 'seed'])
    const { concurrency = 10, seed = this.options.seed } = options
    requireWhole('concurrency', concurrency, 1)
    // All triggers are checked before the first one is sent, so that an invalid one does not fail the test halfway.
    const prepared = Array.from(triggers, (trigger) => this.prepare(trigger))
    const places = new Places(concurrency)
    const sendings = planSendings(prepared.length, options, seed).flatMap(({ index, duplicate }) => {
      const one = prepared[index]
      return one === undefined ? [] : [this.start(one, duplicate, places)]
    })
    return summarize(await Promise.all(sendings))
  }

  report(): SimulatorReport {
    return summarize(this.reports.map(copyOf))
  }

  async close(): Promise<void> {
    this.closing.abort()
    await Promise.allSettled(this.underway)
    this.connections.close()
  }

  private requireOpen(): void {
    if (this.closing.signal.aborted) throw new Error('the simulator is closed')
  }

  private prepare(trigger: Trigger): Prepared {
    const request = buildRequest(trigger)
    const retry = resolveRetry(this.options.retry, trigger.retry)
    const { timeoutMs = 60_000 } = trigger
    requireMs('timeoutMs', timeoutMs)
    return { trigger, request, retry, timeoutMs }
  }

  private async start(prepared: Prepared, duplicate: boolean, places: Places): Promise<TriggerReport> {
    const { trigger, request } = prepared
    const { method, url, body } = request
    const { orderId, shipmentId } = trigger
    const report: TriggerReport = {
      trigger,
      result: 'still retrying',
      method,
      url,
      orderId,
      shipmentId,
      sentBody: body,
      duplicate,
      attempts: [],
    }
    // Each trigger has its own stream of random numbers, so that concurrent triggers do not influence each other.
    const random = createRandom(this.options.seed, this.reports.push(report))
    const sending = this.run(prepared, report, random, places)
    this.underway.add(sending)
    try {
      return copyOf(await sending)
    } finally {
      this.underway.delete(sending)
    }
  }

  private async run(
    { trigger, request, retry, timeoutMs }: Prepared,
    report: TriggerReport,
    random: () => number,
    places: Places,
  ): Promise<TriggerReport> {
    const signal = AbortSignal.any([this.closing.signal, ...(trigger.signal === undefined ? [] : [trigger.signal])])
    let waitedMs = 0
    while (await waitUnlessAborted(waitedMs / retry.speed, signal)) {
      const attempt = await places.run(signal, async () => {
        const at = this.options.clock.now()
        const startedAt = steadyMs()
        const answer = await this.connections.attempt(request, timeoutMs, signal)
        const verdict = answer.status === undefined ? 'retry' : judge(answer.status)
        return { at, ...answer, verdict, waitedMs, durationMs: steadyMs() - startedAt }
      })
      if (attempt === undefined) break
      report.attempts.push(attempt)
      const isUnreachable = this.isUnreachable(request, attempt.error)
      if (attempt.verdict !== 'retry') {
        report.result = attempt.verdict
        break
      }
      if (isUnreachable && retry.maxAttempts === Infinity && report.attempts.length >= UNREACHABLE_AFTER) {
        report.result = 'unreachable'
        break
      }
      if (report.attempts.length >= retry.maxAttempts) break
      waitedMs = retryDelayMs(retry, report.attempts.length, random)
    }
    return report
  }

  /** True if no connection to the address has ever been made. */
  private isUnreachable({ hostname, port }: TriggerRequest, error: Error | undefined): boolean {
    const address = `${hostname}:${port}`
    if (error === undefined || !isNoConnection(error)) this.reached.add(address)
    return !this.reached.has(address)
  }
}

/** Resolves with false if the signal ended the wait or was aborted before. */
async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

/** Copies a report, so that it does not change while the trigger is still retried. */
function copyOf(report: TriggerReport): TriggerReport {
  return { ...report, attempts: [...report.attempts] }
}
