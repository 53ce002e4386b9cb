/**
 * Bodies designed to exhaust time or memory, at the default limits. Each is refused or delivered within a minute, with
 * additional memory of at most sixteen times the body limit, and the process survives.
 */
import { connect } from 'node:net'
import { readFileSync, writeFileSync } from 'node:fs'
import { readAnswers, type Answer } from './answers'
import { bombs, type Bomb } from './bombs'
import { isFull, MIB, report } from './size'
import { endTargets, startTarget, type Target } from './target'

/** Time limit for a busy machine; an idle one takes less than ten seconds. */
const TIME_MS = 60_000
const MEMORY = { json: 16 * 64 * MIB, txml: 16 * 128 * MIB }

let target: Target
/** Memory of the process after everything is loaded, before the first large body. */
let idle: number

beforeAll(async () => {
  target = await startTarget({ answerTimeoutMs: 2 * TIME_MS, limits: { uploadIdleTimeoutMs: TIME_MS } }, 'patient')
  await send(small('1'))
  // The first XML body loads the parser.
  await send({ ...small('1'), type: 'application/xml' })
  await target.figures()
  idle = memory('VmRSS')
}, 60_000)
afterAll(endTargets)

function small(orderId: string): Bomb {
  return { what: '', status: 200, outcome: '', body: () => Buffer.from(JSON.stringify({ orderEvent: { orderId } })) }
}

/** Memory as counted by the kernel, in bytes. */
function memory(field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${target.process.pid}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024
}

function send({
  body,
  headers = [],
  type = 'application/json',
  inBytes,
}: Bomb): Promise<{ answer: Answer; ms: number }> {
  const bytes = body()
  const length = inBytes ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`
  const lines = ['Authorization: Bearer canary-token', `Content-Type: ${type}`, length, ...headers]
  const head = Buffer.from(`POST /tradecloud/order HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`)
  const payload = inBytes ? inChunksOfOne(bytes) : bytes
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    let received: Buffer = Buffer.alloc(0)
    // Sent to the webhook in Express, because the webhook without Express validates strictly.
    const socket = connect({ port: target.ports.express, host: '127.0.0.1' })
    const done = (): void => {
      socket.destroy()
      const [answer] = readAnswers(received).answers
      if (answer) resolve({ answer, ms: performance.now() - begun })
      else reject(new Error('no answer'))
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (readAnswers(received).answers.length > 0) done()
    })
    socket.on('error', () => undefined).on('close', done)
    socket.write(Buffer.concat([head, payload]))
  })
}

function inChunksOfOne(bytes: Buffer): Buffer {
  const all = Buffer.alloc(bytes.length * 6 + 5)
  bytes.forEach((byte, i) => all.write(`1\r\n${String.fromCharCode(byte)}\r\n`, i * 6, 'latin1'))
  all.write('0\r\n\r\n', bytes.length * 6)
  return all
}

test.each(bombs.filter(({ slow }) => isFull || !slow))(
  '$what: $status $outcome',
  async (bomb) => {
    await target.figures()
    // Resets the peak memory of the process.
    writeFileSync(`/proc/${target.process.pid}/clear_refs`, '5')
    const { answer, ms } = await send(bomb)
    const grown = memory('VmHWM') - idle
    report(bomb.what, { answered: `${answer.status} ${answer.outcome ?? ''}`, ms, 'MiB over idle': grown / MIB })
    expect(answer).toEqual({ status: bomb.status, outcome: bomb.outcome })
    expect(grown).toBeLessThan(bomb.type === undefined ? MEMORY.json : MEMORY.txml)
    expect(ms).toBeLessThan(TIME_MS)
  },
  2 * TIME_MS,
)

test('the process still works, and has kept next to nothing', async () => {
  const { answer } = await send(small('2'))
  expect(answer).toEqual({ status: 200, outcome: 'delivered' })
  expect((await target.figures()).heapUsed).toBeLessThan(64 * MIB)
  expect(await target.close()).toMatchObject({ exitCode: 0, problems: [] })
  expect(target.output()).toBe('')
}, 60_000)
