/**
 * One open database for many inboxes: each test history has an inbox of its own, and no history waits until a file or
 * connection is opened.
 */
import type { Inbox } from '../../lib/inbox/inbox'
import type { Engine, EngineEvents } from '../../lib/inbox/sql/engine'
import { resolveKeep } from '../../lib/inbox/sql/options'
import { SqlInbox } from '../../lib/inbox/sql/sql-inbox'

export class SharedEngine {
  readonly #engine: Engine
  readonly #users = new Set<EngineEvents>()

  constructor(createEngine: (events: EngineEvents) => Engine) {
    this.#engine = createEngine({
      reopened: () => this.#users.forEach((events) => events.reopened()),
      // Not needed: `changed` means that another process has stored an event, and here there is only one process.
      changed: () => undefined,
      alarm: (error) => this.#users.forEach((events) => events.alarm(error)),
    })
  }

  open(): Promise<void> {
    return this.#engine.open()
  }

  /** Creates an inbox whose `close()` leaves the database open for the other inboxes. */
  inbox(): Inbox {
    const engine = this.#engine
    return new SqlInbox(resolveKeep({}), (events) => {
      this.#users.add(events)
      return {
        uploads: engine.uploads,
        open: (transaction) => engine.open(transaction),
        run: (name, argument) => engine.run(name, argument),
        close: async () => void this.#users.delete(events),
      }
    })
  }

  close(): Promise<void> {
    return this.#engine.close()
  }
}
