/**
 * Fetches an issuer's key set, with limits for time and size and without following redirects. If a request hangs,
 * another one is sent.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type Agent } from 'node:https'
import type { JWK } from 'jose'
import { isObject } from '../../../events/entity'
import { parseJson } from '../../../bytes/json'
import { startInterval, type Timer } from '../../../wait/timers'
import { within } from '../../../wait/within'

export interface KeySource {
  uri: URL
  httpsAgent?: Agent | undefined
  /** Time limit of the whole fetch. */
  timeoutMs: number
  /**
   * Until a request has ended, another one is sent in parallel at this interval. The network may have recovered
   * although the first connection still hangs.
   */
  againMs: number
}

/** Maximum size of a key set. Microsoft's have about 20 kB. */
const MAX_BYTES = 1024 * 1024

/** Rejects with an error that names the step and the cause, but contains no key, no token and no query of the URL. */
export async function fetchKeys(
  { uri, httpsAgent, timeoutMs, againMs }: KeySource,
  signal: AbortSignal,
): Promise<JWK[]> {
  const running = new AbortController()
  const abort = (): void => running.abort()
  let again: Timer | undefined
  signal.addEventListener('abort', abort)
  try {
    // Settles with the first request that ends, even if it fails: the caller may soon call `fetchKeys` again.
    const first = new Promise<JWK[]>((resolve, reject) => {
      const attempt = (): void => void requestKeys(uri, httpsAgent, running.signal).then(resolve, reject)
      again = startInterval(attempt, againMs)
      attempt()
    })
    return await within(timeoutMs, first, () => {
      throw new Error(`no answer within ${timeoutMs} ms`)
    })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    const reason = [message, code].find(Boolean) ?? 'the connection failed'
    throw new Error(`The keys at ${uri.origin}${uri.pathname} could not be fetched: ${reason.slice(0, 200)}`)
  } finally {
    clearInterval(again)
    signal.removeEventListener('abort', abort)
    running.abort()
  }
}

function requestKeys(uri: URL, httpsAgent: Agent | undefined, signal: AbortSignal): Promise<JWK[]> {
  return new Promise((resolve, reject) => {
    const headers = { Accept: 'application/json', 'User-Agent': 'tradecloud-webhook' }
    const receive = (answer: IncomingMessage): void => {
      readAnswer(answer).then(resolve, reject)
    }
    // Without `httpsAgent`, the connection is closed after the response: fetches are too rare to keep it open.
    const request =
      uri.protocol === 'https:'
        ? httpsRequest(uri, { agent: httpsAgent ?? false, headers, signal }, receive)
        : httpRequest(uri, { agent: false, headers, signal }, receive)
    request.on('error', reject).end()
  })
}

async function readAnswer(answer: IncomingMessage): Promise<JWK[]> {
  if (answer.statusCode !== 200) throw new Error(`the status is ${answer.statusCode ?? 'missing'}`)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return keysOf(Buffer.concat(chunks))
}

function keysOf(body: Buffer): JWK[] {
  const json = parseJson(body)
  const keys = json.ok && isObject(json.value) ? json.value.keys : undefined
  const usable = Array.isArray(keys) ? keys.filter(isPublicKey) : []
  // An empty key set is treated as an error of the key server, because it would make all tokens invalid.
  if (usable.length === 0) throw new Error('the response is not a key set, or has no keys for signatures')
  return usable
}

function isPublicKey(key: unknown): key is JWK {
  if (!isObject(key)) return false
  const { kty, use, d } = key
  return (kty === 'RSA' || kty === 'EC') && (use === undefined || use === 'sig') && d === undefined
}
