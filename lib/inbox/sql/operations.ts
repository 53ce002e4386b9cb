/** What an engine can be asked to do, each in one transaction. */
import type { ListOptions } from '../event-log'
import { accept, beginUpload, writePart, type AcceptRequest } from './accept'
import { giveUp, list, purge, replay, show, stats } from './people'
import {
  freeLost,
  register,
  remove,
  removeGone,
  renew,
  retire,
  unowned,
  wantedBy,
  type LostTakes,
  type Registration,
} from './processes'
import { prune, type KeepOptions } from './prune'
import { settle, type SettleRequest } from './settle'
import type { Tables } from './tables'
import { readPart, shortenWaits, take, type TakeRequest } from './take'

export const operations = {
  accept: (tables: Tables, request: AcceptRequest) => accept(tables, request),
  beginUpload: (tables: Tables) => beginUpload(tables),
  writePart: (tables: Tables, { event, part, data }: { event: number; part: number; data: Uint8Array }) =>
    writePart(tables, event, part, data),
  take: (tables: Tables, request: TakeRequest) => take(tables, request),
  readPart: (tables: Tables, { event, part }: { event: number; part: number }) => readPart(tables, event, part),
  settle: (tables: Tables, request: SettleRequest) => settle(tables, request),
  list: (tables: Tables, options: ListOptions) => list(tables, options),
  show: (tables: Tables, id: string) => show(tables, id),
  replay: (tables: Tables, id: string) => replay(tables, id),
  giveUp: (tables: Tables, { id, reason }: { id: string; reason: string }) => giveUp(tables, id, reason),
  purge: (tables: Tables, id: string) => purge(tables, id),
  stats: (tables: Tables) => stats(tables),
  register: (tables: Tables, registration: Registration) => register(tables, registration),
  renew: (tables: Tables, id: string) => renew(tables, id),
  retire: (tables: Tables, id: string) => retire(tables, id),
  remove: (tables: Tables, id: string) => remove(tables, id),
  removeGone: (tables: Tables, own: Parameters<typeof removeGone>[1]) => removeGone(tables, own),
  freeLost: (tables: Tables, lost: LostTakes) => freeLost(tables, lost),
  wanted: (tables: Tables, name: string) => wantedBy(tables, name),
  unowned: (tables: Tables, name: string) => unowned(tables, name),
  prune: (tables: Tables, options: KeepOptions) => prune(tables, options),
  shortenWaits: (tables: Tables, request: Parameters<typeof shortenWaits>[1]) => shortenWaits(tables, request),
}

/** These need no lock, so that they also work while another process holds one. */
export const READS: readonly string[] = ['readPart', 'list', 'show', 'stats', 'wanted', 'unowned']

export type Operation = keyof typeof operations
export type Argument<Name extends Operation> = Parameters<(typeof operations)[Name]>[1]
export type Result<Name extends Operation> = Awaited<ReturnType<(typeof operations)[Name]>>
