/**
 * The limits of one request: the time until the headers arrive, the time until each further chunk arrives, and the
 * number of bytes. Timers are fake.
 */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { ApiOutcome } from '../../../lib/api/outcome'
import { Transport } from '../../../lib/api/transport'

const REQUEST_MS = 1_000
const request = { method: 'GET', path: '/order/1', headers: {} } as const

let server: Server
let transport: Transport
let answers: ServerResponse[]
/** How often the time limit was restarted. */
let restarts: number
let over: boolean

beforeEach(async () => {
  answers = []
  restarts = 0
  over = false
  server = createServer((_req, res) => void answers.push(res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  transport = new Transport({ baseUrl, requestTimeoutMs: REQUEST_MS, maxResponseBytes: 1_000 })
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'performance'] })
  const { setTimeout: start } = globalThis
  jest.spyOn(globalThis, 'setTimeout').mockImplementation((...args: Parameters<typeof start>) => {
    const timer = start(...args)
    const refresh = timer.refresh.bind(timer)
    timer.refresh = () => {
      restarts++
      return refresh()
    }
    return timer
  })
})

afterEach(async () => {
  over = true
  jest.useRealTimers()
  transport.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Waits until the condition holds or the test has ended, without a time limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition() && !over) await new Promise((resolve) => setImmediate(resolve))
}

async function begin(signal?: AbortSignal): Promise<{ sent: Promise<ApiOutcome>; answer: ServerResponse }> {
  const before = answers.length
  const sent = transport.send(request, signal)
  await until(() => answers.length > before)
  return { sent, answer: answers.at(-1)! }
}

/** Sends a piece of the body, and waits until the client has received it. */
async function piece(answer: ServerResponse, text = '[1],'): Promise<void> {
  const before = restarts
  answer.write(text)
  await until(() => restarts > before)
}

const noSignal = () => new AbortController().signal

test('an answer may take longer than requestTimeoutMs as long as its pieces keep coming', async () => {
  const { sent, answer } = await begin(noSignal())
  jest.advanceTimersByTime(REQUEST_MS - 1)
  for (let i = 0; i < 10; i++) {
    await piece(answer)
    jest.advanceTimersByTime(REQUEST_MS - 1)
  }
  answer.end()
  expect(await sent).toMatchObject({ type: 'answer', status: 200, body: Buffer.from('[1],'.repeat(10)) })
})

test('ends an answer of which nothing more comes', async () => {
  const { sent, answer } = await begin(noSignal())
  await piece(answer)
  jest.advanceTimersByTime(REQUEST_MS)
  expect(await sent).toEqual({ type: 'timeout', timeoutMs: REQUEST_MS, stalled: true })
})

test('ends a request that gets no headers', async () => {
  const { sent } = await begin(noSignal())
  jest.advanceTimersByTime(REQUEST_MS)
  expect(await sent).toEqual({ type: 'timeout', timeoutMs: REQUEST_MS, stalled: false })
})

/** Sends chunks until the request ends, and advances the clock after each. Resolves with the outcome and the time. */
async function timeOf(sent: Promise<ApiOutcome>, answer: ServerResponse): Promise<{ outcome: ApiOutcome; ms: number }> {
  let outcome: ApiOutcome | undefined
  void sent.then((value) => (outcome = value))
  let ms = 0
  for (; !outcome && !over && ms < 5 * REQUEST_MS; ms += REQUEST_MS / 4) {
    const written = new Promise((resolve) => answer.write('.', resolve))
    await written
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    jest.advanceTimersByTime(REQUEST_MS / 4)
  }
  await until(() => outcome !== undefined)
  return { outcome: outcome!, ms }
}

test('without a signal that could end it, the limit is for the whole answer', async () => {
  const { sent, answer } = await begin()
  const { outcome, ms } = await timeOf(sent, answer)
  expect(outcome).toMatchObject({ type: 'timeout', timeoutMs: REQUEST_MS })
  expect(ms).toBeLessThanOrEqual(REQUEST_MS + REQUEST_MS / 4)
})

test('does not wait for the body of an answer whose status is enough', async () => {
  const { sent, answer } = await begin(noSignal())
  answer.writeHead(503, { 'Retry-After': '7' })
  const { outcome, ms } = await timeOf(sent, answer)
  expect(outcome).toMatchObject({ type: 'answer', status: 503, headers: { 'retry-after': '7' } })
  expect(ms).toBeLessThanOrEqual(REQUEST_MS + REQUEST_MS / 4)
})

test.each(['signal', 'close()'])('%s ends an answer that is under way', async (how) => {
  const controller = new AbortController()
  const { sent, answer } = await begin(controller.signal)
  await piece(answer)
  if (how === 'signal') controller.abort()
  else transport.close()
  expect(await sent).toEqual({ type: 'aborted' })
})

const zeros = Buffer.alloc(100_000)

test.each<[string, (answer: ServerResponse) => unknown]>([
  ['by its headers', (answer) => answer.writeHead(200, { 'Content-Length': 1_001 }).write('.')],
  ['by what arrives', (answer) => answer.writeHead(200).end(zeros)],
  ['once decompressed', (answer) => answer.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(zeros))],
])('an answer that is too large, %s', async (_how, respond) => {
  const { sent, answer } = await begin(noSignal())
  respond(answer)
  const outcome = await sent
  expect(outcome).toMatchObject({ type: 'unusable', tooLarge: true })
  expect(outcome).toHaveProperty('cause.message', 'the answer is larger than 1000 bytes (maxResponseBytes)')
})

test('the largest answer that is allowed, also if its compressed form is larger', async () => {
  const { sent, answer } = await begin(noSignal())
  answer.writeHead(200, { 'Content-Length': 1_000 }).end(Buffer.alloc(1_000))
  expect(await sent).toMatchObject({ type: 'answer' })
  const other = await begin(noSignal())
  const packed = gzipSync('{}', { level: 0 })
  const padded = Buffer.concat([packed, ...Array.from({ length: 100 }, () => gzipSync(''))])
  other.answer.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': padded.length }).end(padded)
  expect(padded.length).toBeGreaterThan(1_000)
  expect(await other.sent).toMatchObject({ type: 'answer', body: Buffer.from('{}') })
})
