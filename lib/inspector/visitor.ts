/** Determines who sent a request, and whether a page of this site sent it. */
import type { IncomingMessage } from 'node:http'
import { createAuthenticator } from '../receive/sender/authenticate'
import type { InspectorOptions } from './options'

/** Who sent a request: a person or a program. */
export interface Visitor {
  /** Name for the log. */
  name: string
}

export interface Doorkeeper {
  /** Resolves with `undefined` if access is denied. Rejects if this cannot be decided at the moment. */
  identify(req: IncomingMessage): Promise<Visitor | undefined>
  /** Value of `WWW-Authenticate`. */
  challenge: string
  close(): void
}

/** Throws `invalid_option` for unusable credentials. */
export function createDoorkeeper(auth: InspectorOptions['auth']): Doorkeeper {
  if (typeof auth !== 'function') {
    const authenticator = createAuthenticator(auth)
    const { challenge } = authenticator
    const identify = async (req: IncomingMessage) =>
      (await authenticator.check(req)) ? { name: nameIn(req) } : undefined
    return { identify, challenge, close: () => authenticator.close() }
  }
  // With an auth function, the challenge is the same as for a webhook.
  const { challenge } = createAuthenticator(() => false)
  return {
    async identify(req) {
      const verdict: unknown = await auth(req)
      if (verdict === true) return { name: nameIn(req) }
      const user = typeof verdict === 'object' && verdict !== null ? (verdict as { user?: unknown }).user : undefined
      return typeof user === 'string' && user !== '' ? { name: user } : undefined
    },
    challenge,
    close: () => undefined,
  }
}

/**
 * The user name in Basic credentials (RFC 7617), which is everything before the first colon. Without Basic credentials,
 * a description of the visitor.
 */
function nameIn({ headers: { authorization = '' } }: IncomingMessage): string {
  const [, basic] = /^basic +(\S+)$/i.exec(authorization) ?? []
  if (basic === undefined) return authorization === '' ? 'someone without a name' : 'the holder of a token'
  return Buffer.from(basic, 'base64').toString('utf8').split(':', 1)[0] ?? ''
}

/** True if the `Host` is allowed. An allowed name without a port matches every port. */
export function isAllowedHost({ headers: { host = '' } }: IncomingMessage, hosts: readonly string[]): boolean {
  const asked = host.toLowerCase()
  return hosts.length === 0 || hosts.includes(asked) || hosts.includes(asked.replace(/:\d+$/, ''))
}

/**
 * Whether a page of this site sent the request. Browsers send `Sec-Fetch-Site` only over https and to localhost. In
 * other cases, the `Origin` is compared with the `Host`. The referrer policy makes the origin of a form `null`, so the
 * script of the page submits forms with `fetch`.
 */
export function isFromThisSite({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  return new URL(origin).host === host.toLowerCase()
}
