/** The interface between the inbox and a database. */
import type { TradecloudWebhookError } from '../../errors/errors'
import type { Alarms } from './alarms'
import type { Argument, Operation, OperationResult } from './operations'
import type { ResolvedKeep } from './options'
import type { ProcessIdentity } from './process-identity'
import type { SettleRequest } from './settle'

/** Runs the operations of an inbox in one kind of database. */
export interface Engine {
  /** How many large bodies can be stored at the same time. */
  readonly uploads: number
  /** Rejects if the database cannot be used. */
  open(transaction?: boolean): Promise<void>
  /** Runs one operation in a transaction. Rejects within 2.5 s if it cannot be run. */
  run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<OperationResult<Name>>
  /**
   * Runs `work` and the settlement in one transaction. If `settleWith` resolves with false or rejects, neither was
   * committed. Exception: if the inbox is closed before the outcome of a commit is known, `settleWith` rejects,
   * although the transaction may have been committed.
   */
  settleWith?(request: SettleRequest, work: TransactionWork): Promise<boolean>
  close(): Promise<void>
}

/** The work of a callback with a client inside a transaction. */
export type TransactionWork = (client: unknown) => Promise<void>

export interface EngineEvents {
  /** Called after the database was reopened: registrations made on an earlier connection may be lost. */
  reopened(): void
  /** Called when another process may have changed something. */
  changed(): void
  alarm(error: TradecloudWebhookError): void
}

export interface SqlInboxOptions extends ResolvedKeep {
  /** Identifies this process. Set only if all processes that share the inbox run on one machine. */
  identity?: ProcessIdentity | undefined
}

/** Shared by all parts of one inbox. */
export interface InboxParts {
  options: SqlInboxOptions
  engine: Engine
  alarms: Alarms
  /** Aborted when the inbox is closed. */
  closing: AbortSignal
}
