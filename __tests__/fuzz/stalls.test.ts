/**
 * A thousand connections that stall in their headers or bodies: all of them end, and another client is hardly affected.
 * An upload that is slow but never idle is read to its end.
 */
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { pause, until } from '../integration/harness'
import { RawConnection, encodeRequest } from '../integration/raw-http'
import { readAnswers, type Answer } from './answers'
import { report } from './size'
import { endTargets, startTarget, type Target } from './target'

const STALLED = 1_000
const HEALTHY = 300
const IDLE_MS = 3_000
const ANSWER_MS = 5_000

const clients: Socket[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
  endTargets()
})

interface Stalled {
  socket: Socket
  received: Buffer
  openedAt: number
  closedAt: number | undefined
}

function stall(port: number, bytes: string): Stalled {
  const socket = connect({ port, host: '127.0.0.1' })
  clients.push(socket)
  const stalled: Stalled = { socket, received: Buffer.alloc(0), openedAt: performance.now(), closedAt: undefined }
  socket.on('data', (chunk) => (stalled.received = Buffer.concat([stalled.received, chunk])))
  socket.on('error', () => undefined).on('close', () => (stalled.closedAt = performance.now()))
  socket.write(bytes)
  return stalled
}

const HEADERS = 'POST /order HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer canary-token\r\n'
const UPLOAD = `${HEADERS}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"orderEvent":`

/**
 * Median and 99th percentile of the response time, in milliseconds, for a client that posts orders one after another.
 */
async function latency(port: number, run: string): Promise<{ median: number; p99: number }> {
  const connection = new RawConnection(port)
  clients.push(connection.socket)
  const times: number[] = []
  for (let i = 0; i < HEALTHY; i++) {
    const body = JSON.stringify({ eventName: 'Calm', orderEvent: { orderId: `PO-${i}`, version: i, note: run } })
    const headers = { Authorization: 'Bearer canary-token', 'Content-Type': 'application/json' }
    const begun = performance.now()
    const answer = connection.answer()
    connection.write(encodeRequest({ method: 'POST', path: '/order', headers, body }).whole)
    expect((await answer).status).toBe(200)
    times.push(performance.now() - begun)
  }
  times.sort((a, b) => a - b)
  return { median: times[HEALTHY / 2] ?? 0, p99: times[Math.floor(0.99 * HEALTHY)] ?? 0 }
}

function answersOf(stalled: Stalled[]): Record<string, number> {
  const seen: Record<string, number> = {}
  for (const { received } of stalled) {
    const [answer]: Array<Answer | undefined> = readAnswers(received).answers
    const what = answer ? `${answer.status} ${answer.outcome ?? ''}`.trim() : 'none'
    seen[what] = (seen[what] ?? 0) + 1
  }
  return seen
}

/**
 * An impatient server closes connections with incomplete headers after 2 s; a patient one has Node's default time-outs.
 */
async function start(patience: 'patient' | 'impatient'): Promise<Target> {
  return startTarget(
    { limits: { uploadIdleTimeoutMs: IDLE_MS }, answerTimeoutMs: ANSWER_MS, validation: 'off' },
    patience,
  )
}

test.each([
  ['stall in their bodies', 'patient', UPLOAD, '503 unavailable'],
  ['stall in their headers', 'impatient', HEADERS, '408'],
] as const)(
  `${STALLED} connections that %s`,
  async (what, patience, bytes, ended) => {
    const target = await start(patience)
    await latency(target.ports.listener, 'warm')
    const without = await latency(target.ports.listener, 'without')
    const stalled = Array.from({ length: STALLED }, () => stall(target.ports.listener, bytes))
    await pause(200)
    const beside = await latency(target.ports.listener, 'beside')
    const stillOpen = stalled.filter(({ closedAt }) => closedAt === undefined).length
    await until(() => stalled.every(({ closedAt }) => closedAt !== undefined), 'a stalled connection stays', 25_000)
    const longest = Math.max(...stalled.map(({ openedAt, closedAt = 0 }) => closedAt - openedAt))
    report(`${STALLED} ${what}`, {
      'median ms without': without.median,
      'median ms beside': beside.median,
      'p99 ms without': without.p99,
      'p99 ms beside': beside.p99,
      'open meanwhile': stillOpen,
      'longest open ms': longest,
    })
    expect(answersOf(stalled)).toEqual({ [ended]: STALLED })
    expect(beside.median).toBeLessThan(Math.max(10 * without.median, without.median + 200))
    expect(await target.close()).toMatchObject({ exitCode: 0, problems: [] })
    expect(target.output()).toBe('')
  },
  90_000,
)

test('an upload that drips, and is never idle, may take longer than an answer', async () => {
  const target = await start('patient')
  const dripping = Array.from({ length: 100 }, () => stall(target.ports.listener, UPLOAD))
  const startedAt = performance.now()
  let sent = '{"orderEvent":'.length
  for (; performance.now() - startedAt < 1.5 * ANSWER_MS; sent++) {
    await pause(100)
    for (const { socket } of dripping) socket.write(' ')
  }
  expect(dripping.every(({ received, closedAt }) => closedAt === undefined && received.length === 0)).toBe(true)
  // Completes the body, which contains no order.
  for (const { socket } of dripping) socket.write('5}'.padEnd(1000 - sent))
  await until(() => dripping.every(({ closedAt }) => closedAt !== undefined), 'a drip goes on', 30_000)
  expect(answersOf(dripping)).toEqual({ '503 invalid_body': 100 })
  expect(await target.close()).toMatchObject({ exitCode: 0, problems: [] })
}, 90_000)
