/** Faults that a test has requested: which requests they affect, and how often. */
import { requireKnown, requireMs, requireOneOf, requireWhole } from '../checks'
import type { SimulatedAnswer } from './answer'
import { apiEndpoints, type ApiEndpoint } from './target'

/**
 * One kind of fault. With `status`, `huge` and most bodies of `nonsense`, the simulator sends a made-up response. It
 * does not carry out the request, so a refresh token stays unused. With all other faults, it carries out the request.
 */
export type FaultKind =
  /** Responds with `status`, 200 to 599. `body` is text. Default body: a JSON message. */
  | { type: 'status'; status: number; headers?: Record<string, string> | undefined; body?: string | undefined }
  /** The response is sent `ms` milliseconds later, with the content that it had when the request arrived. */
  | { type: 'delay'; ms: number }
  /** No response is sent, and the connection stays open. */
  | { type: 'hang' }
  /** The headers are sent at once, and the body as one byte every `everyMs` milliseconds. Default: 50. */
  | { type: 'drip'; everyMs?: number | undefined }
  /** The connection is closed before the response, or after half of its body. Default: 'before'. */
  | { type: 'cut'; when?: 'before' | 'middle' | undefined }
  /**
   * Status 200 with a wrong body: an HTML page, nothing, `{}`, `[]`, only the first half of the real body, or the real
   * body with a byte that is not UTF-8. Only the last two keep the headers of the real response, such as the tokens of
   * a login.
   */
  | { type: 'nonsense'; body: 'html' | 'nothing' | 'object' | 'list' | 'truncated' | 'not-utf8' }
  /**
   * Status 200 with a JSON object of `bytes` bytes, which contains the requested `id`. The object is compressed to
   * about a thousandth of this size, even if the client does not accept gzip. With `gzip: false`, it is not compressed.
   */
  | { type: 'huge'; bytes: number; gzip?: boolean | undefined }

/** A fault and the requests that it affects. */
export type ApiFault = FaultKind & {
  /** Which requests are affected. Default: all, including login and downloads. */
  endpoint?: ApiEndpoint | readonly ApiEndpoint[] | undefined
  /** How many requests are affected. Default: all, until the fault is cleared. */
  times?: number | undefined
}

/** An active fault. */
export interface FaultHandle {
  /** Number of requests that the fault has affected. */
  readonly hits: number
  /** Ends the fault for future requests. A response that already hangs, drips or is delayed is not affected. */
  clear(): void
}

/** The option names of each kind. */
const KINDS: Record<FaultKind['type'], string[]> = {
  status: ['status', 'headers', 'body'],
  delay: ['ms'],
  hang: [],
  drip: ['everyMs'],
  cut: ['when'],
  nonsense: ['body'],
  huge: ['bytes', 'gzip'],
}

interface ActiveFault {
  fault: ApiFault
  endpoints: readonly ApiEndpoint[] | undefined
  left: number
  hits: number
}

export class FaultList {
  private active: ActiveFault[] = []

  add(fault: ApiFault): FaultHandle {
    check(fault)
    const { endpoint, times = Infinity } = fault
    const endpoints = typeof endpoint === 'string' ? [endpoint] : endpoint
    for (const one of endpoints ?? []) requireOneOf('endpoint', one, apiEndpoints)
    if (times !== Infinity) requireWhole('times', times, 0)
    const added = { fault: { ...fault }, endpoints: endpoints && [...endpoints], left: times, hits: 0 }
    this.active.push(added)
    return {
      get hits() {
        return added.hits
      },
      clear: () => (this.active = this.active.filter((other) => other !== added)),
    }
  }

  clear(): void {
    this.active = []
  }

  /** Returns the oldest fault that affects this request, if any, and counts the request as affected. */
  take(endpoint: ApiEndpoint): FaultKind | undefined {
    const found = this.active.find(({ left, endpoints }) => left > 0 && (endpoints?.includes(endpoint) ?? true))
    if (found === undefined) return undefined
    found.left--
    found.hits++
    return found.fault
  }
}

/** Returns the response to send without carrying out the request. `undefined`: the request is to be carried out. */
export function substituteFor(fault: FaultKind | undefined): SimulatedAnswer | undefined {
  if (fault?.type === 'status') {
    const body = fault.body ?? JSON.stringify({ message: 'a failure that the test asked for' })
    return { status: fault.status, headers: fault.headers, body }
  }
  if (fault?.type === 'huge') return { status: 200 }
  if (fault?.type !== 'nonsense') return undefined
  switch (fault.body) {
    case 'html':
      return { status: 200, contentType: 'text/html', body: '<!DOCTYPE html><title>Down for maintenance</title>' }
    case 'nothing':
      return { status: 200 }
    case 'object':
      return { status: 200, body: '{}' }
    case 'list':
      return { status: 200, body: '[]' }
    default:
      return undefined
  }
}

export function damage(answer: SimulatedAnswer, fault: FaultKind | undefined): SimulatedAnswer {
  if (fault?.type !== 'nonsense') return answer
  const body = Buffer.from(answer.body ?? '')
  if (fault.body === 'truncated') return { ...answer, status: 200, body: body.subarray(0, body.length / 2) }
  if (fault.body !== 'not-utf8') return answer
  // The byte is inserted inside the last string, so that the rest of the JSON stays valid.
  const place = Math.max(0, body.lastIndexOf('"'))
  const parts = [body.subarray(0, place), Buffer.of(0xff), body.subarray(place)]
  return { ...answer, status: 200, body: Buffer.concat(parts) }
}

function check(fault: ApiFault): void {
  requireOneOf('type', fault.type, Object.keys(KINDS))
  requireKnown('fault', fault, ['type', ...KINDS[fault.type], 'endpoint', 'times'])
  if (fault.type === 'status' && !(fault.status >= 200 && fault.status <= 599)) {
    throw new TypeError(`status must be 200 to 599, not ${fault.status}`)
  }
  if (fault.type === 'delay') requireMs('ms', fault.ms)
  if (fault.type === 'drip' && fault.everyMs !== undefined) requireMs('everyMs', fault.everyMs)
  if (fault.type === 'cut') requireOneOf('when', fault.when ?? 'before', ['before', 'middle'])
  if (fault.type === 'huge') requireWhole('bytes', fault.bytes, 1)
  if (fault.type !== 'nonsense') return
  requireOneOf('body', fault.body, ['html', 'nothing', 'object', 'list', 'truncated', 'not-utf8'])
}
