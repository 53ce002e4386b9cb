/**
 * How long storing events blocks the event loop of a server if a flush takes 100 ms. There is either one server
 * process, or three that share a file. The events come from other processes, because creating them would block the
 * event loop as well. For comparison, the same is measured without an inbox: the event loop is then blocked only by
 * receiving requests and by waiting for a core.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { preloaded } from '../../__tests__/inbox/preload'
import { digits, table } from '../statistics'
import { storedEvent } from '../stored-event'
import { openSqlite, withFolder } from './inboxes'

const AT_ONCE = 50
const FLUSH_MS = 100
const BODY_BYTES = 8 * 1024
const WARM_UP_MS = 3_000
const DELAYS = { resolution: 1 }

interface Blocked {
  stored: number
  refused: number
  maxMs: number
  p999Ms: number
}

export async function run(quick: boolean): Promise<string> {
  const rows: string[][] = []
  for (const processes of [1, 3])
    for (const isStored of [true, false])
      rows.push(await withFolder((folder) => measure(folder, processes, isStored, quick ? 5_000 : 30_000)))
  const head = [`SQLite, 8 KB, ${AT_ONCE} at once, a flush takes ${FLUSH_MS} ms`]
  return table([...head, 'events/s', 'refused', 'longest block, ms', 'p99.9, ms', 'largest log, MB'], rows)
}

async function measure(folder: string, processes: number, isStored: boolean, forMs: number): Promise<string[]> {
  const file = join(folder, 'inbox.db')
  const env = { ...process.env }
  for (const variable of preloaded(folder, { FLUSH_MS: String(FLUSH_MS) }).slice(1)) {
    const at = variable.indexOf('=')
    env[variable.slice(0, at)] = variable.slice(at + 1)
  }
  const servers = Array.from({ length: processes }, () => fork(__filename, ['serve', isStored ? file : ''], { env }))
  const clients: ChildProcess[] = []
  try {
    for (const server of servers) clients.push(fork(__filename, ['send', String(await messageOf(server))]))
    await pause(WARM_UP_MS)
    for (const server of servers) server.send('begin')
    let logBytes = 0
    for (const end = performance.now() + forMs; performance.now() < end; await pause(100))
      logBytes = Math.max(logBytes, statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0)
    const results = await Promise.all(
      servers.map(async (server) => {
        const result = messageOf(server)
        server.send('end')
        return (await result) as Blocked
      }),
    )
    const sum = (of: (one: Blocked) => number): number => results.reduce((total, one) => total + of(one), 0)
    return [
      `${processes === 1 ? 'one process' : `${processes} processes`}${isStored ? '' : ', without an inbox'}`,
      digits((1000 * sum(({ stored }) => stored)) / forMs),
      String(sum(({ refused }) => refused)),
      digits(Math.max(...results.map(({ maxMs }) => maxMs))),
      digits(Math.max(...results.map(({ p999Ms }) => p999Ms))),
      digits(logBytes / 1e6),
    ]
  } finally {
    for (const child of [...clients, ...servers]) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  return ((await once(child, 'message')) as [unknown])[0]
}

/**
 * The measured process. Without a file, it stores nothing: each request waits for the next multiple of `FLUSH_MS`, so
 * that requests end together, like those that share a flush.
 */
async function serve(file: string): Promise<void> {
  const inbox = file === '' ? undefined : openSqlite({ file })
  await inbox?.ready()
  const accept = (bytes: Buffer): Promise<unknown> => {
    const event = storedEvent(bytes)
    return inbox?.accept(event, bytes) ?? pause(FLUSH_MS - (performance.now() % FLUSH_MS))
  }
  let stored = 0
  let refused = 0
  const server = createServer((req, res) => {
    void (async () => {
      const bytes = await bodyOf(req)
      await accept(bytes).then(
        () => stored++,
        () => refused++,
      )
      res.end()
    })()
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  const delays = monitorEventLoopDelay(DELAYS)
  process.on('message', (order) => {
    if (order === 'begin') {
      stored = refused = 0
      delays.enable()
      return
    }
    delays.disable()
    const result: Blocked = { stored, refused, maxMs: delays.max / 1e6, p999Ms: delays.percentile(99.9) / 1e6 }
    process.send?.(result)
  })
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of req) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** Sends events until the process is killed. */
async function send(port: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const body = Buffer.alloc(BODY_BYTES, 'x')
  const sendOne = async (): Promise<void> => {
    const sending = request({ port, host: '127.0.0.1', method: 'POST', agent })
    sending.end(body)
    const [answer] = (await once(sending, 'response')) as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
  }
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (;;) await sendOne()
    }),
  )
}

const [, , role, argument = ''] = process.argv
if (role === 'serve') void serve(argument)
if (role === 'send') void send(argument)
