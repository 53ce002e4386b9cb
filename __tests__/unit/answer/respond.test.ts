/**
 * The table of responses: every row is right, no status is 500, and a response arrives even while the sender is still
 * sending.
 */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { answerFor, send, type Answer, type Outcome, type Result } from '../../../lib/answer/respond'

const REQUEST_ID = '6b1e2c2e-0000-4000-8000-000000000000'
const answer = (result: Result, refusals: 'final' | 'retry' = 'final') => answerFor(result, REQUEST_ID, refusals)
const bodyOf = ({ body }: Answer) => JSON.parse(body) as Record<string, unknown>

/** Outcome, its status, and its status with `refusals: 'retry'`. */
const TABLE: Array<[Outcome, number, number]> = [
  ['delivered', 200, 200],
  ['duplicate', 200, 200],
  ['ignored', 200, 200],
  ['malformed_body', 400, 503],
  ['invalid_body', 400, 503],
  ['invalid_id', 400, 503],
  ['rejected', 422, 422],
  ['unauthorized', 401, 503],
  ['address_not_allowed', 403, 403],
  ['not_found', 404, 404],
  ['method_not_allowed', 405, 405],
  ['body_too_large', 413, 503],
  ['unsupported_media_type', 415, 503],
  ['fetch_failed', 502, 502],
  ['fetch_timeout', 504, 504],
  ['answer_timeout', 504, 504],
  ['handler_failed', 503, 503],
  ['in_progress', 503, 503],
  ['unavailable', 503, 503],
  ['not_routed', 503, 503],
  ['probe', 200, 200],
]

describe('the table', () => {
  it.each(TABLE)('%s is answered %i, with refusals: retry %i', (outcome, status, retryStatus) => {
    expect(answer({ outcome }).status).toBe(status)
    expect(answer({ outcome }, 'retry').status).toBe(retryStatus)
  })

  it.each(TABLE)('%s has headers and a body that belong to its status', (outcome) => {
    for (const refusals of ['final', 'retry'] as const) {
      const { status, headers, body, detail, givenUp } = answer({ outcome }, refusals)
      expect(headers['Cache-Control']).toBe('no-store')
      expect(headers['Content-Length']).toBe(String(Buffer.byteLength(body)))
      expect(Number(headers['Retry-After'] ?? 0) > 0).toBe(status === 503)
      expect(givenUp).toBe(status >= 400 && status < 500)
      expect(detail).toMatch(/^[A-Z].*\.$/)
      if (status === 200) {
        expect(headers['Content-Type']).toBe('application/json')
        expect(bodyOf({ body } as Answer)).toEqual({ outcome })
      } else {
        expect(headers['Content-Type']).toBe('application/problem+json')
        expect(bodyOf({ body } as Answer)).toEqual({
          title: expect.stringMatching(/./),
          status,
          detail,
          code: outcome,
          requestId: REQUEST_ID,
        })
      }
    }
  })

  it('has a detail of its own in each row', () => {
    expect(new Set(TABLE.map(([outcome]) => answer({ outcome }).detail)).size).toBe(TABLE.length)
  })

  it('never answers 500, nor 1xx, 3xx or 501, for anything', () => {
    for (const [outcome] of TABLE) {
      for (const refusals of ['final', 'retry'] as const) {
        for (const retry of [undefined, false, true]) {
          for (const status of [undefined, 400, 401, 409, 422, 429, 451, 499]) {
            const given = answer({ outcome, retry, status }, refusals)
            expect([200, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 451, 499, 502, 503, 504]).toContain(
              given.status,
            )
            expect(given.givenUp).toBe(given.status >= 400 && given.status < 500)
          }
        }
      }
    }
  })
})

describe('details of an answer', () => {
  it('a title says what the status means', () => {
    expect(bodyOf(answer({ outcome: 'unavailable' })).title).toBe('Service Unavailable')
    expect(bodyOf(answer({ outcome: 'rejected', status: 499 })).title).toBe('Refused')
  })

  it('the words of a result win over those of the table', () => {
    const given = answer({ outcome: 'malformed_body', detail: 'Not "JSON" – at 7.' })
    expect(given.detail).toBe('Not "JSON" – at 7.')
    expect(bodyOf(given).detail).toBe('Not "JSON" – at 7.')
    expect(given.headers['Content-Length']).toBe(String(Buffer.byteLength(given.body)))
  })

  it('a rejected event is answered with the status that the callback chose, also while refusals are retried', () => {
    for (const refusals of ['final', 'retry'] as const) {
      expect(answer({ outcome: 'rejected', status: 409 }, refusals)).toMatchObject({ status: 409, givenUp: true })
    }
  })

  it('an ID that may still appear is answered 503', () => {
    const given = answer({ outcome: 'not_found', retry: true })
    expect(given).toMatchObject({ status: 503, givenUp: false })
    expect(given.headers['Retry-After']).toBeDefined()
    expect(bodyOf(given)).toMatchObject({ code: 'not_found', status: 503 })
    expect(answer({ outcome: 'not_found', retry: false }).status).toBe(404)
  })

  it('a wrong address is answered 503 where credentials came along', () => {
    for (const refusals of ['final', 'retry'] as const) {
      const given = answer({ outcome: 'address_not_allowed', retry: true }, refusals)
      expect(given).toMatchObject({ status: 503, givenUp: false })
      expect(given.headers['Retry-After']).toBeDefined()
      expect(answer({ outcome: 'address_not_allowed' }, refusals)).toMatchObject({ status: 403, givenUp: true })
    }
  })

  it('deliveryId and issues are passed on', () => {
    const issues = [{ pointer: '/a', message: 'must be number' }]
    const more = { deliveryId: 'd', issues }
    expect(bodyOf(answer({ outcome: 'delivered', ...more }))).toEqual({ outcome: 'delivered', deliveryId: 'd' })
    expect(bodyOf(answer({ outcome: 'invalid_body', ...more }))).toMatchObject(more)
  })

  it('headers of the result are sent, and cannot replace those of the answer', () => {
    const headers = { Allow: 'GET', 'Cache-Control': 'public', 'Content-Length': '1', 'Content-Type': 'text/html' }
    expect(answer({ outcome: 'method_not_allowed', headers }).headers).toMatchObject({
      Allow: 'GET',
      'Cache-Control': 'no-store',
      'Content-Type': 'application/problem+json',
    })
    expect(answer({ outcome: 'method_not_allowed', headers }).headers['Content-Length']).not.toBe('1')
  })

  it('the cause is never sent', () => {
    for (const [outcome] of TABLE) {
      const given = answer({ outcome, cause: new Error('password hunter2') })
      expect(JSON.stringify(given)).not.toContain('hunter2')
    }
  })
})

describe('sending', () => {
  let server: Server
  let port: number
  let handle: (req: IncomingMessage, res: ServerResponse) => void

  beforeEach(async () => {
    server = createServer((req, res) => {
      req.on('error', () => undefined)
      handle(req, res)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  /**
   * Sends bytes, and resolves with everything that the server writes until it closes the connection, or until `enough`
   * returns true.
   */
  function raw(bytes: Buffer | string, enough: (text: string) => boolean = () => false) {
    return new Promise<{ text: string; closed: boolean }>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        text += chunk.toString()
        if (!enough(text)) return
        resolve({ text, closed: false })
        socket.destroy()
      })
      socket.on('close', () => resolve({ text, closed: true }))
      socket.write(bytes)
    })
  }

  interface Got {
    status: number | undefined
    headers: IncomingMessage['headers']
    body: string
  }

  function get(method = 'GET') {
    return new Promise<Got>((resolve, reject) => {
      request({ port, method, agent: false }, (res) => {
        let body = ''
        res.on('data', (chunk: Buffer) => (body += chunk.toString()))
        res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body }))
      })
        .on('error', reject)
        .end()
    })
  }

  it('writes status, headers and body', async () => {
    const given = answer({ outcome: 'unavailable', detail: 'Später – vielleicht.' })
    const sent: boolean[] = []
    handle = (req, res) => void req.resume().on('end', () => sent.push(send(req, res, given)))
    const response = await get()
    expect(response).toMatchObject({ status: 503, body: given.body })
    expect(response.headers).toMatchObject({ 'retry-after': '10', 'cache-control': 'no-store' })
    expect(sent).toEqual([true])
  })

  it('answers once only', async () => {
    const sent: boolean[] = []
    handle = (req, res) =>
      void req.resume().on('end', () => {
        for (const outcome of ['delivered', 'unavailable'] as const) sent.push(send(req, res, answer({ outcome })))
      })
    expect((await get()).status).toBe(200)
    expect(sent).toEqual([true, false])
  })

  it('does not change a response that other code has begun or ended', async () => {
    const sent: boolean[] = []
    handle = (req, res) => {
      res.writeHead(418)
      sent.push(send(req, res, answer({ outcome: 'delivered' })))
      res.end('tea')
      sent.push(send(req, res, answer({ outcome: 'delivered' })))
    }
    expect(await get()).toMatchObject({ status: 418, body: 'tea' })
    expect(sent).toEqual([false, false])
  })

  it('does not answer a client that is gone', async () => {
    const sent = new Promise<boolean>((resolve) => {
      handle = (req, res) => void res.once('close', () => resolve(send(req, res, answer({ outcome: 'delivered' }))))
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', () => setTimeout(() => socket.destroy(), 20))
    expect(await sent).toBe(false)
  })

  it.each<[string, Outcome, boolean]>([
    ['keeps the connection after a processed event', 'delivered', false],
    ['keeps the connection for a retry', 'unavailable', false],
    ['closes it after a refusal', 'unauthorized', true],
  ])('%s', async (_what, outcome, closes) => {
    handle = (req, res) => void req.resume().on('end', () => send(req, res, answer({ outcome })))
    const post = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}'
    const { text, closed } = await raw(post, (all) => !closes && all.endsWith('}'))
    expect(closed).toBe(closes)
    expect(/^connection: close/im.test(text)).toBe(closes)
  })

  describe('while the body is still coming', () => {
    const turns = async (count: number) => {
      for (let i = 0; i < count; i++) await new Promise(setImmediate)
    }
    /** Advances the clock, and waits until its timers have taken effect. */
    const seconds = async (count: number) => {
      jest.advanceTimersByTime(count * 1_000)
      await turns(20)
    }
    const head = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`
    const given = answer({ outcome: 'unavailable' })
    /** `send` adds listeners to the request, and must remove them later. Returns how many are left. */
    let left: () => number

    beforeEach(() => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] })
      handle = (req, res) => {
        const listeners = () => [...req.listeners('end'), ...req.listeners('close')]
        const before = listeners()
        expect(send(req, res, given)).toBe(true)
        const ours = listeners().filter((listener) => !before.includes(listener))
        left = () => listeners().filter((listener) => ours.includes(listener)).length
        expect(left()).toBeGreaterThan(0)
      }
    })
    afterEach(() => jest.useRealTimers())

    it('the answer arrives whole, and the connection is closed once all has come', async () => {
      const { text, closed } = await raw(Buffer.concat([Buffer.from(head(5_000_000)), Buffer.alloc(5_000_000, 'x')]))
      expect(text).toMatch(/^HTTP\/1\.1 503 /)
      expect(text.endsWith(given.body)).toBe(true)
      expect(text).toMatch(/^connection: close/im)
      expect(closed).toBe(true)
      expect(left()).toBe(0)
      expect(jest.getTimerCount()).toBe(0)
    })

    it('the answer waits for a sender that stops in the middle, until it was silent for a second', async () => {
      let text = ''
      let closed = false
      const answering = raw(`${head(500)}12345`, (all) => {
        text = all
        return false
      })
      void answering.then(() => (closed = true))
      while (!text.endsWith(given.body)) await turns(1)
      // `send` checks every second whether bytes have arrived. If the five bytes arrive in the first second, the
      // response ends after two seconds. Otherwise the response ends after one second.
      await seconds(0.9)
      expect(closed).toBe(false)
      await seconds(1.1)
      expect(await answering).toMatchObject({ closed: true })
      expect(left()).toBe(0)
    })

    it('the answer waits for a sender that goes on, for five seconds', async () => {
      let received = 0
      const handleAndCount = handle
      handle = (req, res) => {
        handleAndCount(req, res)
        req.on('data', (chunk: Buffer) => (received += chunk.length))
      }
      const socket = connect(port, '127.0.0.1')
      const closed = new Promise<void>((resolve) => socket.on('error', () => undefined).on('close', () => resolve()))
      socket.resume().write(head(500))
      const onTheWay = async () => {
        const before = received
        socket.write('x')
        while (received === before) await turns(1)
      }
      for (let second = 1; second <= 4; second++) {
        await onTheWay()
        await seconds(1)
        expect(socket.readableEnded).toBe(false)
      }
      await onTheWay()
      await seconds(1)
      await closed
      expect(left()).toBe(0)
    })

    it('a sender that hangs up is not waited for', async () => {
      await raw(`${head(500)}12345`, (all) => all.endsWith(given.body))
      for (let i = 0; i < 200 && jest.getTimerCount() > 0; i++) await turns(1)
      expect(jest.getTimerCount()).toBe(0)
      expect(left()).toBe(0)
    })
  })

  it('once the body has come is ended at once', async () => {
    const ended: boolean[] = []
    handle = (req, res) =>
      void req.resume().on('end', () => {
        send(req, res, answer({ outcome: 'delivered' }))
        ended.push(res.writableEnded)
      })
    await raw('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}', (all) => all.endsWith('}'))
    expect(ended).toEqual([true])
  })

  it('of HTTP/2 closes no connection: it carries other requests', () => {
    const heads: unknown[] = []
    const res = { writeHead: (...args: unknown[]) => heads.push(args), end: () => undefined }
    const req = { complete: true, httpVersionMajor: 2 }
    const refused = answer({ outcome: 'unauthorized' })
    expect(send(req as unknown as IncomingMessage, res as unknown as ServerResponse, refused)).toBe(true)
    expect(heads).toEqual([[401, refused.headers]])
  })

  it('of a GET closes nothing early', async () => {
    const done: boolean[] = []
    handle = (req, res) => {
      send(req, res, answer({ outcome: 'delivered' }))
      res.on('finish', () => done.push(true))
    }
    expect((await get()).status).toBe(200)
    expect(done).toEqual([true])
  })

  it('reaches a HEAD also where the server refuses to write a body then', async () => {
    const strict = createServer({ rejectNonStandardBodyWrites: true }, (req, res) => {
      try {
        send(req, res, answer({ outcome: 'method_not_allowed' }))
      } catch {
        res.destroy()
      }
    })
    await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve))
    const { port: strictPort } = strict.address() as AddressInfo
    const seen = await new Promise((resolve) => {
      const head = request({ port: strictPort, method: 'HEAD', agent: false }, (res) => resolve(res.statusCode))
      head.on('error', resolve).end()
    })
    strict.close()
    expect(seen).toBe(405)
  })

  it('to a HEAD has no body', async () => {
    handle = (req, res) => void send(req, res, answer({ outcome: 'method_not_allowed', headers: { Allow: 'GET' } }))
    expect(await get('HEAD')).toMatchObject({ status: 405, body: '', headers: { allow: 'GET' } })
  })
})
