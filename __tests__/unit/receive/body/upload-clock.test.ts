/**
 * The time limit of a response, on a fake clock: it starts with the last byte of a body, an upload has limits of its
 * own, and the response says what took too long.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import {
  createTradecloudWebhook,
  type Inbox,
  type TradecloudClient,
  type TradecloudWebhookOptions,
} from '../../../../lib/index'
import { orderEvent } from '../../../integration/harness'

beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }))
afterEach(() => jest.useRealTimers())

const never = (): Promise<never> => new Promise(() => undefined)
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}
/** Advances the clock, and waits until its timers have taken effect. */
const pass = async (ms: number): Promise<void> => {
  await turns()
  await jest.advanceTimersByTimeAsync(ms)
  await turns()
}

function setUp(options: Partial<TradecloudWebhookOptions> = {}) {
  const answers: Array<{ outcome: string; status: number; detail: string; cause: unknown }> = []
  const calls: unknown[] = []
  const log: string[] = []
  const webhook = createTradecloudWebhook({
    auth: { type: 'bearer', token: 'token' },
    onOrder: (event) => void calls.push(event),
    onDelivery: ({ outcome, status }) => void answers.push({ outcome, status, detail: '', cause: undefined }),
    onError: ({ message, cause }) => void Object.assign(answers.at(-1) ?? {}, { detail: message, cause }),
    logger: { warn: (line) => log.push(line), error: (line) => log.push(line) },
    ...options,
  })
  log.length = 0
  const send = (method: string, url: string): IncomingMessage => {
    const req = new IncomingMessage(new Socket())
    req.on('error', () => undefined)
    const headers = { authorization: 'Bearer token', 'content-type': 'application/json' }
    Object.assign(req, { method, url, headers, httpVersionMajor: 1, httpVersionMinor: 1 })
    webhook.listener(req, new ServerResponse(req))
    return req
  }
  return { webhook, answers, calls, log, send }
}

function end(req: IncomingMessage): void {
  req.complete = true
  req.push(null)
}

const STEP_MS = 5_000
/** Sends a body byte by byte for `ms`, and then the rest of it. */
async function upload(req: IncomingMessage, ms: number, body = JSON.stringify(orderEvent())): Promise<void> {
  const steps = ms / STEP_MS
  for (let at = 0; at < steps; at++) {
    req.push(Buffer.from(body.slice(at, at + 1)))
    await pass(STEP_MS)
  }
  req.push(Buffer.from(body.slice(steps)))
  end(req)
  await turns()
}

test.each([30_000, 500])('an upload of 235 s is delivered, where an answer may take %i ms', async (answerTimeoutMs) => {
  const { send, answers, calls, log } = setUp({ answerTimeoutMs })
  await upload(send('POST', '/order'), 235_000)
  expect(answers).toMatchObject([{ outcome: 'delivered', status: 200 }])
  expect(calls).toHaveLength(1)
  expect(log).toEqual([])
})

test('an upload of 240 s is ended with 503, and a line in the log', async () => {
  const { send, answers, calls, log } = setUp()
  const req = send('POST', '/order')
  for (let passed = 0; passed < 235_000; passed += STEP_MS) {
    req.push(Buffer.from(' '))
    await pass(STEP_MS)
  }
  await pass(STEP_MS - 1)
  expect(answers).toEqual([])
  await pass(1)
  expect(answers).toMatchObject([{ outcome: 'unavailable', status: 503, detail: 'The upload took longer than 240 s.' }])
  expect(log).toEqual([expect.stringContaining('took longer than 240 s')])
  end(req)
  await pass(1_000)
  expect(calls).toEqual([])
  expect(jest.getTimerCount()).toBe(0)
})

test('an upload that stalls is ended with 503, and a line in the log', async () => {
  const { send, answers, log } = setUp({ answerTimeoutMs: 1_000 })
  const req = send('POST', '/order')
  req.push(Buffer.from('{'))
  await pass(9_999)
  expect(answers).toEqual([])
  await pass(1)
  expect(answers).toMatchObject([{ outcome: 'unavailable', status: 503, detail: 'The upload stalled.' }])
  expect(log).toEqual([expect.stringContaining('No byte arrived for 10000 ms, after 1 bytes.')])
})

const CALLBACK = 'The callback did not finish in time. It continues to run.'
const timedOut = (detail: string) => [{ outcome: 'answer_timeout', status: 504, detail }]

test.each([0, 20_000, 200_000])('after an upload of %i ms the callback has all of its time', async (ms) => {
  const { send, answers } = setUp({ onOrder: never })
  await upload(send('POST', '/order'), ms)
  await pass(29_999)
  expect(answers).toEqual([])
  await pass(1)
  expect(answers).toMatchObject(timedOut(CALLBACK))
})

describe('an answer that is late says what took too long:', () => {
  test('the credentials; what is uploaded meanwhile gets no time of its own', async () => {
    const { send, answers } = setUp({ auth: never })
    send('POST', '/order')
    await pass(30_000)
    expect(answers).toMatchObject(timedOut('The credentials were not checked in time.'))

    let accept: (verdict: boolean) => void = () => undefined
    const other = setUp({ auth: () => new Promise<boolean>((resolve) => (accept = resolve)), onOrder: never })
    const req = other.send('POST', '/order')
    await upload(req, 0)
    await pass(20_000)
    accept(true)
    await pass(9_999)
    expect(other.answers).toEqual([])
    await pass(1)
    expect(other.answers).toMatchObject(timedOut(CALLBACK))
  })

  test('other events before it', async () => {
    const { send, answers } = setUp({ onOrder: never, concurrency: 1 })
    await upload(send('POST', '/order'), 0, JSON.stringify(orderEvent({ orderId: '1' })))
    await upload(send('POST', '/order'), 0, JSON.stringify(orderEvent({ orderId: '2' })))
    await pass(30_000)
    expect(answers).toMatchObject([...timedOut(CALLBACK), ...timedOut('The event waited too long for other events.')])
  })

  test('the fetch, or the callback after it', async () => {
    const FETCH = 'The order or shipment was not fetched in time.'
    const api = { fetchEntity: never, close: never } as unknown as TradecloudClient
    for (const [request, fetch] of [
      ['GET', 'get'],
      ['POST', 'always'],
    ] as const) {
      const { send, answers } = setUp({ api, fetch })
      const req = send(request, '/order/1')
      if (request === 'POST') await upload(req, 0)
      await pass(30_000)
      expect(answers).toMatchObject(timedOut(FETCH))
    }
    const fetched = {
      fetchEntity: () => Promise.resolve({ entity: { id: '1', lines: [] }, contentHash: 'a', removedKeys: [] }),
      close: never,
    }
    const { send, answers } = setUp({ api: fetched as unknown as TradecloudClient, onOrder: never })
    send('GET', '/order/1')
    await pass(30_000)
    expect(answers).toMatchObject(timedOut(CALLBACK))
  })

  test('the inbox', async () => {
    const methods = 'ready accept isWanted take settle list show replay giveUp purge stats close'.split(' ')
    const inbox = { ...Object.fromEntries(methods.map((name) => [name, never])), attach: () => () => undefined }
    const { send, answers } = setUp({ inbox: inbox as unknown as Inbox })
    await upload(send('POST', '/order'), 0)
    await pass(30_000)
    expect(answers).toMatchObject(timedOut('The inbox did not store the event in time.'))
  })
})
