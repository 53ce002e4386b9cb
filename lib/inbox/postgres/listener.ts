/**
 * Notifies other processes of stored events, and receives their notifications. Polling finds events whose notifications
 * were missed.
 */
import { pause } from '../../wait/pause'
import { PATIENCE_MS, within } from '../unavailable'
import { query, quoteName, type PostgresClient } from './client'
import type { Connections } from './connections'
import { startTimer, type Timer } from '../../wait/timers'

const NOTIFY_EVERY_MS = 50
const POLL_EVERY_MS = 1_000

export class Listener {
  readonly #connections: Connections
  readonly #channel: string
  readonly #changed: () => void
  readonly #closing = new AbortController()
  #client: PostgresClient | undefined
  #timer: Timer | undefined
  #sent: Promise<unknown> = Promise.resolve()

  constructor(connections: Connections, channel: string, changed: () => void) {
    this.#connections = connections
    this.#channel = channel
    this.#changed = changed
  }

  /** Listens and polls until it is closed. */
  async run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      if (!this.#client) await this.#listen().catch(() => undefined)
      await pause(POLL_EVERY_MS, signal)
      this.#changed()
    }
  }

  /**
   * The notification is sent as a separate statement after the commit: inside the transaction, NOTIFY would make all
   * commits wait for each other.
   */
  notify(): void {
    this.#timer ??= startTimer(() => {
      this.#timer = undefined
      const client = this.#client
      if (client) this.#send(client, 'NOTIFY').catch(() => undefined)
    }, NOTIFY_EVERY_MS)
  }

  close(): void {
    this.#closing.abort()
    clearTimeout(this.#timer)
    if (this.#client) this.#drop(this.#client)
  }

  /** Uses a connection of its own, so that no other work fails if a pooler such as PgBouncer closes it. */
  async #listen(): Promise<void> {
    const client = await this.#connections.connect()
    if (this.#closing.signal.aborted) return client.release(true)
    client.on('end', () => this.#drop(client))
    client.on('notification', () => this.#changed())
    this.#client = client
    await this.#send(client, 'LISTEN')
  }

  /** Sends one statement at a time, because `pg` warns about concurrent statements on one connection. */
  #send(client: PostgresClient, command: 'LISTEN' | 'NOTIFY'): Promise<unknown> {
    const send = () => within(PATIENCE_MS, query(client, `${command} ${quoteName(this.#channel)}`), 'no response')
    const sent = this.#sent.then(send)
    this.#sent = sent.catch(() => this.#drop(client))
    return sent
  }

  #drop(client: PostgresClient): void {
    if (this.#client !== client) return
    this.#client = undefined
    client.release(true)
  }
}
