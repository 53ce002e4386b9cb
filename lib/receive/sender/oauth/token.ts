/**
 * Checks the claims of a token before its signature: a token that would be refused anyway must neither cost much CPU
 * nor cause a request to the key server.
 */
import type { JWSHeaderParameters } from 'jose'
import { isObject } from '../../../events/entity'
import { parseJson } from '../../../bytes/json'
import type { OAuthClaims, ResolvedOAuth } from './options'

/** The header fields that select the key. */
export interface TokenHeader extends JWSHeaderParameters {
  alg: string
}

/** `problem` contains no part of the token. */
export type TokenReading = { ok: true; header: TokenHeader; claims: OAuthClaims } | { ok: false; problem: string }

/** Node's default limit for all headers together. */
const MAX_TOKEN_LENGTH = 16_384
const COMPACT_JWS = /^([\w-]+)\.([\w-]+)\.[\w-]+$/
/**
 * Header fields that are refused. With the first four, a token supplies its own key or the URL of its key; `crit`
 * requires extensions that are not supported.
 */
const REFUSED_PARAMETERS = ['jku', 'x5u', 'jwk', 'x5c', 'crit']

/** `now` is the time in milliseconds since 1970. */
export function readToken(token: string, options: ResolvedOAuth, now: number): TokenReading {
  if (token.length > MAX_TOKEN_LENGTH) return { ok: false, problem: 'it is too long' }
  const [, first, second] = COMPACT_JWS.exec(token) ?? []
  const header = decodePart(first)
  const claims = decodePart(second)
  if (header === undefined || claims === undefined) return { ok: false, problem: 'it is not a signed JWT' }
  const { alg, kid, ...others } = header
  if (typeof alg !== 'string' || !options.algorithms.includes(alg)) return { ok: false, problem: 'alg is not allowed' }
  if (kid !== undefined && typeof kid !== 'string') return { ok: false, problem: 'kid is not a string' }
  const refused = REFUSED_PARAMETERS.find((name) => Object.hasOwn(others, name))
  if (refused !== undefined) return { ok: false, problem: `${refused} is not allowed` }
  const problem = claimsProblem(claims, options, now)
  return problem === undefined ? { ok: true, header: { alg, kid }, claims } : { ok: false, problem }
}

function decodePart(part: string | undefined): Record<string, unknown> | undefined {
  if (part === undefined) return undefined
  const json = parseJson(Buffer.from(part, 'base64url'))
  return json.ok && isObject(json.value) ? json.value : undefined
}

function claimsProblem(claims: OAuthClaims, options: ResolvedOAuth, now: number): string | undefined {
  const { iss, aud, exp, nbf, azp, appid, roles } = claims
  const { issuers, audiences, clientIds, clockToleranceMs } = options
  if (!includes(issuers, iss)) return 'iss does not match'
  if (!listed(aud).some((one) => includes(audiences, one))) return 'aud does not match'
  // The time is rounded down to whole seconds, because the claims are in seconds and jose rounds in the same way.
  const seconds = Math.floor(now / 1000)
  if (typeof exp !== 'number' || exp <= seconds - clockToleranceMs / 1000) return 'exp has passed or is missing'
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= seconds + clockToleranceMs / 1000))
    return 'nbf is in the future'
  if (clientIds !== undefined) {
    // A token of version 2.0 has azp, of version 1.0 appid. If a token has both, both must match.
    const clients = [azp, appid].filter((client) => client !== undefined)
    if (clients.length === 0 || !clients.every((client) => includes(clientIds, client)))
      return 'azp or appid is missing or not in clientIds'
  }
  const given = listed(roles)
  if (!options.roles.every((role) => given.includes(role))) return 'a role is missing'
  return undefined
}

function includes(allowed: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && allowed.includes(value)
}

/** Turns a claim that is one text or a list, such as `aud` and `roles`, into a list. */
function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value]
}
