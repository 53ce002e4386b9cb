/**
 * One process owns a folder. Who owns it is told by process ID, start time and boot, so that after a kill -9 the next one
 * starts at once; across containers, whose process IDs mean nothing to each other, by a heartbeat.
 */
import { randomUUID } from 'node:crypto'
import {
  linkSync,
  openSync,
  closeSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { readFile, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { TradecloudWebhookError } from '../../errors/errors'

interface Owner {
  nonce: string
  pid: number
  /** In ticks since boot; of Linux only, as are the next two. */
  startTime?: string | undefined
  boot?: string | undefined
  namespace?: string | undefined
  host: string
}

/** Younger than this, the heartbeat of an owner whose process cannot be looked up counts. */
const FRESH_MS = 10_000
/** How long an owner that is just ending is waited for. */
const PATIENCE_MS = 500
const STEP_MS = 50
/** Taking over takes no longer; what is older was left by a crash. */
const TAKEOVER_MS = 5_000

export type Held = 'held' | 'missing' | 'lost' | 'unknown'

export class FolderLock {
  readonly #path: string
  readonly #owner: Owner
  readonly #text: string

  /** Throws a `TradecloudWebhookError` with code `inbox_locked` where another process owns the folder. */
  constructor(directory: string) {
    this.#path = join(directory, 'lock')
    this.#owner = ourselves()
    this.#text = JSON.stringify(this.#owner)
    this.take()
  }

  /** Again, for when the folder was gone. */
  take(): void {
    const temporary = `${this.#path}.${this.#owner.nonce}`
    writeFileSync(temporary, this.#text, { mode: 0o600 })
    try {
      const end = Date.now() + PATIENCE_MS
      for (;;) {
        const other = this.#try(temporary)
        if (other === undefined) return
        if (Date.now() >= end) throw lockedBy(this.#path, other)
        // At start-up only, and only where somebody else holds the folder.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS)
      }
    } finally {
      rmSync(temporary, { force: true })
    }
  }

  /** Shows that we are alive, and tells whether the folder is still ours. */
  async beat(): Promise<Held> {
    const now = new Date()
    // Fails on a file system that is read-only for a while; whose the lock is shows all the same.
    await utimes(this.#path, now, now).catch(() => undefined)
    return this.check()
  }

  async check(): Promise<Held> {
    try {
      return (await readFile(this.#path, 'utf8')) === this.#text ? 'held' : 'lost'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unknown'
    }
  }

  release(): void {
    try {
      if (readFileSync(this.#path, 'utf8') === this.#text) rmSync(this.#path, { force: true })
    } catch {
      // gone with its folder, or read-only: the next owner sees that this process has ended
    }
  }

  /** `undefined` when the lock is ours now; else who has it. */
  #try(temporary: string): Owner | 'unknown' | undefined {
    if (tryTo('EEXIST', () => linkSync(temporary, this.#path))) return undefined
    const found = read(this.#path)
    if (found === 'gone') return 'unknown'
    if (isAlive(found)) return found.owner ?? 'unknown'
    // Two that find a dead owner must not both take its place.
    const guard = `${this.#path}.takeover`
    if (!tryTo('EEXIST', () => closeSync(openSync(guard, 'wx', 0o600)))) {
      if (ageMs(guard) > TAKEOVER_MS) rmSync(guard, { force: true })
      return 'unknown'
    }
    try {
      const again = read(this.#path)
      if (again === 'gone' || again.text !== found.text) return 'unknown'
      renameSync(temporary, this.#path)
      return undefined
    } finally {
      rmSync(guard, { force: true })
    }
  }
}

interface Found {
  text: string
  /** Absent where the file is torn: nobody has written it to its end. */
  owner: Owner | undefined
  ageMs: number
}

function read(path: string): Found | 'gone' {
  try {
    const text = readFileSync(path, 'utf8')
    return { text, owner: parse(text), ageMs: ageMs(path) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone'
    throw error
  }
}

function parse(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner
  } catch {
    return undefined
  }
}

function isAlive({ owner, ageMs: age }: Found): boolean {
  if (!owner) return false
  const { boot, namespace } = ourselves()
  const isNear = owner.boot === boot && owner.namespace === namespace && owner.host === hostname()
  if (!isNear) return age < FRESH_MS
  if (owner.startTime !== undefined) return processState(owner.pid)?.startTime === owner.startTime
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function ourselves(): Owner {
  return {
    nonce: randomUUID(),
    pid: process.pid,
    startTime: processState(process.pid)?.startTime,
    boot: orUndefined(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: orUndefined(() => readlinkSync('/proc/self/ns/pid')),
    host: hostname(),
  }
}

/** `undefined` for a process that has ended; one that nobody has waited for counts as ended too. */
function processState(pid: number): { startTime: string } | undefined {
  const stat = orUndefined(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // The name in brackets may hold anything; after it stand the state and, 19 fields on, the start time (proc(5)).
  const [state = '', ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  const startTime = fields[18]
  return startTime === undefined || state === 'Z' || state === 'X' ? undefined : { startTime }
}

function lockedBy(path: string, owner: Owner | 'unknown'): TradecloudWebhookError {
  const who = owner === 'unknown' ? 'another process' : `process ${owner.pid} on ${owner.host}`
  return new TradecloudWebhookError(
    'inbox_locked',
    `The inbox folder is in use by ${who} (${path}). One process owns a folder: give each its own, or use bullmqInbox.`,
  )
}

function ageMs(path: string): number {
  return Date.now() - (orUndefined(() => statSync(path).mtimeMs) ?? 0)
}

/** False where it failed with this code. */
function tryTo(code: string, action: () => void): boolean {
  try {
    action()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false
    throw error
  }
}

function orUndefined<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
