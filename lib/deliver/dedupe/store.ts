/** The interface of a dedupe store, in memory or shared between processes. */

export type ClaimResult =
  /** The caller has the claim until it completes or releases it, or until its lease expires. */
  | { status: 'claimed'; token: string }
  /** The key is claimed already: the same event is being processed, by this process or another one. */
  | { status: 'in_progress' }
  /** The key was completed and is still remembered. */
  | { status: 'completed' }

/**
 * Remembers which events are being processed and which were processed. Each method may be sync or async, and must be
 * atomic. A method that throws, or takes longer than two seconds, means that the store is unavailable: an event that
 * cannot be claimed is answered 503. If `claim` fails although the claim was stored, the event is blocked until the
 * lease expires, so the store should then release the claim if possible.
 */
export interface Store {
  /**
   * Claims `key`, unless it is claimed or completed already. `leaseMs` is how long the claim lasts unless it is
   * renewed.
   */
  claim(key: string, leaseMs: number): ClaimResult | Promise<ClaimResult>
  /** Extends a lease. False if the claim no longer belongs to the token. */
  renew(key: string, token: string, leaseMs: number): boolean | Promise<boolean>
  /** Records the event as processed, for `ttlMs`. False if the claim was lost. */
  complete(key: string, token: string, ttlMs: number): boolean | Promise<boolean>
  /**
   * Releases the claim, so that the event can be tried again. Has no effect if the claim does not belong to the token.
   */
  release(key: string, token: string): void | Promise<void>
}
