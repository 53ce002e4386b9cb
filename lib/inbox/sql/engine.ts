/** The interface between the inbox and a database. */
import type { TradecloudWebhookError } from '../../errors/errors'
import type { Alarms } from './alarms'
import type { Argument, Operation, Result } from './operations'
import type { ResolvedKeep } from './options'
import type { ProcessIdentity } from './process-identity'
import type { SettleRequest } from './settle'

/** One kind of database. */
export interface Engine {
  /** The number of large bodies stored at the same time. */
  readonly uploads: number
  /** Rejects if the database can never be used. */
  open(transaction?: boolean): Promise<void>
  /** Runs one operation in a transaction. Rejects within 2.5 s if it cannot be run. */
  run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<Result<Name>>
  /** Runs `work` and the settlement in one transaction. Neither happens if it resolves with false or rejects. */
  settleWith?(request: SettleRequest, work: Work): Promise<boolean>
  close(): Promise<void>
}

/** What a callback does with a client in a transaction. */
export type Work = (client: unknown) => Promise<void>

export interface EngineEvents {
  /** The database was reopened: registrations of an earlier connection may be void. */
  reopened(): void
  /** Another process may have changed something. */
  changed(): void
  /** An alarm for operators. */
  alarm(error: TradecloudWebhookError): void
}

export interface SqlInboxOptions extends ResolvedKeep {
  /** Identifies this process, if all processes that share the inbox are on one machine. */
  identity?: ProcessIdentity | undefined
}

/** What the parts of one inbox work with. */
export interface Shared {
  options: SqlInboxOptions
  engine: Engine
  alarms: Alarms
  /** Aborted when the inbox is closed. */
  closing: AbortSignal
}
