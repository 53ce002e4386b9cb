/** What an engine can be asked to do, each in one transaction. */
import { accept, beginUpload, writePart } from './accept'
import { ageCallbacks } from './former-callbacks'
import { check, giveUp, list, purge, replay, show, stats } from './people'
import { register, remove, renew, retire, survey, tidy, untaken, wantedBy } from './processes'
import { prune } from './prune'
import { settle } from './settle'
import type { Tables } from './tables'
import { readPart, take } from './take'

export const operations = {
  ...{ accept, beginUpload, writePart, take, readPart, settle },
  ...{ list, show, replay, giveUp, purge, stats, check },
  ...{ register, renew, retire, remove, survey, tidy, wantedBy, untaken, ageCallbacks, prune },
}

/** These need no lock, so that they also work while another process holds one. */
export const READS: readonly string[] = ['readPart', 'list', 'show', 'stats', 'survey', 'wantedBy', 'untaken']

/** These resolve only once everything that was committed so far survives a crash. */
export const DURABLE: readonly string[] = ['accept', 'writePart', 'replay', 'giveUp', 'purge', 'check']

export type Operation = keyof typeof operations
export type Argument<Name extends Operation> = Parameters<(typeof operations)[Name]>[1]
export type Result<Name extends Operation> = Awaited<ReturnType<(typeof operations)[Name]>>

/** For an engine, which gets names and arguments that belong together. */
export function runOperation<Name extends Operation>(
  tables: Tables,
  name: Name,
  argument: Argument<Name>,
): Promise<Result<Name>> {
  return (operations[name] as (tables: Tables, argument: Argument<Name>) => Promise<Result<Name>>)(tables, argument)
}
