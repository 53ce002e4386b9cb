/** When an access token should be renewed, from its `exp` if it has one. */

/** For a token without `exp`: a minute less than the shortest documented lifetime, which is 10 minutes. */
const UNKNOWN_LIFETIME_MS = 9 * 60_000
const MAX_MARGIN_MS = 60_000

/**
 * Returns a time, in milliseconds since 1970. From this time on, a token that was received at `now` is renewed before
 * its next use. If the token says when it expires, the time is that moment minus a margin: one minute, or a fifth of
 * the token's validity if that is less.
 */
export function refreshTime(token: string, now: number): number {
  const endsAt = readExpiry(token)
  // A token that is already expired on arrival means that the local clock is wrong, so renewing it before each use
  // would not help.
  if (endsAt === undefined || endsAt <= now) return now + UNKNOWN_LIFETIME_MS
  return endsAt - Math.min(MAX_MARGIN_MS, (endsAt - now) / 5)
}

/** `exp` of a JWT, in milliseconds. Only the API verifies the signature. */
function readExpiry(token: string): number | undefined {
  const payload = token.split('.')[1]
  if (payload === undefined) return undefined
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { exp?: unknown } | null
    return typeof claims?.exp === 'number' ? claims.exp * 1000 : undefined
  } catch {
    return undefined
  }
}
