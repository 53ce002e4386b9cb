/**
 * Runs all checks of an endpoint: first TLS, then probes with neither a body nor an ID. Probes with an ID or a body are
 * sent only after the webhook has answered one of the first probes, so that no other receiver takes them for events.
 */
import { randomUUID } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { authorizationOf, type TriggerAuth } from '../../testing/sender/trigger'
import { UsageError } from '../errors'
import { printable } from '../printable'
import { bodyOf, checkBodies, checkSlowUpload, isWhole, SIZES, type BodySize } from './bodies'
import { checkCertificate } from './certificate'
import { Examination, ranOutOfTime, type Answered, type DoctorReport } from './examination'
import { checkIds } from './ids'
import { findingOf, lacksCredentials } from './judge'
import type { DoctorTarget } from './target'

export interface ExamineOptions {
  auth: TriggerAuth
  /** PEM certificates of the authorities to trust instead of Node's. */
  ca?: string | undefined
  /** Resolves host names. Default: Node's resolver. */
  lookup?: LookupFunction | undefined
  slowUploadMs?: number | undefined
  sizes?: readonly BodySize[] | undefined
  /** Time limit for a response. The time starts anew with each piece of a body that is sent. */
  idleMs?: number | undefined
  onProgress?: ((text: string) => void) | undefined
}

/** Time limit of the whole run. */
const LIMIT_MS = 85_000
/** Longer than 60 s, a common time limit of proxies. */
const SLOW_UPLOAD_MS = 65_000
const IDLE_MS = 15_000
const LONG_HEADER = 'tradecloud-webhook-padding'
const LONG_HEADER_BYTES = 6_000

/** Throws a `UsageError` if the webhook requires credentials and none were given. */
export async function examine(target: DoctorTarget, options: ExamineOptions): Promise<DoctorReport> {
  const { auth, ca, lookup, slowUploadMs = SLOW_UPLOAD_MS, sizes = SIZES, idleMs = IDLE_MS, onProgress } = options
  const authorization = auth === 'none' ? undefined : authorizationOf(auth)
  const examination = new Examination(target, { authorization, ca, lookup, idleMs, limitMs: LIMIT_MS, onProgress })
  if (!(await checkConnection(examination))) return examination.report()
  const { path } = target
  const [first, second] = await Promise.all([
    examination.send({ method: 'POST', path }),
    examination.send({ method: 'GET', path }),
  ])
  const [post, get] = [checkMethod(examination, 'POST', first), checkMethod(examination, 'GET', second)]
  if (!post && !get) {
    examination.skip('everything else', 'nothing more is sent until one of these reaches the webhook')
    return examination.report()
  }
  const slowUpload = post ? checkSlowUpload(examination, slowUploadMs) : undefined
  checkMethod(examination, 'PUT', await examination.send({ method: 'PUT', path }))
  await checkCredentials(examination, post ? 'POST' : 'GET')
  await checkHeaders(examination, post)
  if (get) for (const place of target.places) await checkIds(examination, place)
  else examination.skip('IDs', 'GET does not get through')
  if (post) await checkBodies(examination, sizes)
  else examination.skip('bodies', 'POST does not get through')
  onProgress?.('a slow upload')
  await slowUpload
  return examination.report()
}

/** Returns false if credentials must not be sent over this connection. */
async function checkConnection(examination: Examination): Promise<boolean> {
  const { target, options } = examination
  if (target.isSecure) {
    const { problems, text } = await checkCertificate(target, { ...options, timeoutMs: options.idleMs })
    for (const problem of problems) examination.find(problem.code, problem.text)
    const failures = problems.map((problem) => problem.text)
    examination.done('TLS', text, failures)
    const isTrusted = problems.every(({ code }) => code === 'certificate_ends_soon')
    if (!isTrusted) examination.skip('everything else', 'no credentials are sent over this connection')
    return isTrusted
  }
  if (target.isLocal) return true
  // Reports a redirect or a failed connection. The request has no credentials, because anyone on the way could read
  // them.
  const { read } = await examination.send({ method: 'GET', path: target.path, authorization: '' })
  const code = findingOf(read)
  if (read.by === 'no one' || code === 'redirect') examination.find(code, `GET ${printable(target.path)}: ${read.text}`)
  if (read.by !== 'no one') examination.find('not_https', printable(target.url))
  examination.done('TLS', '', ['the URL begins with http://'])
  examination.skip('everything else', 'no credentials are sent over this connection')
  return false
}

/** Returns true if the webhook describes the probe, and the path of the probe matches a pattern. */
function checkMethod(examination: Examination, method: 'GET' | 'POST' | 'PUT', answered: Answered): boolean {
  const { path } = examination.target
  const { read } = answered
  if (ranOutOfTime(answered)) {
    examination.skip(method, 'there was no time left')
    return false
  }
  if (lacksCredentials(read) && examination.options.authorization === undefined)
    throw new UsageError('The webhook asks for credentials: use --basic USER or --bearer.')
  if (read.by === 'probe' && read.arrived.matched) {
    examination.done(method, 'arrives')
    return true
  }
  const what = read.by === 'probe' ? `arrives as ${printable(read.arrived.path)}` : read.text
  const text = `${method} ${printable(path)}: ${what}`
  examination.find(findingOf(read), text)
  examination.done(method, '', [text])
  return false
}

async function checkCredentials(examination: Examination, method: 'GET' | 'POST'): Promise<void> {
  const { options, target } = examination
  const name = 'wrong credentials'
  if (options.authorization === undefined) {
    const text = 'no credentials are needed'
    if (!target.isLocal) examination.find('accepts_anyone', text)
    return examination.done(name, text, target.isLocal ? [] : [text])
  }
  const [scheme = ''] = options.authorization.split(' ', 1)
  const secret = scheme === 'Bearer' ? randomUUID() : Buffer.from(`doctor:${randomUUID()}`).toString('base64')
  const authorization = `${scheme} ${secret}`
  const answered = await examination.send({ method, path: target.path, authorization })
  const { read } = answered
  if (ranOutOfTime(answered)) return examination.skip(name, 'there was no time left')
  if (read.by === 'webhook') return examination.done(name, 'the webhook refuses them')
  const text = read.by === 'probe' ? 'they are accepted' : read.text
  examination.find(read.by === 'probe' ? 'accepts_anyone' : 'refusal_replaced', text)
  examination.done(name, '', [text])
}

/**
 * Sends a header that is as long as an access token can be. If `hasBody`, also sends a body with the headers that
 * describe it.
 */
async function checkHeaders(examination: Examination, hasBody: boolean): Promise<void> {
  const name = 'headers'
  const body = bodyOf({ length: 100, format: 'json' })
  const request = hasBody ? ({ method: 'POST', body } as const) : ({ method: 'GET' } as const)
  const { path } = examination.target
  const padding = { [LONG_HEADER]: 'x'.repeat(LONG_HEADER_BYTES) }
  const answered = await examination.send({ ...request, path, headers: padding })
  const { read } = answered
  if (ranOutOfTime(answered)) return examination.skip(name, 'there was no time left')
  if (read.by !== 'probe') {
    const text = `a header of ${LONG_HEADER_BYTES / 1000} kB: ${read.text}`
    examination.find('long_header', text)
    return examination.done(name, '', [text])
  }
  const { headers } = read.arrived
  const wanted = ['user-agent', LONG_HEADER, ...(hasBody ? ['content-type'] : [])]
  const missing = wanted.filter((each) => !headers.includes(each))
  if (hasBody && !isWhole(examination, read.arrived, body.length)) missing.push('content-length')
  for (const each of missing) examination.find('headers_removed', each)
  examination.done(
    name,
    'arrive, including one of 6 kB',
    missing.map((each) => `${each} is missing`),
  )
}
