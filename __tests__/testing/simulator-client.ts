/**
 * A minimal client for the simulated API. It uses `node:http`, without retries or limits, and returns the bytes
 * unmodified.
 */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { TradecloudSimulator } from '../../lib/testing/simulator'
import { basic } from './simulator-receiver'

export interface Answered {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  text: string
  /** Set if the connection ended before the end of the response; `bytes` then contains what was received. */
  error?: Error
}

export interface Ask {
  method?: string
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
  /** Called when the response begins. */
  onHead?: () => void
  onData?: (piece: Buffer) => void
}

/** Sends a request, and resolves with the response. Rejects only if no response has begun. */
export function ask(url: string, { method, headers, body, signal, ...on }: Ask = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const options = { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, agent, signal }
    const outgoing = httpRequest(url, options)
    let fail = reject
    outgoing.on('error', (error) => fail(error))
    outgoing.on('response', (incoming) => {
      const pieces: Buffer[] = []
      const done = (error?: Error) => {
        const bytes = Buffer.concat(pieces)
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text: bytes.toString(), error })
      }
      fail = done
      on.onHead?.()
      incoming.on('data', (piece: Buffer) => {
        pieces.push(piece)
        on.onData?.(piece)
      })
      incoming.on('error', done)
      incoming.on('end', () => done())
    })
    outgoing.end(body)
  })
}

/** The credentials of a simulator with default options. */
export const basicUser = basic('integration@example.com', 'simulator')

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

/** Logs in, and resolves with an access token and a refresh token. */
export async function login({ baseUrl }: TradecloudSimulator): Promise<{ access: string; refresh: string }> {
  const { headers } = await ask(`${baseUrl}/authentication/login`, { headers: basicUser })
  return { access: String(headers['set-authorization']), refresh: String(headers['set-refresh-token']) }
}
