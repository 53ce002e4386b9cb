/** The options of an OAuth credential: what users may set, their defaults, and the checks. */
import { Agent } from 'node:https'
import { checkFunction, checkKeys, checkSecret, checkWholeNumber, show } from '../../../errors/checks'
import { invalidOption } from '../../../errors/errors'
import { isSecure } from '../../../net/loopback'

/** The claims of an access token with a valid signature, as its issuer wrote them. */
export type OAuthClaims = Readonly<Record<string, unknown>>

/** A signature algorithm of an access token. */
export type OAuthAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512'

/**
 * OAuth 2.0 client credentials (RFC 6749, section 4.4): Tradecloud gets an access token from Microsoft (Entra ID, ADFS,
 * Azure AD B2C) and sends it as a bearer token. Set `tenantId` for Entra ID, or `issuer` and `jwksUri` for the others.
 *
 * Keys are fetched when the first token arrives and kept for 10 minutes, or for 24 hours while the key server cannot be
 * reached. If the key of a token cannot be looked up, the response is 503, so that nothing is lost.
 */
export interface OAuthCredential {
  type: 'oauth'
  /**
   * The audience: the token's `aud` must contain one of these values, compared exactly. Microsoft's Entra ID sets `aud`
   * to the client ID of your app registration in tokens of version 2.0, and to the application ID URI of this
   * registration in tokens of version 1.0. Throws if it is missing. Required.
   */
  audience: string | readonly string[] | undefined
  /**
   * ID of the Entra ID tenant, a GUID. The issuers are then `https://login.microsoftonline.com/{tenantId}/v2.0` and
   * `https://sts.windows.net/{tenantId}/`. Required without `issuer` and `jwksUri`. Default: none.
   */
  tenantId?: string | undefined
  /** The issuers: the token's `iss` must equal one of these. Cannot be combined with `tenantId`. Default: none. */
  issuer?: string | readonly string[] | undefined
  /**
   * URL of the issuer's JSON Web Key Set: `https`, or `http` to this machine (`localhost`, `127.0.0.0/8`, `[::1]`).
   * Redirects are not followed. Required without `tenantId`. Default: with `tenantId`,
   * `https://login.microsoftonline.com/{tenantId}/discovery/v2.0/keys`.
   */
  jwksUri?: string | undefined
  /**
   * The applications that are accepted: the token's `azp` (version 2.0) or `appid` (version 1.0) must be one of these.
   * Entra ID issues tokens for your app to any application of the tenant, so set this or `roles`. Default: any
   * application.
   */
  clientIds?: readonly string[] | undefined
  /** Roles that the token must have: all of these must be in its `roles`. Default: none. */
  roles?: readonly string[] | undefined
  /** The signature algorithms that are accepted: RS, PS or ES with 256, 384 or 512. Default: `['RS256']`. */
  algorithms?: readonly OAuthAlgorithm[] | undefined
  /** Tolerated clock difference when `exp` and `nbf` are checked, in milliseconds: 0 to 300,000. Default: 60,000. */
  clockToleranceMs?: number | undefined
  /**
   * A final check of the claims: only `true` accepts the request. If it throws or rejects, the response is 503, so that
   * no event is lost. Default: none.
   */
  checkClaims?: ((claims: OAuthClaims) => boolean | Promise<boolean>) | undefined
  /**
   * Settings of the connection to the key server, such as a private certificate authority or a proxy. Default: none.
   */
  httpsAgent?: Agent | undefined
}

export interface ResolvedOAuth {
  issuers: string[]
  jwksUri: URL
  audiences: string[]
  clientIds: string[] | undefined
  roles: string[]
  algorithms: string[]
  clockToleranceMs: number
  checkClaims: ((claims: OAuthClaims) => unknown) | undefined
  httpsAgent: Agent | undefined
}

/** Only asymmetric algorithms: with HS256, the public key could be used as the secret. */
const ALGORITHMS: readonly OAuthAlgorithm[] = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const),
]
const MAX_CLOCK_TOLERANCE_MS = 300_000
const KNOWN = [
  ...['audience', 'tenantId', 'issuer', 'jwksUri', 'clientIds', 'roles', 'algorithms'],
  ...['clockToleranceMs', 'checkClaims', 'httpsAgent'],
]
const GUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const MICROSOFT = 'https://login.microsoftonline.com'

/** `option` is the name of the entry in errors, such as `auth[1]`. `entry` is the entry without its type. */
export function resolveOAuth(option: string, entry: Readonly<Record<string, unknown>>): ResolvedOAuth {
  const { audience, tenantId, issuer, jwksUri, clientIds, roles, algorithms, ...others } = entry
  const { clockToleranceMs = 60_000, checkClaims, httpsAgent } = others
  checkKeys(option, entry, KNOWN)
  checkFunction(`${option}.checkClaims`, checkClaims)
  if (httpsAgent !== undefined && !(httpsAgent instanceof Agent))
    throw invalidOption(`${option}.httpsAgent`, 'is not an agent of node:https')
  return {
    ...resolveIssuer(option, tenantId, issuer, jwksUri),
    audiences: textsOf(`${option}.audience`, audience).map((text) => checkAudience(`${option}.audience`, text)),
    clientIds: clientIds === undefined ? undefined : listOf(`${option}.clientIds`, clientIds),
    roles: roles === undefined ? [] : listOf(`${option}.roles`, roles),
    algorithms:
      algorithms === undefined
        ? ['RS256']
        : listOf(`${option}.algorithms`, algorithms).map((name) => checkAlgorithm(`${option}.algorithms`, name)),
    clockToleranceMs: checkWholeNumber(`${option}.clockToleranceMs`, clockToleranceMs, 0, MAX_CLOCK_TOLERANCE_MS),
    checkClaims: checkClaims as ResolvedOAuth['checkClaims'],
    httpsAgent,
  }
}

function resolveIssuer(
  option: string,
  tenantId: unknown,
  issuer: unknown,
  jwksUri: unknown,
): Pick<ResolvedOAuth, 'issuers' | 'jwksUri'> {
  if (tenantId === undefined) {
    if (issuer === undefined && jwksUri === undefined) {
      const instead = 'set it for Entra ID, or `issuer` and `jwksUri` for other servers'
      throw invalidOption(`${option}.tenantId`, `is missing; is its environment variable set? Or ${instead}`)
    }
    return {
      issuers: textsOf(`${option}.issuer`, issuer),
      jwksUri: checkJwksUri(`${option}.jwksUri`, jwksUri),
    }
  }
  if (issuer !== undefined)
    throw invalidOption(`${option}.issuer`, 'cannot be combined with `tenantId`, which determines the issuer')
  const text = checkSecret(`${option}.tenantId`, tenantId)
  if (!GUID.test(text)) {
    // Microsoft's URLs also accept a domain, 'common' or 'organizations', but the issuer in a token contains the GUID.
    const expected = "it must be the tenant's ID, a GUID such as 00000000-0000-0000-0000-000000000000"
    throw invalidOption(`${option}.tenantId`, `is ${show(text)}; ${expected}`)
  }
  const id = text.toLowerCase()
  return {
    issuers: [`${MICROSOFT}/${id}/v2.0`, `https://sts.windows.net/${id}/`],
    // Apps with their own signing keys set `tenantId` and `jwksUri`, because the URL of these keys has `?appid=…`.
    jwksUri: checkJwksUri(`${option}.jwksUri`, jwksUri ?? `${MICROSOFT}/${id}/discovery/v2.0/keys`),
  }
}

/** The error never quotes the value, which may be a password that was passed by mistake. */
function checkJwksUri(option: string, value: unknown): URL {
  const text = checkSecret(option, value)
  if (!URL.canParse(text))
    throw invalidOption(option, 'is not a URL; expected one such as https://adfs.example.com/adfs/discovery/keys')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw invalidOption(option, 'contains a user name or a password')
  if (!isSecure(url))
    throw invalidOption(option, 'must be https (http only to this machine): over http, anyone could replace the keys')
  url.hash = ''
  return url
}

function checkAudience(option: string, text: string): string {
  if (!text.endsWith('/.default')) return text
  throw invalidOption(
    option,
    'ends with /.default, which belongs to the scope: the audience in a token does not have it',
  )
}

function checkAlgorithm(option: string, name: string): string {
  if ((ALGORITHMS as readonly string[]).includes(name)) return name
  throw invalidOption(option, `contains ${show(name)}; allowed: ${ALGORITHMS.join(', ')}`)
}

function textsOf(option: string, value: unknown): string[] {
  return Array.isArray(value) ? listOf(option, value) : [checkSecret(option, value)]
}

function listOf(option: string, value: unknown): string[] {
  if (!Array.isArray(value)) throw invalidOption(option, `is ${show(value)}, not a list`)
  if (value.length === 0) throw invalidOption(option, 'is an empty list')
  return value.map((entry, i) => checkSecret(`${option}[${i}]`, entry))
}
