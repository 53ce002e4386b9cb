/** What the tests of the command line share: real folders of a real file inbox, and the real command line beside them. */
import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { encodeEvent, encodeNote } from '../../lib/inbox/file/event-file'
import { fileInbox } from '../../lib/inbox/file'
import type {
  InboxDelivery,
  InboxEntry,
  InboxFilter,
  ManagedInbox,
  Settlement,
  StoredEvent,
} from '../../lib/inbox/inbox'
import { buildCli } from '../faults/build'

export { until } from '../wait'

export const root = resolve(__dirname, '../..')
export const cliCommand = [process.execPath, buildCli()] as const

export interface Ran {
  code: number | null
  out: string
  raw: Buffer
  err: string
}

/** Runs the command line in a process of its own, without a terminal. */
export function cli(words: string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const [command, ...args] = cliCommand
  return ran(spawn(command, [...args, ...words], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: without(env) }))
}

/** In a pipe of a shell: `| head -1`. The exit code is that of the command line. */
export function piped(words: string[], into: string): Promise<Ran> {
  return ran(spawn('bash', ['-c', `${sh(words)} | ${into}; exit \${PIPESTATUS[0]}`], { cwd: root, env: without({}) }))
}

/** On a pseudo-terminal of 80 columns: what comes to stdout and stderr is all `out`. `answer` is typed when it is asked for. */
export async function onTerminal(words: string[], answer?: () => string | Promise<string>): Promise<Ran> {
  const child = spawn('script', ['-qec', `stty cols 80; ${sh(words)}`, '/dev/null'], { cwd: root, env: without({}) })
  if (answer) {
    const ask = (chunk: Buffer): void => {
      if (!chunk.includes('[y/N]')) return
      child.stdout.off('data', ask)
      void (async () => child.stdin.write(await answer()))()
    }
    child.stdout.on('data', ask)
  }
  return ran(child)
}

function without(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...process.env, COLUMNS: undefined, LINES: undefined, ...env }
}

function sh(words: string[]): string {
  return [...cliCommand, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
}

async function ran(child: { stdout: Readable; stderr: Readable } & EventEmitter): Promise<Ran> {
  const ended = new Promise<number | null>((done) => child.once('close', done))
  const [raw, err] = await Promise.all([buffer(child.stdout), text(child.stderr)])
  return { code: await ended, out: raw.toString('utf8'), raw, err }
}

const open = new Set<ManagedInbox>()
const made = new Set<string>()

export function newFolder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tradecloud-cli-'))
  made.add(directory)
  return directory
}

export async function closeAll(): Promise<void> {
  await Promise.all([...open].map((inbox) => inbox.close()))
  open.clear()
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
  made.clear()
}

export interface Server {
  inbox: ManagedInbox
  deliveries: InboxDelivery[]
  alarms: string[]
  close(): Promise<void>
}

export type Script = (delivery: InboxDelivery) => Settlement | Promise<Settlement> | undefined

/** An inbox that owns the folder, with a host that settles as the script says. `undefined` never settles. */
export async function serve(directory: string, script?: Script): Promise<Server> {
  const inbox = fileInbox({ directory })
  open.add(inbox)
  await inbox.ready()
  const server: Server = {
    inbox,
    deliveries: [],
    alarms: [],
    async close() {
      open.delete(inbox)
      await inbox.close()
    },
  }
  if (script)
    inbox.deliver({
      concurrency: 4,
      maxBytes: 1e9,
      async run(delivery) {
        server.deliveries.push(delivery)
        const settlement = await script(delivery)
        if (settlement) await inbox.settle(delivery, settlement)
      },
      alarm: (error) => server.alarms.push(error.message),
    })
  return server
}

export async function entriesOf({ inbox }: Server, filter?: InboxFilter): Promise<InboxEntry[]> {
  const entries = []
  for await (const entry of inbox.list(filter)) entries.push(entry)
  return entries
}

export function anEvent(bytes: Buffer, more: Partial<StoredEvent> = {}): StoredEvent {
  const id = more.id ?? randomUUID()
  return {
    format: 1,
    id,
    key: `test:${id}`,
    trigger: 'body',
    kind: 'order',
    eventName: 'OrderLinesAcceptedBySupplier',
    entity: { kind: 'order', id: '4711' },
    method: 'POST',
    path: '/order',
    contentType: 'application/json',
    digest: createHash('sha256').update(bytes).digest('hex'),
    requestId: randomUUID(),
    receivedAt: new Date().toISOString(),
    ...more,
  }
}

/** Accepts an event and resolves with its ID. */
export async function put(
  { inbox }: Server,
  more: Partial<StoredEvent> = {},
  bytes = Buffer.from('{"a":1}'),
): Promise<string> {
  const event = anEvent(bytes, more)
  await inbox.accept(event, bytes)
  return event.id
}

/** Writes files as an inbox would, and quicker: nobody owns the folder, nothing is flushed. Resolves with the IDs. */
export async function fill(
  directory: string,
  place: 'waiting' | 'dead' | 'quarantine',
  number: number,
  eventOf: (i: number) => Partial<StoredEvent> = () => ({}),
): Promise<string[]> {
  await serve(directory).then((server) => server.close())
  const ids = []
  for (let i = 0; i < number; i++) {
    const bytes = Buffer.from(`{"number":${i}}`)
    const event = anEvent(bytes, { receivedAt: new Date(Date.now() - 60_000 + i).toISOString(), ...eventOf(i) })
    const folder = join(directory, place, event.id.slice(0, 1))
    mkdirSync(folder, { recursive: true })
    const notes = place === 'dead' ? encodeNote({ note: 'dead', at: Date.now(), reason: 'rejected: no' }) : ''
    writeFileSync(join(folder, event.id), Buffer.concat([encodeEvent(event, i + 1, bytes), Buffer.from(notes)]))
    ids.push(event.id)
  }
  return ids
}

/** Names of all files in it, but for empty folders. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .sort()
}
