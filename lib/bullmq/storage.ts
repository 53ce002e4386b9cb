/**
 * The scripts as functions: what goes into Redis and what comes out, typed. Knows no turn, no timer and no job.
 */
import type { Redis } from 'ioredis'
import type { Connections } from './connections'
import { unavailable } from '../inbox/unavailable'
import type { Accepted, InboxEntry, InboxState, InboxStats, Settlement, StoredEvent } from '../inbox/inbox'

/** `wake`: the line to wake. */
export interface Stored {
  accepted: Accepted
  wake?: string | undefined
}

export type Begun =
  | { kind: 'busy' | 'empty' }
  /** The head of the line is due in `dueInMs`. */
  | { kind: 'later'; dueInMs: number }
  /** Not begun: its body is larger than asked for. The lease is taken. */
  | { kind: 'large'; bytes: number }
  | { kind: 'event'; event: StoredEvent; bytes: Buffer; attempt: number; firstAttemptAt: Date; replay: boolean }

/** One turn of a line; `run` names the delivery of one event in it. */
export interface Hold {
  line: string
  token: string
  run: string
}

export interface StorageLimits {
  leaseMs: number
  dedupeTtlMs: number
  maxBytes: number
  maxQuarantineBytes: number
}

/** A trigger with an ID is never a duplicate: its key is kept only so that settling may be tried again. */
const REMEMBER_TRIGGER_MS = 60_000

type Reply = (Buffer | number)[]

export class Storage {
  readonly #connections: Connections
  readonly #redis: Redis
  readonly #limits: StorageLimits

  constructor(connections: Connections, redis: Redis, limits: StorageLimits) {
    this.#connections = connections
    this.#redis = redis
    this.#limits = limits
  }

  /** `redis`: the connection to use, as WAITAOF must follow on the same one. */
  async accept(redis: Redis, event: StoredEvent, bytes: Buffer): Promise<Stored> {
    const { maxBytes, maxQuarantineBytes } = this.#limits
    const { quarantine } = event
    const line = lineOf(event)
    const header = Buffer.from(JSON.stringify(event))
    const [outcome, wake] = (await this.#connections.run(
      redis,
      'accept',
      event.id,
      event.key,
      header,
      bytes,
      line,
      quarantine ? quarantine.reason || quarantine.code || 'quarantined' : '',
      event.trigger === 'id' && event.entity && !quarantine ? '1' : '',
      header.length + bytes.length,
      quarantine ? maxQuarantineBytes : maxBytes,
      Date.parse(event.receivedAt),
    )) as [Buffer, number]
    const accepted = outcome.toString()
    if (accepted === 'full') {
      const [what, option] = quarantine ? ['quarantine', 'maxQuarantineBytes'] : ['inbox', 'maxBytes']
      throw unavailable(`The ${what} is full: \`${option}\` is reached. Deliver, replay or purge what is in it.`)
    }
    if (accepted === 'taken') throw unavailable(`The inbox holds another event with the ID ${event.id}.`)
    return { accepted: accepted as Accepted, wake: wake === 1 ? line : undefined }
  }

  /** `most`: bytes of the body. */
  async begin({ line, token, run }: Hold, most: number): Promise<Begun> {
    const reply = (await this.#run('begin', line, token, run, this.#limits.leaseMs, most)) as Reply
    const kind = text(reply[0]) as Begun['kind']
    if (kind === 'later') return { kind, dueInMs: Number(reply[1]) }
    if (kind === 'large') return { kind, bytes: Number(reply[1]) }
    if (kind !== 'event') return { kind }
    return {
      kind,
      event: parse(reply[2]),
      bytes: reply[3] as Buffer,
      attempt: Number(text(reply[4])),
      firstAttemptAt: new Date(Number(text(reply[5]))),
      replay: text(reply[6]) === '1',
    }
  }

  /** False when the run is not the event's any more. */
  async settle(run: string, { id, key, trigger }: StoredEvent, settlement: Settlement): Promise<boolean> {
    const { result } = settlement
    const reason = 'reason' in settlement ? settlement.reason : ''
    const delayMs = 'delayMs' in settlement ? Math.max(0, Math.ceil(settlement.delayMs)) : 0
    const rememberMs = trigger === 'id' ? REMEMBER_TRIGGER_MS : this.#limits.dedupeTtlMs
    return (await this.#run('settle', id, key, run, result, reason, delayMs, rememberMs)) === 1
  }

  /** False when the lease is lost. `id`: of the event that runs. */
  async renew({ line, token, run }: Hold, id: string): Promise<boolean> {
    return (await this.#run('renew', line, id, token, run, this.#limits.leaseMs)) === 1
  }

  /** Takes the run back where it was begun. In how many milliseconds the line must be woken, if at all. */
  async release({ line, token, run }: Hold): Promise<number | undefined> {
    const dueInMs = Number(await this.#run('release', line, token, run))
    return dueInMs < 0 ? undefined : dueInMs
  }

  /** Lines that somebody must look at. */
  async overdue(most: number): Promise<string[]> {
    return ((await this.#run('overdue', most)) as Buffer[]).map(text)
  }

  /** The oldest first. */
  async *entries(states: InboxState[], pageSize: number): AsyncIterable<InboxEntry> {
    for (let after = '0'; ;) {
      const page = (await this.#run('page', after, pageSize, ...states)) as Reply[]
      for (const reply of page) yield entryOf(reply)
      const last = page.at(-1)
      if (!last) return
      after = text(last[6])
    }
  }

  async show(id: string): Promise<{ entry: InboxEntry; event: StoredEvent; bytes: Buffer } | undefined> {
    const reply = (await this.#run('show', id)) as Reply
    if (reply.length === 0) return undefined
    return { entry: entryOf(reply), event: parse(reply[0]), bytes: reply[7] as Buffer }
  }

  /** The line to wake; `undefined` where it cannot be replayed. */
  async replay(id: string): Promise<string | undefined> {
    const [done, line] = (await this.#run('replay', id)) as Reply
    return done === 1 ? text(line) : undefined
  }

  async purge(id: string, state: InboxState): Promise<boolean> {
    return (await this.#run('purge', id, state)) === 1
  }

  async stats(): Promise<InboxStats> {
    const [waiting, running, dead, quarantined, bytes, quarantineBytes, ...oldest] = (
      (await this.#run('stats')) as Reply
    ).map(text)
    const times = oldest.filter((time) => time !== '').map(Number)
    return {
      waiting: Number(waiting),
      running: Number(running),
      dead: Number(dead),
      quarantined: Number(quarantined),
      bytes: Number(bytes),
      quarantineBytes: Number(quarantineBytes),
      oldestWaitingAt: times.length > 0 ? new Date(Math.min(...times)) : undefined,
    }
  }

  #run(...[script, ...args]: Parameters<Connections['run']> extends [Redis, ...infer Rest] ? Rest : never) {
    return this.#connections.run(this.#redis, script, ...args)
  }
}

/** An event of nobody waits for nobody: it has a line of its own. */
function lineOf({ id, entity }: StoredEvent): string {
  return entity ? `${entity.kind}:${entity.id}` : `event:${id}`
}

function entryOf([header, state, attempts, bytes, reason, due]: Reply): InboxEntry {
  const { id, trigger, kind, eventName, entity, receivedAt, requestId } = parse(header)
  const entry: InboxEntry = {
    ...{ id, trigger, kind, eventName, entity, receivedAt, requestId },
    state: text(state) as InboxState,
    attempts: Number(text(attempts)),
    bytes: Number(bytes),
    reason: text(reason) || undefined,
  }
  if (entry.state === 'waiting' && entry.attempts > 0) entry.nextAttemptAt = new Date(Number(text(due))).toISOString()
  return entry
}

function parse(header: Buffer | number | undefined): StoredEvent {
  return JSON.parse(text(header)) as StoredEvent
}

function text(value: Buffer | number | undefined): string {
  return String(value)
}
