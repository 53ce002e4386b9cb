/** The store that dedupe keeps its keys in: what a store must do, for the one in memory and for shared ones. */

export type ClaimResult =
  /** The key is the caller's until it completes or releases it, or its lease runs out. */
  | { status: 'claimed'; token: string }
  /** Somebody holds the key right now. */
  | { status: 'in_progress' }
  /** The key was completed and is still remembered. */
  | { status: 'completed' }

/**
 * Keeps which events are being processed and which were. Every method may be sync or async; each must be atomic. A
 * method that throws, or takes longer than two seconds, counts as "the store is away": the event is answered 503. A claim
 * that is made all the same, after its call has failed, is nobody's until its lease runs out: give it back, if you can.
 */
export interface Store {
  /** Takes `key`, unless it is held or completed. `leaseMs`: how long the claim lasts unless it is renewed. */
  claim(key: string, leaseMs: number): ClaimResult | Promise<ClaimResult>
  /** Lengthens a lease. False when the claim is not the token's any more. */
  renew(key: string, token: string, leaseMs: number): boolean | Promise<boolean>
  /** Notes that the event was processed and remembers that for `ttlMs`. False when the claim was lost. */
  complete(key: string, token: string, ttlMs: number): boolean | Promise<boolean>
  /** Gives the key back, so that the event can be tried again. A token that does not hold it changes nothing. */
  release(key: string, token: string): void | Promise<void>
}
