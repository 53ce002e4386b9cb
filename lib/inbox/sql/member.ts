/** Registers this process among those that share the inbox, and renews its lease on the events that it has taken. */
import { persist } from '../../wait/back-off'
import type { InboxHost } from '../inbox'
import type { InboxParts } from './engine'
import { LEASE_MS, RENEW_EVERY_MS } from './processes'

export class Member {
  readonly host: InboxHost
  readonly #shared: InboxParts
  #owner: string | undefined
  #keeping: Promise<void> | undefined
  #renewedAt = -Infinity
  #isRetired = false

  constructor(host: InboxHost, shared: InboxParts) {
    this.host = host
    this.#shared = shared
  }

  /** The ID with which this process owns queues. `undefined` while it is not registered. */
  get owner(): string | undefined {
    return this.#owner
  }

  /** Resolves once other processes know the callbacks of this process, or when the inbox is closed. */
  async registered(): Promise<void> {
    // Failures are not reported here, because `keepLease` reports them.
    await persist(
      this.#shared.closing,
      () => this.takingOwner(),
      () => undefined,
    )
  }

  /** The ID for taking events now; `undefined` after `retire`. */
  async takingOwner(): Promise<string | undefined> {
    if (this.#isRetired) return undefined
    // After an outage, the next renewal may be seconds away, so the lease is renewed now.
    const isFresh = performance.now() - this.#renewedAt <= RENEW_EVERY_MS
    if (this.#owner === undefined || !isFresh) await this.#keep()
    return this.#owner
  }

  /** True while no other process can have taken over the events of this owner. */
  owns(owner: string): boolean {
    return this.#owner === owner && performance.now() - this.#renewedAt < LEASE_MS - RENEW_EVERY_MS
  }

  /** Renews the lease until the inbox is closed, also during callbacks. Without a lease no event is delivered. */
  async keepLease(): Promise<void> {
    await this.#shared.alarms.repeat('lease', RENEW_EVERY_MS, () => this.#keep())
  }

  /** Called when the database may have been replaced by another one: drops the registration. */
  forget(): void {
    this.#owner = undefined
  }

  /** Takes no more events, but still owns the events that it has taken. */
  retire(): void {
    this.#isRetired = true
    if (this.#owner !== undefined) void this.#shared.engine.run('retire', this.#owner).catch(() => undefined)
  }

  async remove(): Promise<void> {
    await this.#keeping?.catch(() => undefined)
    if (this.#owner !== undefined) await this.#shared.engine.run('remove', this.#owner).catch(() => undefined)
  }

  /** Registers this process, or renews its lease. */
  #keep(): Promise<void> {
    this.#keeping ??= this.#keepNow().finally(() => (this.#keeping = undefined))
    return this.#keeping
  }

  async #keepNow(): Promise<void> {
    const at = performance.now()
    const owner = this.#owner
    if (owner === undefined) {
      const { name, wanted, catchUp } = this.host
      const { identity } = this.#shared.options
      this.#owner = await this.#shared.engine.run('register', { name, wanted, catchUp, identity })
    } else if (!(await this.#shared.engine.run('renew', owner))) {
      if (this.#owner !== owner) return
      this.#owner = undefined
      this.host.leaseLost()
      return this.#keepNow()
    }
    this.#renewedAt = at
  }
}
