/**
 * Verifies the access tokens for one OAuth credential. If a token cannot be verified now, for example because its key
 * cannot be fetched, that is an error, not a refusal.
 */
import { debugReceive } from '../../../log/debug'
import { KEY_TIMES, KeySet, type KeyTimes } from './key-set'
import type { ResolvedOAuth } from './options'
import { judge } from './signature'
import { readToken, type TokenHeader } from './token'

/**
 * Whether a request has valid credentials. `unsure` means that one of three things is true: only an `AuthFunction` or
 * the key server can decide, `checkClaims` has thrown or rejected, or no credentials are needed (`auth: 'none'`).
 */
export type Recognition = 'yes' | 'no' | 'unsure'

export class OAuthVerifier {
  readonly #options: ResolvedOAuth
  readonly #keys: KeySet

  constructor(options: ResolvedOAuth, times: Partial<KeyTimes> = {}) {
    this.#options = options
    this.#keys = new KeySet({ ...KEY_TIMES, ...times, uri: options.jwksUri, httpsAgent: options.httpsAgent })
  }

  /**
   * True if the token is accepted. If this cannot be decided now, rejects with an error that contains no part of the
   * token. Also rejects if `checkClaims` throws or rejects.
   */
  async check(token: string): Promise<boolean> {
    const arrivedAt = performance.now()
    const reading = readToken(token, this.#options, Date.now())
    if (!reading.ok) return refuse(reading.problem)
    if (!(await this.#isSigned(token, reading.header, arrivedAt)))
      return refuse('its signature is wrong, or its key is not known')
    const { checkClaims } = this.#options
    if (checkClaims === undefined || (await checkClaims(reading.claims)) === true) return true
    return refuse('checkClaims did not return true')
  }

  /** Uses only the keys that were fetched before. Never rejects. */
  recognize(token: string): Recognition | Promise<Recognition> {
    const reading = readToken(token, this.#options, Date.now())
    if (!reading.ok) return 'no'
    const keys = this.#keys.kept
    if (keys === undefined) return 'unsure'
    const { checkClaims } = this.#options
    return judge(token, reading.header, keys, this.#options)
      .then(async (verdict): Promise<Recognition> => {
        if (verdict === 'unknown-key' || verdict === 'unusable-key') return 'unsure'
        if (verdict !== 'signed') return 'no'
        return checkClaims === undefined || (await checkClaims(reading.claims)) === true ? 'yes' : 'no'
      })
      .catch(() => 'unsure')
  }

  /**
   * Fetches the keys unless they are fresh. Rejects if no keys can be fetched and no earlier keys may still be used.
   */
  ready(): Promise<unknown> {
    return this.#keys.known()
  }

  close(): void {
    this.#keys.close()
  }

  async #isSigned(token: string, header: TokenHeader, arrivedAt: number): Promise<boolean> {
    let keys = await this.#keys.known()
    for (;;) {
      const verdict = await judge(token, header, keys, this.#options)
      if (verdict === 'signed') return true
      if (verdict === 'refused') return false
      // If the signature does not match, the issuer may have replaced the key and kept its ID. Soon after a fetch, this
      // is unlikely.
      if (verdict === 'wrong-signature' && this.#keys.isRecent(keys)) return false
      // Tradecloud gives up after a refusal. Therefore, in all other cases, a token is refused only if the keys were
      // fetched after the token arrived.
      if (keys.since >= arrivedAt) {
        if (verdict !== 'unusable-key') return false
        throw new Error('The key server has a key for the token, but it cannot be read or is too weak.')
      }
      keys = await this.#keys.lookAgain(keys)
    }
  }
}

function refuse(problem: string): false {
  debugReceive('oauth: a token was refused: %s', problem)
  return false
}
