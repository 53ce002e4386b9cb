/** Sends one request of a trigger and reads the response. */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Verdict } from './retry'
import type { TriggerRequest } from './trigger'

/** One request of a trigger and its response. */
export interface Attempt {
  /** When the request began, on the simulator's clock, in milliseconds since 1970. */
  at: number
  /** Status of the response; absent if none arrived. */
  status?: number | undefined
  /** Why no complete response arrived, such as a refused connection or a time-out. Absent if there is a status. */
  error?: Error | undefined
  /** Headers of the response with lower-case names; empty without a response. */
  headers: IncomingHttpHeaders
  /** Body of the response as text; empty without a response. */
  body: string
  /**
   * The rating of the response. It is `retry` also for a connection that failed or was too slow: Tradecloud does not
   * document what it does in this case.
   */
  verdict: Verdict
  /** Milliseconds of back-off before this attempt; 0 for the first. With `speed`, the actual wait was shorter. */
  waitedMs: number
  /** Real milliseconds from the start of the request to the end of the response. */
  durationMs: number
}

export type AttemptAnswer = Pick<Attempt, 'status' | 'error' | 'headers' | 'body'>

/**
 * True if the host does not exist, if it cannot be reached, if nothing listens there, or if the TLS handshake fails.
 */
export function isNoConnection(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EPROTO|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(
    code,
  )
}

export class SenderConnections {
  private readonly httpAgent = new HttpAgent({ keepAlive: true })
  private readonly httpsAgent = new HttpsAgent({ keepAlive: true })

  /** Does not follow redirects. Never rejects: a failure is a result with an `error`. */
  attempt(trigger: TriggerRequest, timeoutMs: number, signal: AbortSignal): Promise<AttemptAnswer> {
    const { secure, hostname, port, path, method, headers, body } = trigger
    const agent = secure ? this.httpsAgent : this.httpAgent
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<AttemptAnswer>((resolve) => {
      const fail = (error: Error) => resolve({ error, headers: {}, body: '' })
      const outgoing = (secure ? httpsRequest : httpRequest)({ hostname, port, path, method, headers, agent, signal })
      timer = setTimeout(() => {
        fail(new Error(`no complete response within ${timeoutMs} ms`))
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
      // A receiver may respond and close the connection before it has read the body: the upload then fails, but the
      // response is used.
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
