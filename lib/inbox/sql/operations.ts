/** The operations of an engine, each in one transaction. */
import { accept, acceptStored, beginUpload, writePart } from './accept'
import { ageCallbacks } from './former-callbacks'
import { arrivals, newestArrival } from './catch-up/arrivals'
import { firstSeen, forgetAfter, forgetOld, position, savePosition } from './catch-up/cursors'
import { storeFoundEvent, waitingFound } from './catch-up/found'
import { acquire, release, renewCatchUp } from './catch-up/lease'
import { findRequest, reportRun, requestRun, runStatus, takeRequest, withdrawRequest } from './catch-up/requests'
import { recordsArrivals } from './catch-up/used'
import { hours } from './hours'
import { check, giveUp, list, purge, replay, show, stats } from './people'
import { register, remove, renew, retire, survey, tidy, untaken, wantedBy } from './processes'
import { prune } from './prune'
import { settle } from './settle'
import type { Tables } from './tables'
import { readPart, take } from './take'

export const operations = {
  ...{ accept, acceptStored, beginUpload, writePart, take, readPart, settle },
  ...{ list, show, replay, giveUp, purge, stats, hours, check },
  ...{ register, renew, retire, remove, survey, tidy, wantedBy, untaken, ageCallbacks, prune },
  ...{ acquire, renewCatchUp, release, recordsArrivals, position, savePosition, forgetOld, firstSeen, forgetAfter },
  ...{ arrivals, newestArrival, storeFoundEvent, waitingFound },
  ...{ requestRun, findRequest, takeRequest, reportRun, runStatus, withdrawRequest },
}

/** Read-only operations: they need no lock, so they work while another process holds one. */
export const READS: readonly string[] = [
  ...['readPart', 'list', 'show', 'stats', 'hours', 'survey', 'wantedBy', 'untaken'],
  ...['recordsArrivals', 'position', 'arrivals', 'newestArrival', 'waitingFound', 'findRequest', 'runStatus'],
]

/** These operations accept an event, or test whether one could be stored. They are refused if the inbox is full. */
export const STORES: readonly string[] = ['accept', 'acceptStored', 'storeFoundEvent', 'check']

/** These operations resolve only once everything that was committed before is on disk. */
export const DURABLE: readonly string[] = [...STORES, 'writePart', 'replay', 'giveUp', 'purge']

/**
 * These operations must not be repeated if their commit got no response: after a successful commit, the repetition
 * would have a further effect, or return a wrong result.
 */
export const ONCE: readonly string[] = ['take', 'giveUp', 'purge', 'requestRun', 'withdrawRequest']

export type Operation = keyof typeof operations
export type Argument<Name extends Operation> = Parameters<(typeof operations)[Name]>[1]
export type OperationResult<Name extends Operation> = Awaited<ReturnType<(typeof operations)[Name]>>

/** Runs one operation. Its types ensure that an engine passes only matching names and arguments. */
export function runOperation<Name extends Operation>(
  tables: Tables,
  name: Name,
  argument: Argument<Name>,
): Promise<OperationResult<Name>> {
  return (operations[name] as (tables: Tables, argument: Argument<Name>) => Promise<OperationResult<Name>>)(
    tables,
    argument,
  )
}
