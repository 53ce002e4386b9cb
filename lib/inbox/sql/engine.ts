/** What the inbox needs of a database, and what a database tells the inbox. */
import type { TradecloudWebhookError } from '../../errors/errors'
import type { Argument, Operation, Result } from './operations'
import type { SettleRequest } from './settle'

/** A database of one kind. */
export interface Engine {
  /** Large bodies that are stored at the same time. */
  readonly uploads: number
  /** Rejects if the database can never be used. */
  open(transaction?: boolean): Promise<void>
  /** Runs one operation in a transaction. Rejects within 2.5 s if it cannot be run. */
  run<Name extends Operation>(name: Name, argument: Argument<Name>): Promise<Result<Name>>
  /** Runs `work` and the settlement in one transaction. Neither happens if it resolves with false or rejects. */
  settleWith?(request: SettleRequest, work: (client: unknown) => Promise<void>, limit?: TimeLimit): Promise<boolean>
  close(): Promise<void>
}

/** How long a callback may use a transaction. */
export interface TimeLimit {
  ms: number
  /** Throws the error that the transaction ends with. */
  exceeded: () => never
}

export interface EngineEvents {
  /** It was opened again: registrations of an earlier connection may be void. */
  reopened(): void
  /** Another process may have changed something. */
  changed(): void
  /** Something that a person should know. */
  alarm(error: TradecloudWebhookError): void
}
