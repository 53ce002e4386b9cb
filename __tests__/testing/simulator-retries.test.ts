/** When and how the simulator retries. Uses real sockets, without Express. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createTradecloudSimulator } from '../../lib/testing/simulator'
import { until } from './simulator-receiver'
import { senderForEach, tradecloud, webhook } from './simulator-rig'

senderForEach()

/** URL of a port on which nothing listens. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}/`
}

describe('retries', () => {
  it('wait longer each time, up to the longest wait', async () => {
    webhook.answers.push(503, 503, 503, 503, 503)
    const report = await tradecloud.send({
      url: webhook.url,
      event: {},
      retry: { startMs: 10, factor: 3, maxDelayMs: 60 },
    })
    const waits = report.attempts.map(({ waitedMs }) => waitedMs)
    expect(waits).toEqual([0, 10, 30, 60, 60, 60])
    webhook.received.slice(1).forEach(({ at }, n) => {
      expect(at - webhook.received[n]!.at).toBeGreaterThanOrEqual(waits[n + 1]! - 2)
    })
  })

  it('wait a random part less with jitter', async () => {
    webhook.answers.push(...Array<number>(8).fill(503))
    const { attempts } = await tradecloud.send({
      url: webhook.url,
      event: {},
      retry: { startMs: 8, factor: 1, jitter: true },
    })
    const waits = attempts.slice(1).map(({ waitedMs }) => waitedMs)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(4)
    expect(Math.max(...waits)).toBeLessThanOrEqual(8)
    expect(new Set(waits).size).toBeGreaterThan(1)
  })

  it('send the same bytes and headers, whatever becomes of the object meanwhile', async () => {
    const event = { eventName: 'X', price: 1.1 }
    const bytes = Buffer.from('bytes')
    webhook.answers.push(503, 503)
    const sending = tradecloud.send({ url: webhook.url, event, auth: { type: 'bearer', token: 't' } })
    event.price = 2
    const report = await sending
    webhook.answers.push(503)
    const sendingBytes = tradecloud.send({ url: webhook.url, event: bytes })
    bytes.fill('x')
    await sendingBytes
    expect(webhook.received.map(({ body }) => body.toString())).toEqual([
      ...Array<string>(3).fill('{"eventName":"X","price":1.1}'),
      'bytes',
      'bytes',
    ])
    expect(webhook.received[2]!.headers).toEqual(webhook.received[0]!.headers)
    expect(report.sentBody!.equals(webhook.received[0]!.body)).toBe(true)
  })

  it('end after maxAttempts as still retrying', async () => {
    webhook.answers.push(503, 503, 503, 503)
    const report = await tradecloud.send({ url: webhook.url, event: {}, retry: { maxAttempts: 3 } })
    expect(report.result).toBe('still retrying')
    expect(report.attempts).toHaveLength(3)
    expect(webhook.received).toHaveLength(3)
  })

  it('end by themselves where nothing listens, with a result that says so', async () => {
    const dead = await deadUrl()
    const own = await createTradecloudSimulator({ retry: { startMs: 1, factor: 1, speed: 10 } })
    const report = await own.send({ url: dead, event: {} })
    expect(report.result).toBe('unreachable')
    expect(report.attempts).toHaveLength(7)
    expect(report.attempts.every(({ error, status }) => status === undefined && 'code' in error!)).toBe(true)
    expect(report.attempts[0]!.error).toMatchObject({ code: 'ECONNREFUSED' })
    const all = await own.sendAll([
      { url: dead, event: {} },
      { url: 'http://nothing.invalid/', event: {} },
    ])
    expect(all.stillRetrying.map(({ result }) => result)).toEqual(['unreachable', 'unreachable'])
    expect(own.report().stillRetrying).toHaveLength(3)
    await own.close()
  })

  it('end by themselves where TLS is spoken to a receiver that does not know it', async () => {
    const own = await createTradecloudSimulator({ retry: { startMs: 1, factor: 1, speed: 10 } })
    expect((await own.send({ url: webhook.url.replace('http:', 'https:'), event: {} })).result).toBe('unreachable')
    await own.close()
  })

  it('go on while a receiver that has answered is away', async () => {
    const server = createServer((_req, res) => res.writeHead(503).end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ending = new AbortController()
    const url = `http://127.0.0.1:${port}/`
    const own = await createTradecloudSimulator({ retry: { startMs: 1, factor: 1 } })
    const sending = own.send({ url, event: {}, signal: ending.signal })
    await until(() => own.report().sent[0]!.attempts.length > 0)
    server.closeAllConnections()
    server.close()
    await until(() => {
      const { result, attempts } = own.report().sent[0]!
      return result === 'unreachable' || attempts.filter(({ error }) => error !== undefined).length > 20
    })
    ending.abort()
    expect((await sending).result).toBe('still retrying')
    await own.close()
  })

  it('go on where connections are cut: something listens there', async () => {
    webhook.answers.push(...Array.from({ length: 10 }, () => (socket: Socket) => void socket.destroy()))
    const retry = { startMs: 1, factor: 1 }
    const report = await tradecloud.send({ url: webhook.url, event: {}, retry })
    expect(report.result).toBe('delivered')
    expect(report.attempts).toHaveLength(11)
  })

  it('go on while a receiver is away whose connections were only cut before', async () => {
    webhook.answers.push((socket) => void socket.destroy())
    const own = await createTradecloudSimulator({ retry: { startMs: 1, factor: 1 } })
    const sending = own.send({ url: webhook.url, event: {} })
    await until(() => own.report().sent[0]!.attempts.length > 0)
    await webhook.stop()
    await until(() => {
      const { result, attempts } = own.report().sent[0]!
      return result === 'unreachable' || attempts.length > 20
    })
    await webhook.restart()
    expect((await sending).result).toBe('delivered')
    await own.close()
  })

  it('go by maxAttempts where it is set, also where nothing listens', async () => {
    const retry = { startMs: 1, factor: 1, maxAttempts: 9 }
    const report = await tradecloud.send({ url: await deadUrl(), event: {}, retry })
    expect(report.result).toBe('still retrying')
    expect(report.attempts).toHaveLength(9)
  })

  it('take the retry options of the simulator where a trigger has none', async () => {
    const own = await createTradecloudSimulator({ retry: { startMs: 3, factor: 1, maxAttempts: 2 } })
    webhook.answers.push(503, 503, 503, 503, 503)
    const first = await own.send({ url: webhook.url, event: {} })
    const second = await own.send({ url: webhook.url, event: {}, retry: { maxAttempts: 3, startMs: undefined } })
    await own.close()
    expect(first.attempts.map(({ waitedMs }) => waitedMs)).toEqual([0, 3])
    expect(second.attempts.map(({ waitedMs }) => waitedMs)).toEqual([0, 3, 3])
  })

  it('end at an abort during the wait, and during an attempt', async () => {
    const waiting = new AbortController()
    webhook.answers.push(503)
    const retry = { startMs: 60_000, maxDelayMs: 60_000 }
    const first = tradecloud.send({ url: webhook.url, event: {}, retry, signal: waiting.signal })
    await until(() => tradecloud.report().stillRetrying[0]?.attempts.length === 1)
    waiting.abort()
    expect(await first).toMatchObject({ result: 'still retrying', attempts: [{ status: 503 }] })

    const hanging = new AbortController()
    webhook.answers.push(() => hanging.abort())
    const second = await tradecloud.send({ url: webhook.url, event: {}, signal: hanging.signal })
    expect(second.result).toBe('still retrying')
    expect(second.attempts).toHaveLength(1)
    expect(second.attempts[0]!.error).toMatchObject({ name: 'AbortError' })
  })
})
