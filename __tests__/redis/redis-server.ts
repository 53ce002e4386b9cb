/**
 * Real Redis servers for tests, each with its own port and folder. They can be frozen, killed and restarted. Needs
 * `redis-server` on the PATH.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freeze } from '../freeze'
import { guard, HOST, readLog, startOnFreePort } from '../server-process'

const START_MS = 10_000

/** By default no key is evicted, and every write is on disk before it is acknowledged. */
const DEFAULTS = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction', save: '' }

const servers = new Set<RedisServer>()

/**
 * Starts a server, and resolves when it accepts connections. `overrides` are settings of redis.conf, such as
 * `{ appendonly: 'no' }`.
 */
export function startRedis(overrides: Record<string, string> = {}): Promise<RedisServer> {
  return startOnFreePort(async (port) => {
    const folder = await mkdtemp(join(tmpdir(), 'tradecloud-redis-'))
    const server = new RedisServer(port, folder, { ...DEFAULTS, ...overrides })
    servers.add(server)
    return server
  })
}

/** Ends every server that was started, and removes its folder. To be called in `afterAll`. */
export async function stopRedisServers(): Promise<void> {
  await Promise.all([...servers].map((server) => server.stop()))
}

export class RedisServer {
  readonly host = HOST
  readonly port: number
  readonly folder: string
  readonly #settings: Record<string, string>
  #process: ChildProcess | undefined
  #guard: ChildProcess | undefined

  constructor(port: number, folder: string, settings: Record<string, string>) {
    this.port = port
    this.folder = folder
    this.#settings = settings
  }

  /** Sends SIGSTOP: connections stay open, but nothing is answered until `thaw`. */
  async freeze(): Promise<void> {
    if (this.#process?.pid !== undefined) await freeze(this.#process.pid)
  }

  /** Sends SIGCONT: the server processes what arrived while it was frozen. */
  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Sends SIGKILL, and resolves when the process has ended. */
  async kill(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running?.exitCode === null && running.signalCode === null) {
      running.ref()
      const exited = once(running, 'exit')
      running.kill('SIGKILL')
      await exited
    }
    this.#guard?.kill('SIGKILL')
    this.#guard = undefined
  }

  /**
   * Starts the server with the same port and folder, and waits until it responds. If it is still running, it is killed
   * first.
   */
  async restart(): Promise<void> {
    await this.kill()
    const settings = Object.entries({ bind: HOST, port: String(this.port), dir: this.folder, ...this.#settings })
    const args = settings.flatMap(([name, value]) => [`--${name}`, value])
    const log = openSync(this.#logFile, 'a')
    // The server has a process group of its own, so that Ctrl-C reaches only the tests. When the tests have ended, the
    // guard ends the server.
    const child = spawn('redis-server', args, { stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    let failure: Error | undefined
    child.once('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT'
      failure = missing ? new Error('redis-server is not installed: apt-get install redis-server') : error
    })
    child.once('exit', (code, signal) => {
      failure = new Error(`redis-server ended (${code ?? String(signal)}):\n${this.log()}`)
    })
    child.unref()
    this.#process = child
    if (child.pid !== undefined) this.#guard = guard(child.pid, this.folder)
    for (const end = Date.now() + START_MS; !(await this.#answers(child)); await sleep(10)) {
      if (failure) throw failure
      if (Date.now() > end) throw new Error(`redis-server on port ${this.port} does not answer:\n${this.log()}`)
    }
  }

  /** Sends one command on a new connection. Rejects after two seconds without a response. */
  async command(...args: [string, ...string[]]): Promise<unknown> {
    const client = new Redis({
      host: HOST,
      port: this.port,
      lazyConnect: true,
      enableReadyCheck: false,
      connectTimeout: 2_000,
      commandTimeout: 2_000,
      disconnectTimeout: 50,
      retryStrategy: () => null,
    })
    // Without a listener, an error would end the process. The promises below reject with it in any case.
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.call(...args)
    } finally {
      client.disconnect()
    }
  }

  log(): string {
    return readLog(this.#logFile)
  }

  async stop(): Promise<void> {
    servers.delete(this)
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }

  get #logFile(): string {
    return join(this.folder, 'redis.log')
  }

  /** Whether this server responds. Another server may use the port, so only a response of this process counts. */
  async #answers(child: ChildProcess): Promise<boolean> {
    try {
      if ((await this.command('PING')) !== 'PONG') return false
      return String(await this.command('INFO', 'server')).includes(`process_id:${String(child.pid)}\r\n`)
    } catch {
      return false
    }
  }
}
