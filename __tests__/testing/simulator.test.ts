/** How the simulator rates responses, what it reports, and how it ends. Uses real sockets, without Express. */
import { execFile } from 'node:child_process'
import type { IncomingMessage } from 'node:http'
import { resolve as resolvePath } from 'node:path'
import type { ApiFault } from '../../lib/testing/api/faults'
import type { Trigger } from '../../lib/testing/sender/trigger'
import { createTradecloudSimulator } from '../../lib/testing/simulator'
import { until, type Reaction } from './simulator-receiver'
import { senderForEach, tradecloud, webhook } from './simulator-rig'

senderForEach()

describe('the judgement of an answer', () => {
  const send = () => tradecloud.send({ url: webhook.url, event: { eventName: 'X' } })

  it.each([200, 201, 202, 204, 299])('takes %d for delivered', async (status) => {
    webhook.answers.push(status)
    expect(await send()).toMatchObject({ result: 'delivered', attempts: [{ status, verdict: 'delivered' }] })
  })

  it.each([400, 401, 403, 404, 408, 409, 413, 422, 429, 499, 500])('gives up at %d', async (status) => {
    webhook.answers.push(status)
    expect(await send()).toMatchObject({ result: 'given up', attempts: [{ status, verdict: 'given up' }] })
    expect(webhook.received).toHaveLength(1)
  })

  it.each([301, 302, 304, 307])('gives up at %d and does not follow it', async (status) => {
    webhook.answers.push(status)
    expect(await send()).toMatchObject({ result: 'given up', attempts: [{ status }] })
    expect(webhook.received).toHaveLength(1)
  })

  it.each([501, 502, 503, 504, 511, 599])('tries again after %d', async (status) => {
    webhook.answers.push(status, status)
    const report = await send()
    expect(report.result).toBe('delivered')
    expect(report.attempts.map((attempt) => [attempt.status, attempt.verdict])).toEqual([
      [status, 'retry'],
      [status, 'retry'],
      [200, 'delivered'],
    ])
  })

  it('gives up in the middle of retries', async () => {
    webhook.answers.push(503, 500)
    expect(await send()).toMatchObject({ result: 'given up', attempts: [{ status: 503 }, { status: 500 }] })
    expect(webhook.received).toHaveLength(2)
  })

  it('tells status, headers and body of each answer', async () => {
    webhook.answers.push(503)
    const [first, second] = (await send()).attempts
    expect(first).toMatchObject({ status: 503, body: 'answer 503', headers: { 'x-answer': 'yes' } })
    expect(second).toMatchObject({ status: 200, body: 'answer 200' })
    expect(first!.error).toBeUndefined()
    expect(first!.durationMs).toBeGreaterThan(0)
  })

  it('tries again where no whole answer came', async () => {
    webhook.answers.push(
      (socket) => void socket.destroy(),
      (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
    )
    const report = await send()
    expect(report.result).toBe('delivered')
    expect(report.attempts.map(({ status }) => status)).toEqual([undefined, undefined, 200])
    expect(report.attempts.map(({ error }) => error !== undefined)).toEqual([true, true, false])
  })

  it('retries if nothing listens', async () => {
    await webhook.stop()
    const sending = send()
    await until(() => tradecloud.report().retried.length === 1)
    await webhook.restart()
    const report = await sending
    expect(report.result).toBe('delivered')
    expect(report.attempts[0]!.error).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('tries again after an answer that took too long to begin or to end', async () => {
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'
    let closed = 0
    webhook.answers.push(
      (socket) => void socket.once('close', () => closed++),
      (socket) => void socket.once('close', () => closed++).write(half),
    )
    const report = await tradecloud.send({ url: webhook.url, event: {}, timeoutMs: 200 })
    expect(report.attempts.map(({ status, error }) => error?.message ?? status)).toEqual([
      'no complete response within 200 ms',
      'no complete response within 200 ms',
      200,
    ])
    expect(report.attempts[0]!.durationMs).toBeGreaterThanOrEqual(190)
    await until(() => closed === 2)
  })

  it('counts an answer that came before the body was read', async () => {
    webhook.server.removeAllListeners('request')
    webhook.server.on('request', (request: IncomingMessage, response) => {
      response.writeHead(401, { Connection: 'close' }).end('no')
      request.resume()
    })
    const report = await tradecloud.send({ url: webhook.url, event: Buffer.alloc(5_000_000, ' ') })
    expect(report).toMatchObject({ result: 'given up', attempts: [{ status: 401, body: 'no' }] })
  })
})

describe('the report', () => {
  it('lists every trigger by what became of it', async () => {
    const send = (event: string, ...answers: Reaction[]) => {
      webhook.answers.push(...answers)
      return tradecloud.send({ url: webhook.url, event, retry: { maxAttempts: 2 } })
    }
    await send('a', 200)
    await send('b', 503, 202)
    await send('c', 400)
    await send('d', 503, 500)
    await send('e', 503, 503)
    const report = tradecloud.report()
    const names = Object.entries({ ...report }).map(([list, triggers]) => {
      return [list, triggers.map(({ sentBody }) => String(sentBody))]
    })
    expect(Object.fromEntries(names)).toEqual({
      sent: ['a', 'b', 'c', 'd', 'e'],
      delivered: ['a', 'b'],
      givenUp: ['c', 'd'],
      stillRetrying: ['e'],
      retried: ['b', 'd', 'e'],
      duplicates: [],
    })
  })

  it('shows a trigger under way, and does not change once it was made', async () => {
    let answer: () => void = () => undefined
    webhook.answers.push(503, (socket) => {
      answer = () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    const sending = tradecloud.send({ url: webhook.url, event: {} })
    await until(() => webhook.received.length === 2)
    const before = tradecloud.report()
    answer()
    await sending
    expect(before.stillRetrying).toMatchObject([{ result: 'still retrying', attempts: [{ status: 503 }] }])
    expect(before.stillRetrying[0]!.attempts).toHaveLength(1)
    expect(tradecloud.report().stillRetrying).toEqual([])
    expect(tradecloud.report().delivered[0]!.attempts).toHaveLength(2)
  })
})

describe('the simulator', () => {
  it('refuses what it does not know, at every level, and suggests the closest name', async () => {
    const create = (options: object) => createTradecloudSimulator(options)
    for (const [options, message] of [
      [{ user: 'x' }, 'user is not known; expected one of username, '],
      [{ acessTokenMs: 1 }, ': did you mean accessTokenMs?'],
      [{ retry: { maxAttempt: 1 } }, 'retry.maxAttempt is not known; '],
      [
        { rateLimit: { persecond: 1 } },
        'rateLimit.persecond is not known; expected one of perSecond, retryAfter: did you mean',
      ],
      [{ rateLimit: 5 }, 'rateLimit must be an object, not number'],
    ] as const) {
      await expect(create(options)).rejects.toThrow(TypeError)
      await expect(create(options)).rejects.toThrow(message)
    }
    const { url } = webhook
    const send = (trigger: object) => tradecloud.send(trigger as Trigger)
    await expect(send({ url, body: {} })).rejects.toThrow('trigger.body is not known; expected one of url, ')
    await expect(send({ url, retry: { times: 1 } })).rejects.toThrow('retry.times is not known')
    await expect(send({ url, auth: { type: 'oauth', token: 'x' } })).rejects.toThrow('auth.type must be one of basic, ')
    await expect(send({ url, auth: { type: 'bearer', token: 'x', password: 1 } })).rejects.toThrow(
      'auth.password is not',
    )
    await expect(send({ url, auth: { type: 'bearer', token: 'Bearer x' } })).rejects.toThrow(
      'auth.token must not begin',
    )
    await expect(tradecloud.sendAll([], { parallel: 1 } as object)).rejects.toThrow('parallel is not known')
    expect(webhook.received).toEqual([])
    const { api } = tradecloud
    expect(() => api.fault({ type: 'delay', ms: 1, status: 5 } as ApiFault)).toThrow('fault.status is not known')
    expect(() => api.setDocument('1', { name: 'a.pdf', content: '' } as never)).toThrow('document.name is not known')
  })

  it('refuses a wrong option and names it', async () => {
    await expect(createTradecloudSimulator({ accessTokenMs: -1 })).rejects.toThrow('accessTokenMs')
    await expect(createTradecloudSimulator({ refreshTokenMs: NaN })).rejects.toThrow('refreshTokenMs')
    await expect(createTradecloudSimulator({ retry: { startMs: 0 } })).rejects.toThrow('retry.startMs')
    await expect(createTradecloudSimulator({ downloadLinkMs: 0 })).rejects.toThrow('downloadLinkMs')
    await expect(createTradecloudSimulator({ rateLimit: { perSecond: 0 } })).rejects.toThrow('rateLimit.perSecond')
    await expect(createTradecloudSimulator({ seed: 0.5 })).rejects.toThrow('seed')
    await expect(createTradecloudSimulator({ startAt: new Date('') })).rejects.toThrow('startAt')
    await expect(createTradecloudSimulator({ poll: { cursor: 'last' as 'page' } })).rejects.toThrow('last')
  })

  it('ends with close: sendings under way resolve, no new ones begin, and twice does no harm', async () => {
    webhook.answers.push(503, () => undefined)
    const waiting = tradecloud.send({ url: webhook.url, event: {}, retry: { startMs: 5000 } })
    await until(() => tradecloud.report().stillRetrying[0]?.attempts.length === 1)
    const hanging = tradecloud.send({ url: webhook.url, event: {} })
    await until(() => webhook.received.length === 2)

    await Promise.all([tradecloud.close(), tradecloud.close()])
    expect(await waiting).toMatchObject({ result: 'still retrying', attempts: [{ status: 503 }] })
    expect((await hanging).result).toBe('still retrying')
    await expect(tradecloud.send({ url: webhook.url, event: {} })).rejects.toThrow('closed')
    await expect(fetch(tradecloud.baseUrl)).rejects.toThrow('fetch failed')
  })

  it('leaves nothing open after close: a process of its own ends by itself', async () => {
    // The receiver does not close connections, so the simulator must. Clients of the API also keep connections open: on
    // some they have sent nothing, on others half a request. Every slow fault is active.
    const script = `
      const http = require('node:http')
      const net = require('node:net')
      const { createTradecloudSimulator } = require('./lib/testing/simulator')
      const answers = [200, 200, 503]
      const webhook = http.createServer((request, response) => {
        const status = answers.shift()
        if (status !== undefined) return response.writeHead(status).end()
        tradecloud.close().then(() => {
          setTimeout(() => webhook.getConnections((_, count) => {
            console.log('connections:', count)
            webhook.closeAllConnections()
            webhook.close()
          }), 100)
        })
      })
      webhook.keepAliveTimeout = 0
      let tradecloud
      webhook.listen(0, '127.0.0.1', async () => {
        tradecloud = await createTradecloudSimulator({ retry: { startMs: 60000, maxDelayMs: 60000 } })
        const url = 'http://127.0.0.1:' + webhook.address().port
        const idle = new http.Agent({ keepAlive: true })
        const send = () => tradecloud.send({ url, event: {} })
        http.get(tradecloud.baseUrl + '/order/1', { agent: idle }, async (response) => {
          response.resume()
          const connect = (text) => new Promise((resolve) => {
            const socket = net.connect(new URL(tradecloud.baseUrl).port, '127.0.0.1')
            socket.on('connect', () => socket.write(text, resolve)).on('error', () => undefined).resume()
          })
          await connect('')
          await connect('GET /v2')
          await connect('POST /v2/shipment/poll HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 9\\r\\n\\r\\n{')
          const slow = [
            { type: 'hang' }, { type: 'delay', ms: 60000 }, { type: 'drip', everyMs: 60000 },
            { type: 'huge', bytes: 1e12 }, { type: 'huge', bytes: 1e12, gzip: false },
          ]
          for (const fault of slow) {
            tradecloud.api.fault({ ...fault, endpoint: 'unknown', times: 1 })
            await connect('GET /v2/slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
          }
          while (tradecloud.api.requests.length < 7) await new Promise(setImmediate)
          console.log('faults:', tradecloud.api.requests.filter(({ fault }) => fault).length)
          await Promise.all([send(), send()]) // two connections, of which one stays idle
          send().then(({ result }) => console.log('waiting:', result))
          setTimeout(() => send().then(({ result }) => console.log('hanging:', result)), 50)
        })
      })`
    const output = await new Promise<string>((resolve) => {
      const options = { cwd: resolvePath(__dirname, '../..'), timeout: 15_000 }
      execFile(process.execPath, ['--require', 'tsx/cjs', '--eval', script], options, (error, stdout, stderr) => {
        resolve(`${stdout}${stderr}${error === null ? 'exit 0' : error.message}`)
      })
    })
    expect(output.split('\n').sort()).toEqual([
      'connections: 0',
      'exit 0',
      'faults: 5',
      'hanging: still retrying',
      'waiting: still retrying',
    ])
  })
})
