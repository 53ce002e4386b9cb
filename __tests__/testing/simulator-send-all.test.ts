/** Many triggers at once: concurrency, duplicates, order and seeds. Uses real sockets. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTradecloudSimulator } from '../../lib/testing/simulator'
import { until } from './simulator-receiver'
import { senderForEach, tradecloud, webhook } from './simulator-rig'

senderForEach()

const triggers = (count: number, url = webhook.url) => {
  return Array.from({ length: count }, (_, n) => ({ url, event: { eventName: 'X', n } }))
}
const numbers = () => webhook.received.map(({ body }) => JSON.parse(body.toString()).n as number)
const sorted = (list: number[]) => [...list].sort((one, other) => one - other)

describe('sendAll', () => {
  it('sends all, in their order one at a time, and reports them', async () => {
    webhook.answers.push(200, 400, 202)
    const given = triggers(4)
    const report = await tradecloud.sendAll(given.values(), { concurrency: 1 })
    expect(numbers()).toEqual([0, 1, 2, 3])
    expect(report.sent.map(({ trigger }) => trigger)).toEqual(given)
    expect(report.sent[2]!.trigger).toBe(given[2])
    expect(report.delivered.map(({ trigger }) => given.indexOf(trigger as never))).toEqual([0, 2, 3])
    expect(report.givenUp.map(({ trigger }) => given.indexOf(trigger as never))).toEqual([1])
    expect([report.stillRetrying, report.retried, report.duplicates]).toEqual([[], [], []])
    expect(tradecloud.report()).toEqual(report)
    expect(await tradecloud.sendAll([])).toMatchObject({ sent: [] })
  })

  it('limits concurrent requests, including retries', async () => {
    const open: ServerResponse[] = []
    const statuses = Array<number>(10).fill(503)
    let most = 0
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        most = Math.max(most, open.push(response))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const sending = tradecloud.sendAll(triggers(12, url), { concurrency: 3 })
      await until(() => most === 3)
      const finish = setInterval(
        () =>
          open
            .shift()
            ?.writeHead(statuses.shift() ?? 200)
            .end(),
        1,
      )
      const { delivered } = await sending
      clearInterval(finish)
      expect(delivered).toHaveLength(12)
      expect(most).toBe(3)
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('lets newer events overtake one that waits for its retry', async () => {
    webhook.answers.push(503)
    const { retried, delivered } = await tradecloud.sendAll(triggers(3), { concurrency: 1 })
    expect(numbers()).toEqual([0, 1, 2, 0])
    expect(retried).toHaveLength(1)
    expect(delivered).toHaveLength(3)
  })

  it('sends some twice, the same bytes, behind the first one', async () => {
    const report = await tradecloud.sendAll(triggers(5), { concurrency: 1, duplicates: 4 })
    expect(report.sent).toHaveLength(9)
    expect(report.duplicates).toHaveLength(4)
    expect(new Set(numbers()).size).toBe(5)
    const seen = new Set<number>()
    for (const { trigger, duplicate, sentBody } of report.sent) {
      const { n } = (trigger as ReturnType<typeof triggers>[0]).event
      expect(duplicate).toBe(seen.has(n))
      expect(String(sentBody)).toBe(JSON.stringify({ eventName: 'X', n }))
      seen.add(n)
    }
    // Without `shuffle`, the first attempts keep their order.
    expect(report.sent.filter(({ duplicate }) => !duplicate).map(({ trigger }) => trigger)).toEqual(triggers(5))
  })

  it('shuffles, and a seed repeats it', async () => {
    const orderOf = async (options: object, from = tradecloud) => {
      webhook.received.length = 0
      await from.sendAll(triggers(20), { concurrency: 1, ...options })
      return numbers()
    }
    const inOrder = Array.from({ length: 20 }, (_, n) => n)
    const shuffled = await orderOf({ shuffle: true })
    expect(shuffled).not.toEqual(inOrder)
    expect(sorted(shuffled)).toEqual(inOrder)
    const first = await orderOf({ shuffle: true, duplicates: 5, seed: 7 })
    expect(first).toHaveLength(25)
    expect(await orderOf({ shuffle: true, duplicates: 5, seed: 7 })).toEqual(first)
    expect(await orderOf({ shuffle: true, duplicates: 5, seed: 8 })).not.toEqual(first)

    const own = await createTradecloudSimulator({ seed: 7 })
    const same = await orderOf({ shuffle: true, duplicates: 5 }, own)
    await own.close()
    expect(same).toEqual(first)
  })

  it('ends with close: what was not sent yet never is', async () => {
    webhook.answers.push(() => undefined)
    const sending = tradecloud.sendAll(triggers(5), { concurrency: 1 })
    await until(() => webhook.received.length === 1)
    await tradecloud.close()
    const { sent, stillRetrying } = await sending
    expect(sent.map(({ attempts }) => attempts.length)).toEqual([1, 0, 0, 0, 0])
    expect(stillRetrying).toHaveLength(5)
    expect(webhook.received).toHaveLength(1)
    await expect(tradecloud.sendAll([])).rejects.toThrow('closed')
  })

  it('drops a trigger whose signal aborts while it waits for its turn', async () => {
    let answer: () => void = () => undefined
    webhook.answers.push((socket) => {
      answer = () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    })
    const waiting = new AbortController()
    const [first, second, third] = triggers(3)
    const given = [first!, { ...second!, signal: waiting.signal }, third!]
    const sending = tradecloud.sendAll(given, { concurrency: 1 })
    await until(() => webhook.received.length === 1)
    waiting.abort()
    answer()
    const { delivered, stillRetrying } = await sending
    expect(delivered.map(({ trigger }) => trigger)).toEqual([first, third])
    expect(stillRetrying).toMatchObject([{ attempts: [] }])
    expect(numbers()).toEqual([0, 2])
  })

  it.each([
    [{ concurrency: 0 }, 'concurrency'],
    [{ duplicates: -1 }, 'duplicates'],
    [{ duplicates: 0.5 }, 'duplicates'],
    [{ seed: 0.5 }, 'seed'],
  ])('refuses %j, and sends nothing', async (options, named) => {
    await expect(tradecloud.sendAll(triggers(1), options)).rejects.toThrow(named)
    expect(tradecloud.report().sent).toEqual([])
  })

  it('refuses all for one trigger that cannot be sent', async () => {
    await expect(tradecloud.sendAll([...triggers(2), { url: 'ftp://h/' }])).rejects.toThrow('ftp://h/')
    expect(tradecloud.report().sent).toEqual([])
    expect(webhook.received).toEqual([])
  })
})

describe('speed and seed', () => {
  it('let hours of back-off pass in no time, and reports still show them', async () => {
    webhook.answers.push(503, 503, 503)
    const hour = 3_600_000
    const { result, attempts } = await tradecloud.send({
      url: webhook.url,
      event: {},
      retry: { startMs: hour, maxDelayMs: 2 * hour, speed: 1e6 },
    })
    expect(result).toBe('delivered')
    expect(attempts.map(({ waitedMs }) => waitedMs)).toEqual([0, hour, 2 * hour, 2 * hour])
    await expect(tradecloud.send({ url: webhook.url, retry: { speed: 0 } })).rejects.toThrow('speed')
  })

  it('repeat the jitter, each sending with its own', async () => {
    const waits = async (seed: number) => {
      const own = await createTradecloudSimulator({ seed, retry: { startMs: 2, factor: 1, jitter: true } })
      webhook.answers.push(503, 503, 503)
      const first = await own.send({ url: webhook.url, event: {} })
      webhook.answers.push(503, 503, 503)
      const second = await own.send({ url: webhook.url, event: {} })
      await own.close()
      return [first, second].map(({ attempts }) => attempts.map(({ waitedMs }) => waitedMs))
    }
    const [first, second] = await waits(3)
    expect(await waits(3)).toEqual([first, second])
    expect(second).not.toEqual(first)
    expect((await waits(4))[0]).not.toEqual(first)
  })

  it('leave the clock alone, which tells when each attempt began', async () => {
    const own = await createTradecloudSimulator({ startAt: new Date(1000), retry: { startMs: 2 } })
    webhook.answers.push(() => own.clock.advance(500), 200)
    const sending = own.send({ url: webhook.url, event: {}, timeoutMs: 50 })
    const { attempts } = await sending
    await own.close()
    expect(attempts.map(({ at }) => at)).toEqual([1000, 1500])
  })
})
