/** What the tests and their processes say to each other. */
import type { Inbox, Wanted } from '../../lib/inbox/inbox'

export type EngineOptions = { type: 'sqlite'; file: string } | { type: 'postgres'; url: string; schema: string }

export interface MemberOptions {
  engine: EngineOptions
  ledger: string
  /** Callbacks take this long on average. */
  callbackMs: number
  /** Part of the calls that fail, 0 to 1. */
  failing: number
  /** 0: it only stores. */
  concurrency: number
  bodyBytes: number
  /** Default: 900,000. */
  maxDelayMs?: number
  /** Tells the process from others in the ledger where PIDs do not. Default: its PID. */
  name?: number
  /** What it has callbacks for. Default: orders. */
  wanted?: Wanted[]
}

/** An event to store. Without `kind` it belongs to an order. */
export interface Numbered {
  number: number
  entity: string
  kind?: 'order' | 'shipment' | undefined
}

/** `exhaust`: it opens files until it may not open more; `release` closes them. */
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
