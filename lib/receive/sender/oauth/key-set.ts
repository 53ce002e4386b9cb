/**
 * The keys at one URL. They are fetched again when they are no longer fresh. A token that matches no key also causes a
 * fetch, but not often, because anyone can send such tokens. If a key cannot be looked up, that is an error, never a
 * refusal.
 */
import type { JWK, KeyLike } from 'jose'
import { debugReceive } from '../../../log/debug'
import { BoundedMap } from '../../../bytes/bounded-map'
import { fetchKeys } from './fetch-keys'
import { loadJose } from './load-jose'
import type { TokenHeader } from './token'

/** Times in milliseconds. */
export interface KeyTimes {
  /**
   * How long keys are used without fetching them again. A key that the issuer has withdrawn may stay valid for this
   * long.
   */
  freshMs: number
  /** How long keys are used while the key server cannot be reached. */
  staleMs: number
  /** The minimum time between two fetches for a missing key. */
  pauseMs: number
  /** How long no other fetch is started after a failure. */
  retryMs: number
  /** Time limit of a whole fetch. */
  timeoutMs: number
  /** Each time that this interval passes without a response, another request is sent in parallel. */
  againMs: number
}

export const KEY_TIMES: KeyTimes = {
  freshMs: 600_000,
  staleMs: 86_400_000,
  pauseMs: 10_000,
  // `retryMs` and `againMs` are below one second, so that keys are available within a second after an outage.
  retryMs: 500,
  timeoutMs: 5_000,
  againMs: 750,
}

/** The result of one fetch. */
export interface Keys {
  /** When the fetch began, on the clock of `performance.now()`. */
  since: number
  /** Rejects if no key matches, if several match, or if the matching one cannot be read. */
  find: (header: TokenHeader) => Promise<KeyLike>
  /** Digests of tokens whose signatures were verified with these keys. */
  verified: BoundedMap<true>
}

/**
 * Maximum number of verified tokens that are remembered. Tradecloud sends the same token for about an hour, and
 * verifying a signature is the slowest part of the check.
 */
const MAX_VERIFIED = 1_000

export interface KeySetOptions extends KeyTimes {
  uri: URL
  httpsAgent?: Parameters<typeof fetchKeys>[0]['httpsAgent']
}

export class KeySet {
  readonly #options: KeySetOptions
  readonly #closing = new AbortController()
  #keys: Keys | undefined
  #fetching: Promise<Keys> | undefined
  #failure: { error: unknown; until: number } | undefined
  /** The earliest time of the next fetch for a missing key. */
  #quietUntil = -Infinity

  constructor(options: KeySetOptions) {
    this.#options = options
  }

  /** The keys that were fetched before, if they may still be used. */
  get kept(): Keys | undefined {
    const keys = this.#keys
    return keys !== undefined && performance.now() - keys.since < this.#options.staleMs ? keys : undefined
  }

  /** The keys to try first. Rejects if no keys can be fetched and no earlier keys may still be used. */
  async known(): Promise<Keys> {
    const keys = this.#keys
    const age = keys === undefined ? Infinity : performance.now() - keys.since
    if (keys !== undefined && age < this.#options.freshMs) return keys
    // Once a fetch has failed, requests get the old keys at once, and do not wait for the next fetch.
    const failing = this.#failure !== undefined
    const fetching = this.#fetch()
    if (keys === undefined || age >= this.#options.staleMs) return fetching
    const kept = fetching.catch(() => keys)
    return failing ? keys : kept
  }

  /** True if the keys were fetched so recently that a token with a wrong signature is refused without another fetch. */
  isRecent({ since }: Keys): boolean {
    return performance.now() - since < this.#options.pauseMs
  }

  /** Returns keys other than those that were tried. Rejects if they cannot be fetched now. */
  async lookAgain(tried: Keys): Promise<Keys> {
    if (this.#keys !== undefined && this.#keys !== tried) return this.#keys
    if (performance.now() < this.#quietUntil)
      throw new Error('The key of the token is not known, and the keys were looked up a moment ago.')
    const keys = await this.#fetch()
    this.#quietUntil = keys.since + this.#options.pauseMs
    return keys
  }

  /** Aborts the current fetch, and starts no other. */
  close(): void {
    this.#closing.abort()
  }

  #fetch(): Promise<Keys> {
    this.#fetching ??= this.#load().finally(() => (this.#fetching = undefined))
    return this.#fetching
  }

  async #load(): Promise<Keys> {
    const since = performance.now()
    if (this.#closing.signal.aborted) throw new Error('The receiver is shutting down: no keys are fetched.')
    if (this.#failure !== undefined && since < this.#failure.until) throw this.#failure.error
    try {
      this.#keys = keysOf(await fetchKeys(this.#options, this.#closing.signal), since)
      this.#failure = undefined
      debugReceive('oauth: fetched keys after %d ms', Math.round(performance.now() - since))
      return this.#keys
    } catch (error) {
      this.#failure = { error, until: performance.now() + this.#options.retryMs }
      debugReceive('oauth: %s', (error as Error).message)
      throw error
    }
  }
}

function keysOf(keys: JWK[], since: number): Keys {
  return { since, find: loadJose().createLocalJWKSet({ keys }), verified: new BoundedMap(MAX_VERIFIED) }
}
