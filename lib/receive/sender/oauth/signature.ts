/** Checks whether one of the fetched keys has signed a token. jose verifies the signature and the claims. */
import type { JWTVerifyOptions, KeyLike } from 'jose'
import { sha256 } from '../../../bytes/digest'
import type { Keys } from './key-set'
import { loadJose } from './load-jose'
import type { ResolvedOAuth } from './options'
import type { TokenHeader } from './token'

export type SignatureCheck =
  | 'signed'
  /** The token is refused, and other keys would not change that. */
  | 'refused'
  /** No key fits the key ID and the algorithm of the token. */
  | 'unknown-key'
  | 'wrong-signature'
  /** The key exists but is invalid or too weak: an error of the key server, not of the sender. */
  | 'unusable-key'

export async function judge(
  token: string,
  header: TokenHeader,
  keys: Keys,
  options: ResolvedOAuth,
): Promise<SignatureCheck> {
  const digest = sha256(token)
  // The signature was verified earlier, and the caller has checked the times and all other claims again.
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
        // If the token has no key ID, several keys may match: try the next one.
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

/** The keys for the algorithm of the token; if the token has a key ID, only those with that ID. */
async function* candidates(header: TokenHeader, keys: Keys): AsyncGenerator<KeyLike> {
  const { errors } = loadJose()
  try {
    yield await keys.find(header)
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) yield* error
    else if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
  }
}
