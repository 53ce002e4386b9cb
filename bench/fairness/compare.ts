/**
 * The latency of small events while a large one is processed. The small events have 3 KB each, and 100 of them are sent
 * per second. The large event is the largest order that Tradecloud documents. It is sent every two seconds, or less
 * often if its response takes longer. `FAIRNESS_ROUNDS` and `FAIRNESS_ONLY` (a regular expression) limit what is
 * measured.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { bodyOf } from '../http/payloads'
import { Connection } from '../http/load'
import { withFolder } from '../inbox/inboxes'
import { digits, median, quantile, table } from '../statistics'
import type { Format } from './large'
import type { Candidate } from './server'

const EVERY_MS = 10
/** Enough that one connection is still idle after the server has been blocked for almost three seconds. */
const CONNECTIONS = 300
const ROUND_MS = 6_000
const ROUND_OF_XML_MS = 20_000

const CASES: ReadonlyArray<{ candidate: Candidate; format: Format | undefined }> = [
  { candidate: 'listener', format: undefined },
  { candidate: 'listener', format: 'json' },
  { candidate: 'listener with sqliteInbox', format: 'json' },
  { candidate: 'listener', format: 'xml' },
  { candidate: 'express 5 + express.json', format: 'json' },
]

interface Answer {
  status: number
  ms: number
}

/** Latencies of small events. Each is measured from the time at which the event was due, even if it was sent later. */
async function smallEvents(idle: Connection[], ms: number): Promise<number[]> {
  const times: number[] = []
  const open: Array<Promise<void>> = []
  const send = async (due: number): Promise<void> => {
    const connection = idle.pop()
    if (!connection) throw new Error('All connections wait for an answer.')
    await connection.send()
    times.push(performance.now() - due)
    idle.push(connection)
  }
  const started = performance.now()
  for (let due = started; due < started + ms; due += EVERY_MS) {
    const wait = due - performance.now()
    if (wait > 0) await setTimeout(wait)
    open.push(send(due))
  }
  await Promise.all(open)
  return times
}

async function startLarge(port: number, format: Format, answers: Answer[]): Promise<ChildProcess> {
  const sender = fork(join(__dirname, 'large.ts'), [String(port), format])
  await once(sender, 'message')
  sender.on('message', (answer: Answer) => {
    if (answer.status >= 300) throw new Error(`The large order was answered ${answer.status}.`)
    answers.push(answer)
  })
  return sender
}

async function measure({ candidate, format }: (typeof CASES)[number], rounds: number): Promise<string[]> {
  return withFolder(async (folder) => {
    const server = fork(join(__dirname, 'server.ts'), [candidate, folder], {
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const [port] = (await once(server, 'message')) as [number]
    const body = bodyOf('3 KB')
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port, body, false)))
    await smallEvents(connections, 2_000)
    const answers: Answer[] = []
    const sender = format && (await startLarge(port, format, answers))
    const roundMs = format === 'xml' ? ROUND_OF_XML_MS : ROUND_MS
    // A first round to warm up, which is not counted.
    await smallEvents(connections, roundMs)
    answers.length = 0
    const all: number[][] = []
    for (let round = 0; round < rounds; round++) all.push(await smallEvents(connections, roundMs))
    const large = answers.map(({ ms }) => ms)
    if (sender) {
      sender.disconnect()
      // The sender may be sending an order at this moment, and would fail if the server ended first.
      await once(sender, 'exit')
    }
    for (const connection of connections) connection.close()
    server.disconnect()
    await once(server, 'exit')
    return [
      `${candidate}, ${format === undefined ? 'nothing else' : `beside the largest order as ${format === 'xml' ? 'tXML' : 'JSON'}`}`,
      ...[0.5, 0.99].map((part) => digits(median(all.map((times) => quantile(times, part))))),
      digits(Math.max(...all.flat())),
      digits(median(large)),
    ]
  })
}
export async function run(quick: boolean): Promise<string> {
  const rounds = Number(process.env.FAIRNESS_ROUNDS ?? (quick ? 1 : 7))
  const only = new RegExp(process.env.FAIRNESS_ONLY ?? '')
  const rows: string[][] = []
  for (const one of CASES)
    if (only.test(`${one.candidate} ${one.format ?? 'alone'}`)) rows.push(await measure(one, rounds))
  const head = ['small events at 100/s', 'p50, ms', 'p99, ms', 'at worst, ms', 'the large order, ms']
  return `Medians of ${rounds} rounds.\n\n${table(head, rows)}`
}
