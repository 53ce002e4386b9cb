/**
 * One request of a trigger on the wire, and whatever came back.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Verdict } from './retry'
import type { TriggerRequest } from './trigger'

/** One request of a trigger and what came back. */
export interface Attempt {
  /** When it began by the clock of the simulator, in milliseconds since 1970. */
  at: number
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
  /** Milliseconds of back-off before this attempt, 0 for the first. With `speed` the real wait was shorter. */
  waitedMs: number
  /** Real milliseconds from the start of the request to the end of its answer. */
  durationMs: number
}

export type AttemptAnswer = Pick<Attempt, 'status' | 'error' | 'headers' | 'body'>

/** Nothing listens there, there is no such host, or what listens there cannot be spoken to in this way. */
export function isNoConnection(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EPROTO|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(
    code,
  )
}

export class Connections {
  private readonly httpAgent = new HttpAgent({ keepAlive: true })
  private readonly httpsAgent = new HttpsAgent({ keepAlive: true })

  /** Never follows a redirect, and never rejects: whatever goes wrong is an answer with an `error`. */
  attempt(trigger: TriggerRequest, timeoutMs: number, signal: AbortSignal): Promise<AttemptAnswer> {
    const { secure, hostname, port, path, method, headers, body } = trigger
    const agent = secure ? this.httpsAgent : this.httpAgent
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<AttemptAnswer>((resolve) => {
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

  close(): void {
    this.httpAgent.destroy()
    this.httpsAgent.destroy()
  }
}
