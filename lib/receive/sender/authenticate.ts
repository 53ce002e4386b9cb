/**
 * Checks credentials from the headers alone, before any byte of the body is read. Secrets are compared in constant
 * time; tokens of OAuth are checked in `oauth/`.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { checkKeys, checkSecret, checkToken, checkUsername, show } from '../../errors/checks'
import { invalidOption } from '../../errors/errors'
import { isThenable } from '../../wait/thenable'
import type { OAuthCredential } from './oauth/options'
import type { OAuthVerifier, Recognition } from './oauth/verifier'

/**
 * Basic authentication (RFC 7617). User name and password may contain any UTF-8, but only the password may contain a
 * colon. The types include `undefined`, so that environment variables can be passed directly; creating the webhook
 * throws if a variable is not set.
 */
export interface BasicCredential {
  type: 'basic'
  /** User name. Throws if it is missing, empty, or starts or ends with white space. Required. */
  username: string | undefined
  /** Password. Throws if it is missing, empty, or starts or ends with white space. Required. */
  password: string | undefined
}

/** A static bearer token (RFC 6750), as set in Tradecloud's portal. */
export interface BearerCredential {
  type: 'bearer'
  /** The token. Throws if it is missing, empty, or starts or ends with white space. Required. */
  token: string | undefined
}

export type Credential = BasicCredential | BearerCredential | OAuthCredential

/**
 * A check of your own: only `true` accepts the request. If it throws or rejects, the response is 503, so that no event
 * is lost.
 */
export type AuthFunction = (req: IncomingMessage) => boolean | Promise<boolean>

/** `'none'` accepts anyone: only for tests on loopback. */
export type AuthOption = 'none' | Credential | readonly Credential[] | AuthFunction

export interface Authenticator {
  /**
   * Returns true if the request is accepted. Throws or rejects if this cannot be decided now, or if an `AuthFunction`
   * or `checkClaims` throws or rejects.
   */
  check(req: IncomingMessage): boolean | Promise<boolean>
  /**
   * Like `check`, for a path that matches no pattern. Calls neither an `AuthFunction` nor a key server. Never rejects.
   */
  recognize(req: IncomingMessage): Recognition | Promise<Recognition>
  /** Value of `WWW-Authenticate` in a 401. */
  challenge: string
  /** Present if all credentials are of type `oauth`. Rejects if none of them can be checked now. */
  ready?: (() => Promise<void>) | undefined
  /** Aborts a fetch of keys that is still running. */
  close(): void
}

const CHALLENGES = {
  basic: 'Basic realm="tradecloud-webhook", charset="UTF-8"',
  bearer: 'Bearer realm="tradecloud-webhook"',
  oauth: 'Bearer realm="tradecloud-webhook"',
}

const ALLOWED =
  "{ type: 'basic', username, password }, { type: 'bearer', token }, { type: 'oauth', tenantId, audience }, a list of these, a function, or 'none' to accept anyone"

/**
 * Throws `invalid_option` for a secret that is missing, empty, or starts or ends with white space. Never quotes the
 * secret.
 */
export function createAuthenticator(auth: AuthOption | undefined): Authenticator {
  if (auth === undefined) throw invalidOption('auth', `is required: ${ALLOWED}`)
  if (auth === 'none') return { check: () => true, recognize: () => 'unsure', challenge: '', close: () => undefined }
  if (typeof auth === 'function') {
    return {
      check: (req) => {
        const verdict: unknown = auth(req)
        return isThenable(verdict) ? Promise.resolve(verdict).then((value) => value === true) : verdict === true
      },
      recognize: () => 'unsure',
      challenge: `${CHALLENGES.basic}, ${CHALLENGES.bearer}`,
      close: () => undefined,
    }
  }
  const entries: readonly unknown[] = Array.isArray(auth) ? auth : [auth]
  if (entries.length === 0) throw invalidOption('auth', 'is an empty list, which would refuse every event')
  const expected = entries.map((entry, i) => expectationOf(entry, entries.length > 1 ? `auth[${i}]` : 'auth'))
  const digests = expected.filter((one) => one.type !== 'oauth')
  const verifiers = expected.flatMap((one) => (one.type === 'oauth' ? one.verifier : []))
  const matchesSecret = (presented: Presented): boolean => {
    const rivals = digests.filter(({ type }) => type === presented.type)
    const shown = rivals.length === 0 ? undefined : digestOf(presented.secret)
    let matches = false
    // No early exit, so that the duration does not reveal which entry matched.
    for (const { digest } of rivals) if (shown && timingSafeEqual(shown, digest)) matches = true
    return matches
  }
  const usual = new UsualHeaders(expected.flatMap((one) => (one.type === 'oauth' ? [] : one.header)))
  return {
    check: (req) => {
      const { authorization } = req.headers
      if (usual.include(authorization)) return true
      const presented = readAuthorization(authorization)
      if (!presented) return false
      const matches = matchesSecret(presented)
      if (matches || presented.type !== 'bearer' || verifiers.length === 0) return matches
      return isAcceptedByAny(verifiers, presented.secret)
    },
    recognize: (req) => {
      const presented = readAuthorization(req.headers.authorization)
      if (!presented) return 'no'
      if (matchesSecret(presented)) return 'yes'
      return presented.type === 'bearer' ? recognizedByAny(verifiers, presented.secret) : 'no'
    },
    challenge: [...new Set(expected.map(({ type }) => CHALLENGES[type]))].join(', '),
    ready: digests.length > 0 ? undefined : () => isAnyReady(verifiers),
    close: () => verifiers.forEach((verifier) => verifier.close()),
  }
}

/** True if any verifier accepts the token. Rejects if none accepts it and one of them could not decide. */
async function isAcceptedByAny(verifiers: readonly OAuthVerifier[], token: string): Promise<boolean> {
  const refused = new Error('refused')
  const attempts = verifiers.map(async (verifier) => {
    if (!(await verifier.check(token))) throw refused
  })
  try {
    await Promise.any(attempts)
    return true
  } catch (error) {
    const unable = (error as AggregateError).errors.filter((one) => one !== refused)
    if (unable.length === 0) return false
    throw unable[0] as Error
  }
}

async function isAnyReady(verifiers: readonly OAuthVerifier[]): Promise<void> {
  await Promise.any(verifiers.map((verifier) => verifier.ready())).catch((error: unknown) => {
    throw (error as AggregateError).errors[0]
  })
}

/** Synchronous if the claims of the token match no verifier, as for a token that is meant for another service. */
function recognizedByAny(verifiers: readonly OAuthVerifier[], token: string): Recognition | Promise<Recognition> {
  const found = verifiers.map((verifier) => verifier.recognize(token)).filter((one) => one !== 'no')
  if (found.length === 0) return 'no'
  return Promise.all(found.map(async (one) => one)).then((all) => {
    if (all.includes('yes')) return 'yes'
    return all.includes('unsure') ? 'unsure' : 'no'
  })
}

interface Presented {
  type: 'basic' | 'bearer'
  secret: string
}

interface Digest {
  type: 'basic' | 'bearer'
  digest: Buffer
  /** The whole header in the form that most senders use; see `UsualHeaders`. */
  header: string
}

type Expectation = Digest | { type: 'oauth'; verifier: OAuthVerifier }

function expectationOf(entry: unknown, option: string): Expectation {
  if (typeof entry !== 'object' || entry === null)
    throw invalidOption(option, `is not a credential object; allowed: ${ALLOWED}`)
  const { type, ...others } = entry as Record<string, unknown>
  if (type === 'oauth') return { type, verifier: createVerifier(option, others) }
  const { username, password, token } = others
  if (type === 'basic') {
    checkKeys(option, others, ['username', 'password'])
    const credentials = `${checkUsername(`${option}.username`, username)}:${checkSecret(`${option}.password`, password)}`
    const base64 = Buffer.from(credentials, 'utf8').toString('base64')
    return { type, digest: digestOf(withoutPadding(base64)), header: `Basic ${base64}` }
  }
  if (type === 'bearer') {
    checkKeys(option, others, ['token'])
    const secret = checkToken(`${option}.token`, token)
    return { type, digest: digestOf(secret), header: `Bearer ${secret}` }
  }
  throw invalidOption(`${option}.type`, `is ${show(type)}; allowed: 'basic', 'bearer', 'oauth'`)
}

/** Loaded lazily: only needed with OAuth. */
function createVerifier(option: string, options: Record<string, unknown>): OAuthVerifier {
  const { resolveOAuth } = require('./oauth/options') as typeof import('./oauth/options')
  const { OAuthVerifier } = require('./oauth/verifier') as typeof import('./oauth/verifier')
  return new OAuthVerifier(resolveOAuth(option, options))
}

/**
 * The secret is the bearer token, or the base64 text of Basic credentials. The base64 text is compared without decoding
 * it.
 */
function readAuthorization(header: string | undefined): Presented | undefined {
  // The scheme is case-insensitive (RFC 9110). Node has already trimmed the header.
  const [, basic, value] = /^(?:(basic)|bearer) +(\S+)$/i.exec(header ?? '') ?? []
  if (value === undefined) return undefined
  return basic === undefined ? { type: 'bearer', secret: value } : { type: 'basic', secret: withoutPadding(value) }
}

/** Base64 padding is optional. */
function withoutPadding(base64: string): string {
  return base64.replace(/={1,2}$/, '')
}

function digestOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}

/** Headers are padded to at least this length, so that the duration does not reveal the length of a secret. */
const LEAST_BYTES = 256

/**
 * Recognises `Authorization` headers in the form that most senders use. This takes a quarter of the time of hashing,
 * which saves about 1 µs for each request. A header in any other form, for example with the scheme in lower case, is
 * compared by its hash. Keeps the secrets themselves in memory, not only their hashes.
 */
class UsualHeaders {
  readonly #expected: ReadonlyArray<{ header: string; bytes: Buffer }>
  readonly #presented: Buffer

  constructor(headers: readonly string[]) {
    const size = Math.max(LEAST_BYTES, ...headers.map((header) => header.length))
    this.#presented = Buffer.alloc(size)
    this.#expected = headers.map((header) => {
      const bytes = Buffer.alloc(size)
      bytes.write(header, 'latin1')
      return { header, bytes }
    })
  }

  include(header: string | undefined): boolean {
    if (header === undefined || this.#expected.length === 0) return false
    const presented = this.#presented
    presented.fill(0, presented.write(header, 'latin1'))
    let found = false
    // No early exit, so that the duration does not reveal which secret matched.
    for (const expected of this.#expected) {
      // The texts are compared too, because a longer header, or one with characters outside Latin-1, may have the same
      // bytes.
      if (timingSafeEqual(presented, expected.bytes) && header === expected.header) found = true
    }
    return found
  }
}
