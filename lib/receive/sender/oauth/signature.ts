/** Whether a token is signed with one of the keys at hand. jose has the last word on signature and claims. */
import type { JWTVerifyOptions, KeyLike } from 'jose'
import { sha256 } from '../../../bytes/sha256'
import type { Keys } from './key-set'
import { loadJose } from './load-jose'
import type { ResolvedOAuth } from './options'
import type { TokenHeader } from './token'

export type SignatureCheck =
  | 'signed'
  /** Newer keys would not help. */
  | 'refused'
  /** No key has that ID, or none is for that algorithm. */
  | 'unknown-key'
  | 'wrong-signature'
  /** The key is there, but cannot be read or is too weak: the key server's fault, not the sender's. */
  | 'unusable-key'

export async function judge(
  token: string,
  header: TokenHeader,
  keys: Keys,
  options: ResolvedOAuth,
): Promise<SignatureCheck> {
  const digest = sha256(token)
  // The caller has checked its times and all its other claims anew.
  if (keys.verified.has(digest)) return 'signed'
  const verdict = await verify(token, header, keys, {
    algorithms: options.algorithms,
    issuer: options.issuers,
    audience: options.audiences,
    clockTolerance: options.clockToleranceMs / 1000,
    requiredClaims: ['exp'],
  })
  if (verdict === 'signed') keys.verified.set(digest, true)
  return verdict
}

async function verify(
  token: string,
  header: TokenHeader,
  keys: Keys,
  options: JWTVerifyOptions,
): Promise<SignatureCheck> {
  const { errors, jwtVerify } = loadJose()
  let verdict: SignatureCheck = 'unknown-key'
  try {
    for await (const key of candidates(header, keys)) {
      try {
        await jwtVerify(token, key, options)
        return 'signed'
      } catch (error) {
        // Without a key ID several keys may fit, and the next one may be the right one.
        if (!(error instanceof errors.JOSEError)) verdict = 'unusable-key'
        else if (!(error instanceof errors.JWSSignatureVerificationFailed)) return 'refused'
        else if (verdict === 'unknown-key') verdict = 'wrong-signature'
      }
    }
    return verdict
  } catch {
    return 'unusable-key'
  }
}

/** Keys with that ID, or all keys for that algorithm where the token names none. */
async function* candidates(header: TokenHeader, keys: Keys): AsyncGenerator<KeyLike> {
  const { errors } = loadJose()
  try {
    yield await keys.find(header)
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) yield* error
    else if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
  }
}
