/** The messages between the tests and their processes. */
import type { Inbox, Wanted } from '../../lib/inbox/inbox'

export type EngineOptions = { type: 'sqlite'; file: string } | { type: 'postgres'; url: string; schema: string }

export interface MemberOptions {
  engine: EngineOptions
  ledger: string
  /** Average duration of a callback. */
  callbackMs: number
  /** Share of failing calls, from 0 to 1. */
  failing: number
  /** Number of concurrent callbacks. 0: the process only stores events. */
  concurrency: number
  bodyBytes: number
  /** Longest delay of a retry, in milliseconds. Default: 900,000. */
  maxDelayMs?: number
  /** Name of the process in the ledger, for processes whose PIDs are not unique. Default: its PID. */
  name?: number
  /** Kinds of events for which the process has a callback. Default: orders. */
  wanted?: Wanted[]
}

/** An event to store. Without `kind` it belongs to an order. */
export interface Numbered {
  number: number
  entity: string
  kind?: 'order' | 'shipment' | undefined
}

/** `exhaust`: opens files up to the limit of the process; `release` closes them. */
export type Order = Numbered | 'end' | 'exit' | 'exhaust' | 'release'

export type Report =
  | { ready: true }
  | { accepted: number; result: string }
  | { refused: number; error: string }
  | { ignored: true }
  | { leaseLost: true }
  | { alarm: string }
  | { exhausted: true }

export function openInbox(engine: EngineOptions): Inbox {
  if (engine.type === 'sqlite') {
    const { sqliteInbox } = require('../../lib/inbox/sqlite') as typeof import('../../lib/inbox/sqlite')
    return sqliteInbox({ file: engine.file })
  }
  const { postgresInbox } = require('../../lib/inbox/postgres') as typeof import('../../lib/inbox/postgres')
  return postgresInbox({ connectionString: engine.url, schema: engine.schema })
}
