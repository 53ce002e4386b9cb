/**
 * Real PostgreSQL servers for tests, each with its own port and folder. They can be frozen, killed and restarted. Needs
 * Debian's package `postgresql`; if the tests run as root, the servers run as the user `postgres`.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client, type QueryResult, type QueryResultRow } from 'pg'
import { freeze } from '../freeze'
import { guard, HOST, readLog, startOnFreePort } from '../server-process'

const run = promisify(execFile)

const USER = 'postgres'
const START_MS = 60_000

const servers = new Set<PostgresServer>()
/** An empty cluster that is copied for each server, because `initdb` takes seconds. */
let template: Promise<string> | undefined

/**
 * Starts a server, and resolves when it accepts connections. `settings` are those of postgresql.conf, such as
 * `{ fsync: 'off' }`. `parent` is the folder in which the server's folder is created.
 */
export async function startPostgres(
  settings: Record<string, string> = {},
  parent: string = tmpdir(),
): Promise<PostgresServer> {
  const account = await accountOf()
  template ??= createCluster(account)
  const source = await template
  return startOnFreePort(async (port) => {
    const folder = await ownFolder(account, parent)
    // `cp` instead of `cpSync`: on Node 24, `cpSync` changes the mode of folders, and the server refuses to start.
    await run('cp', ['-a', join(source, 'data'), folder])
    if (account) await run('chown', ['-R', `${account.uid}:${account.gid}`, folder])
    const server = new PostgresServer(port, folder, settings, account)
    servers.add(server)
    return server
  })
}

/** Ends every server that was started, and removes its folder. To be called in `afterAll`. */
export async function stopPostgresServers(): Promise<void> {
  await Promise.all([...servers].map((server) => server.stop()))
  const created = await template?.catch(() => undefined)
  template = undefined
  if (created !== undefined) await rm(created, { recursive: true, force: true })
}

interface Account {
  uid: number
  gid: number
}

export class PostgresServer {
  readonly host = HOST
  readonly port: number
  readonly folder: string
  readonly connectionString: string
  readonly #settings: Record<string, string>
  readonly #account: Account | undefined
  #process: ChildProcess | undefined
  #guard: ChildProcess | undefined

  constructor(port: number, folder: string, settings: Record<string, string>, account: Account | undefined) {
    this.port = port
    this.folder = folder
    this.connectionString = `postgres://${USER}@${HOST}:${port}/postgres`
    this.#settings = settings
    this.#account = account
  }

  /** Sends SIGSTOP to the server and its sessions: connections stay open, but nothing is answered until `thaw`. */
  async freeze(): Promise<void> {
    const pid = this.#process?.pid
    if (pid === undefined) return
    await freeze(pid)
    await Promise.all(childrenOf(pid).map(freeze))
  }

  /** Sends SIGCONT: the server processes what arrived while it was frozen. */
  thaw(): void {
    signalAll(this.#process?.pid, 'SIGCONT')
  }

  /** Sends SIGKILL to the server and its sessions, as in a crash; resolves when the server has ended. */
  async kill(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running?.exitCode === null && running.signalCode === null) {
      running.ref()
      const exited = once(running, 'exit')
      signalAll(running.pid, 'SIGKILL')
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
    const end = Date.now() + START_MS
    while (!(await this.#start(end))) {
      // After a crash, sessions of the killed server may still use its shared memory for a moment.
      if (!this.log().includes('is still in use') || Date.now() > end) {
        throw new Error(`postgres on port ${this.port} does not start:\n${this.log()}`)
      }
      await sleep(50)
    }
  }

  /** Runs one statement on a new connection. */
  async query<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<QueryResult<Row>> {
    const client = new Client({ connectionString: this.connectionString, connectionTimeoutMillis: 2_000 })
    // Without a listener, an error would end the process. The promises below reject with it in any case.
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await client.query<Row>(sql, values)
    } finally {
      await client.end()
    }
  }

  log(): string {
    return readLog(this.#logFile)
  }

  async stop(): Promise<void> {
    servers.delete(this)
    await this.kill()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  get #logFile(): string {
    return join(this.folder, 'postgres.log')
  }

  /** Returns false if the process ended before it responded. */
  async #start(end: number): Promise<boolean> {
    const settings = Object.entries({
      listen_addresses: HOST,
      port: String(this.port),
      unix_socket_directories: this.folder,
      ...this.#settings,
    })
    const args = ['-D', join(this.folder, 'data'), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const log = openSync(this.#logFile, 'w')
    // The server has a process group of its own, so that Ctrl-C reaches only the tests. When the tests have ended, the
    // guard ends the server.
    const child = spawn(join(binaries(), 'postgres'), args, {
      stdio: ['ignore', log, log],
      detached: true,
      cwd: this.folder,
      ...this.#account,
    })
    closeSync(log)
    const ended = new Promise<true>((resolve) =>
      child.once('error', () => resolve(true)).once('exit', () => resolve(true)),
    )
    child.unref()
    this.#process = child
    if (child.pid !== undefined) this.#guard = guard(child.pid, this.folder)
    while (!(await this.#answers())) {
      if (await Promise.race([ended, sleep(20, false)])) return false
      if (Date.now() > end) throw new Error(`postgres on port ${this.port} does not answer:\n${this.log()}`)
    }
    return true
  }

  /**
   * Whether this server responds. Another server may use the port, so only a response of the server in this folder
   * counts.
   */
  async #answers(): Promise<boolean> {
    try {
      const { rows } = await this.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder")
      return rows[0]?.folder === join(this.folder, 'data')
    } catch {
      return false
    }
  }
}

/** Sends a signal to the server and its sessions, which are separate processes. */
function signalAll(pid: number | undefined, signal: 'SIGCONT' | 'SIGKILL'): void {
  if (pid === undefined) return
  for (const each of [pid, ...childrenOf(pid)]) {
    try {
      process.kill(each, signal)
    } catch {
      // The process has already ended.
    }
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        // The name of the program, which is in brackets, may contain any character.
        return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] === String(pid)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** The folder with the programs of the newest version that is installed. */
function binaries(): string {
  const root = '/usr/lib/postgresql'
  try {
    const [newest] = readdirSync(root).toSorted((one, other) => Number(other) - Number(one))
    if (newest !== undefined) return join(root, newest, 'bin')
  } catch {
    // PostgreSQL is not installed in this folder.
  }
  throw new Error('PostgreSQL is not installed: apt-get install postgresql')
}

/**
 * The user who runs the server. PostgreSQL refuses to run as root, so root runs it as `postgres`. `undefined` if the
 * tests do not run as root: the same user then runs the server.
 */
async function accountOf(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, USER])).stdout)))
  return { uid: uid ?? NaN, gid: gid ?? NaN }
}

async function ownFolder(account: Account | undefined, parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'tradecloud-postgres-'))
  if (account) chownSync(folder, account.uid, account.gid)
  return folder
}

async function createCluster(account: Account | undefined): Promise<string> {
  const folder = await ownFolder(account)
  const args = ['-D', join(folder, 'data'), '-U', USER, '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']
  await run(join(binaries(), 'initdb'), args, { cwd: folder, ...account })
  return folder
}
