/**
 * Calls a webhook the way Tradecloud does: sends a trigger, judges the answer, and sends the same bytes again for as
 * long as the answer asks for it.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { backOffMs, judge, requireMs, resolveRetry, type Retry, type RetryOptions, type Verdict } from './retry'
import { buildRequest, type Trigger, type TriggerRequest } from './trigger'

/** One request of a trigger and what came back. */
export interface Attempt {
  /** Status of the answer; absent when none came. */
  status?: number | undefined
  /** Why no whole answer came: refused, cut off, too late. Absent where there is a status. */
  error?: Error | undefined
  /** Headers of the answer with lower case names; empty without an answer. */
  headers: IncomingHttpHeaders
  /** Body of the answer as text; empty without an answer. */
  body: string
  /** `retry` also for a connection that failed or was too slow: what Tradecloud does then is not documented. */
  verdict: Verdict
  /** Milliseconds of back-off before this attempt; 0 for the first. */
  waitedMs: number
  /** Milliseconds from the start of the request to the end of its answer. */
  durationMs: number
}

/** What became of one trigger. */
export interface TriggerReport {
  /**
   * `still retrying`: under way when the report was made, or ended by `maxAttempts`, the `signal` or `close()`, where
   * Tradecloud would have gone on.
   */
  result: 'delivered' | 'given up' | 'still retrying'
  method: 'POST' | 'PUT' | 'GET'
  /** With the ID filled in. */
  url: string
  orderId?: string | undefined
  shipmentId?: string | undefined
  /** The bytes that every attempt sent; absent for a GET. */
  sentBody?: Buffer | undefined
  /** Oldest first. */
  attempts: Attempt[]
}

type Answer = Pick<Attempt, 'status' | 'error' | 'headers' | 'body'>

export class Sender {
  private readonly httpAgent = new HttpAgent({ keepAlive: true })
  private readonly httpsAgent = new HttpsAgent({ keepAlive: true })
  private readonly closing = new AbortController()
  private readonly underway = new Set<Promise<TriggerReport>>()
  private readonly reports: TriggerReport[] = []

  constructor(private readonly defaultRetry: RetryOptions | undefined) {}

  async send(trigger: Trigger): Promise<TriggerReport> {
    if (this.closing.signal.aborted) throw new Error('the simulator is closed')
    const request = buildRequest(trigger)
    const retry = resolveRetry(this.defaultRetry, trigger.retry)
    const timeoutMs = trigger.timeoutMs ?? 60_000
    requireMs('timeoutMs', timeoutMs)
    const { method, url, body } = request
    const { orderId, shipmentId } = trigger
    const report: TriggerReport = {
      result: 'still retrying', method, url, orderId, shipmentId, sentBody: body, attempts: [],
    }
    const signal = AbortSignal.any([this.closing.signal, ...(trigger.signal === undefined ? [] : [trigger.signal])])
    this.reports.push(report)
    const sending = this.run(request, report, { retry, timeoutMs, signal })
    this.underway.add(sending)
    try {
      return copyOf(await sending)
    } finally {
      this.underway.delete(sending)
    }
  }

  /** Every trigger so far in the order of sending, as it stands now. */
  all(): TriggerReport[] {
    return this.reports.map(copyOf)
  }

  async close(): Promise<void> {
    this.closing.abort()
    await Promise.allSettled(this.underway)
    this.httpAgent.destroy()
    this.httpsAgent.destroy()
  }

  private async run(
    request: TriggerRequest,
    report: TriggerReport,
    { retry, timeoutMs, signal }: { retry: Retry; timeoutMs: number; signal: AbortSignal },
  ): Promise<TriggerReport> {
    let waitedMs = 0
    while (await waitUnlessAborted(waitedMs, signal)) {
      const startedAt = performance.now()
      const answer = await this.attempt(request, timeoutMs, signal)
      const verdict = answer.status === undefined ? 'retry' : judge(answer.status)
      report.attempts.push({ ...answer, verdict, waitedMs, durationMs: performance.now() - startedAt })
      if (verdict !== 'retry') {
        report.result = verdict
        break
      }
      if (report.attempts.length >= retry.maxAttempts) break
      waitedMs = backOffMs(retry, report.attempts.length)
    }
    return report
  }

  /** Never follows a redirect, and never rejects: whatever goes wrong is an attempt without an answer. */
  private attempt(request: TriggerRequest, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const { secure, hostname, port, path, method, headers, body } = request
    const agent = secure ? this.httpsAgent : this.httpAgent
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<Answer>((resolve) => {
      const fail = (error: Error) => resolve({ error, headers: {}, body: '' })
      const outgoing = (secure ? httpsRequest : httpRequest)({ hostname, port, path, method, headers, agent, signal })
      timer = setTimeout(() => {
        fail(new Error(`no whole answer within ${timeoutMs} ms`))
        outgoing.destroy()
      }, timeoutMs)
      let answered = false
      outgoing.on('response', (incoming) => {
        answered = true
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', fail)
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks).toString() })
        })
      })
      // A receiver may refuse and close before it has read the body. The upload fails then, and the answer counts.
      outgoing.on('error', (error) => {
        if (!answered) fail(error)
      })
      outgoing.end(body)
    })
    return answer.finally(() => clearTimeout(timer))
  }
}

/** False when the signal ended the wait, or was there before. */
async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

/** Reports are handed out as they are at that moment; a sending under way goes on in its own. */
function copyOf(report: TriggerReport): TriggerReport {
  return { ...report, attempts: [...report.attempts] }
}
