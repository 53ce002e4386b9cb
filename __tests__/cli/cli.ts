/** Runs the real command line in processes of its own, on test inboxes. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import type { Inbox, InboxDelivery, Settlement, Wanted } from '../../lib/inbox/inbox'
import type { StoredEvent } from '../../lib/inbox/stored-event'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { ALL, orderEvent } from '../../lib/testing/inbox-contract/harness'
import { buildCli } from '../faults/build'
import { pause, until } from '../wait'

const root = resolve(__dirname, '../..')
const program = buildCli()

export interface Ran {
  code: number | null
  out: string
  raw: Buffer
  err: string
}

interface How {
  env?: NodeJS.ProcessEnv
  nodeArgs?: string[]
  input?: string
}

/** Runs a command without a terminal. */
export function cli(words: string[], how?: How): Promise<Ran> {
  return startCli(words, how).ended
}

/** Like `cli`, but returns the running process. */
export function startCli(words: string[], { env = {}, nodeArgs = [], input }: How = {}) {
  const child = spawn(process.execPath, [...nodeArgs, program, ...words], { cwd: root, env: environment(env) })
  // Ignores the write error if the command ends before it has read all of its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return { child, ended: ran(child) }
}

/**
 * Runs a command in a shell pipe. `into` is the program that reads its output, such as `head -1`; `more` is a
 * redirection. The exit code is that of the command.
 */
export function piped(words: string[], into: string, more = ''): Promise<Ran> {
  return ran(
    spawn('bash', ['-c', `${sh(words)} ${more} | ${into}; exit \${PIPESTATUS[0]}`], {
      cwd: root,
      env: environment({}),
    }),
  )
}

/**
 * Runs a command on a pseudo-terminal. `out` contains both stdout and stderr. Each answer is typed when its question
 * appears.
 */
export function onTerminal(
  words: string[],
  options: { answers?: string[]; columns?: number; env?: NodeJS.ProcessEnv } = {},
) {
  const { answers = [], columns = 80, env = {} } = options
  const child = spawn('script', ['-qec', `stty cols ${columns}; ${sh(words)}`, '/dev/null'], {
    cwd: root,
    env: environment({ TERM: 'xterm-256color', ...env }),
  })
  let asked = ''
  child.stdout.on('data', (chunk: Buffer) => {
    asked += chunk.toString()
    if (answers.length === 0 || !/\[y\/N\] |: $/.test(asked)) return
    asked = ''
    child.stdin.write(`${answers.shift()}\n`)
  })
  return ran(child)
}

/** The environment for a command, without variables that would affect the result. */
function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = [
    'COLUMNS',
    'LINES',
    'NO_COLOR',
    'FORCE_COLOR',
    // If `CI` is set by an unknown service, Node assumes a terminal without colours.
    'CI',
    'INBOX_URL',
    'PGPASSWORD',
    'WEBHOOK_PASSWORD',
    'WEBHOOK_TOKEN',
  ]
  return { ...process.env, ...Object.fromEntries(names.map((name) => [name, undefined])), ...env }
}

function sh(words: string[]): string {
  return [process.execPath, program, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
}

async function ran(child: { stdout: Readable; stderr: Readable } & EventEmitter): Promise<Ran> {
  const ended = new Promise<number | null>((done) => child.once('close', done))
  const [raw, err] = await Promise.all([buffer(child.stdout), text(child.stderr)])
  return { code: await ended, out: raw.toString('utf8'), raw, err }
}

/** The command lines of all processes, which every user of the machine can see, for example with `ps`. */
export function commandLines(): string {
  const lines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return '' // the process has ended meanwhile
      }
    })
  return lines.join('\n')
}

const closing: Array<() => Promise<unknown> | void> = []

/** Registers an action for `cleanUp`, which runs the actions in reverse order. */
export function onClose(close: () => Promise<unknown> | void): void {
  closing.push(close)
}

/** To be called in `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close()
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradecloud-cli-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A database with an inbox. */
export interface Storage {
  /** The argument for the command line. */
  target: string
  /** Opens the inbox again, as another process would. */
  open: () => Promise<Inbox>
}

export async function opened(inbox: Inbox): Promise<Inbox> {
  closing.push(() => inbox.close())
  await inbox.ready()
  return inbox
}

export async function newSqlite(): Promise<Storage> {
  const target = join(newFolder(), 'inbox.db')
  const open = () => opened(sqliteInbox({ file: target }))
  await (await open()).close()
  return { target, open }
}

export type Script = (delivery: InboxDelivery) => Settlement | undefined

export interface Server {
  /** Deliveries that were passed to the script. */
  deliveries: InboxDelivery[]
  stop: () => Promise<void>
}

/**
 * Simulates a running webhook: takes events, and settles each with the result of the script. If the script returns
 * `undefined`, the event stays running.
 */
export function serve(inbox: Inbox, script: Script, wanted: readonly Wanted[] = ALL): Server {
  const stopping = new AbortController()
  const deliveries: InboxDelivery[] = []
  const detach = inbox.attach({
    ...{ name: 'contract', wanted, maxDelayMs: 900_000, wake: () => undefined },
    ...{ leaseLost: () => undefined, alarm: () => undefined },
  })
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const taken = await inbox.take({ limit: 20, maxBytes: 1e9 })
      for (const delivery of taken.deliveries) {
        deliveries.push(delivery)
        const settlement = script(delivery)
        if (settlement) await inbox.settle(delivery, settlement)
      }
      if (taken.deliveries.length === 0) await pause(20)
    }
  }
  const running = run()
  const stop = async (): Promise<void> => {
    if (stopping.signal.aborted) return
    stopping.abort()
    await running
    detach()
  }
  closing.push(stop)
  return { deliveries, stop }
}

export const DELIVERED: Settlement = { result: 'delivered' }
export const dead = (reason = 'no such item'): Settlement => ({ result: 'dead', outcome: 'rejected', reason })
export const retry = (reason = 'the ERP is down', delayMs = 600_000): Settlement => ({
  result: 'retry',
  delayMs,
  outcome: 'handler_failed',
  reason,
})

export const COMPANY = 'cb0cef0b-6538-4828-b45e-5ad8ea69b5cd'

/** Stores an event of an order. Resolves with the ID of the event. */
export async function put(
  inbox: Inbox,
  order: string,
  more: Partial<StoredEvent> = {},
  body?: string | Buffer,
): Promise<string> {
  const event = orderEvent(body, { entity: { kind: 'order', id: `${COMPANY}-${order}` }, ...more })
  return (await inbox.accept(...event)).id
}

/**
 * Stores one event per order and settles the events, through an inbox that is then closed. Resolves with the IDs of the
 * events.
 */
export async function putSettled(storage: Storage, orders: string[], script: Script): Promise<string[]> {
  const inbox = await storage.open()
  const ids: string[] = []
  for (const order of orders) ids.push(await put(inbox, order))
  const server = serve(inbox, script)
  await until(() => server.deliveries.length === orders.length)
  await server.stop()
  await inbox.close()
  return ids
}
