/** The body reader on real sockets: decompression, limits, time-outs, and a budget that always gets its bytes back. */
import { randomBytes } from 'node:crypto'
import { createServer, IncomingMessage, request, type Server } from 'node:http'
import { connect, Socket, type AddressInfo } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { ByteBudget } from '../../../../lib/bytes/pieces'
import type { BodyReading, BodyResult } from '../../../../lib/receive/body/decode'
import { readBody, type ReadBodyOptions } from '../../../../lib/receive/body/read-body'

const BUDGET = 4_000_000
const JSON_TEXT = Buffer.from(JSON.stringify({ lines: Array.from({ length: 3000 }, (_, i) => ({ id: `line ${i}` })) }))

let server: Server
let port: number
/**
 * `budget` and `options` apply to the next request. `arrived` contains the requests that have arrived, each with the
 * reading of its body.
 */
let budget: ByteBudget
let options: ReadBodyOptions
let arrived: Array<{ req: IncomingMessage; reading: BodyReading }>
let onArrival: () => void
let before: (req: IncomingMessage) => void | Promise<void>

beforeEach(async () => {
  budget = new ByteBudget(BUDGET)
  options = { limit: 1_000_000, idleMs: 60_000, budget }
  arrived = []
  onArrival = () => undefined
  before = () => undefined
  server = createServer((req) => {
    void (async () => {
      req.on('error', () => undefined)
      await before(req)
      arrived.push({ req, reading: readBody(req, options) })
      onArrival()
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function next() {
  if (arrived.length === 0) await new Promise<void>((resolve) => (onArrival = resolve))
  return arrived.shift()!
}

/** Joins the bytes of a body into one Buffer, which can be compared. */
const inOne = (result: BodyResult) => (result.ok ? { ...result, bytes: result.bytes.whole } : result)

async function upload(chunks: Buffer[], headers: Record<string, string> = {}) {
  const req = request({ port, method: 'POST', headers, agent: false })
  req.on('error', () => undefined)
  for (const chunk of chunks) req.write(chunk)
  req.end()
  const { reading } = await next()
  const result = await reading.result
  req.destroy()
  return inOne(result)
}

async function start(head: string, body: Buffer | string = '') {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n`)
  socket.write(body)
  return { socket, ...(await next()) }
}

function taken(): number {
  return BUDGET - budget.free
}

const ENCODERS: Array<[string, (bytes: Buffer) => Buffer]> = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  [' GZip ', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
]
const DAMAGED = ENCODERS.filter(([encoding]) => encoding !== 'x-gzip' && encoding !== ' GZip ')

describe('a body', () => {
  it.each([
    ['with its length', { 'Content-Length': String(JSON_TEXT.length) }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
    ['whose encoding is called identity', { 'Content-Encoding': 'Identity', 'Transfer-Encoding': 'chunked' }],
  ])('%s is read byte by byte and stays taken from the budget', async (_how, headers) => {
    const parts = [JSON_TEXT.subarray(0, 10), JSON_TEXT.subarray(10, 20_000), JSON_TEXT.subarray(20_000)]
    const result = await upload(parts, headers)
    expect(result.ok && result.bytes.equals(JSON_TEXT)).toBe(true)
    expect(taken()).toBe(JSON_TEXT.length)
  })

  it('may be empty', async () => {
    expect(await upload([], { 'Transfer-Encoding': 'chunked' })).toEqual({ ok: true, bytes: Buffer.alloc(0) })
    expect(await upload([], { 'Transfer-Encoding': 'chunked', 'Content-Encoding': 'gzip' })).toMatchObject({ ok: true })
    expect(taken()).toBe(0)
  })

  it.each(ENCODERS)('in %s is inflated, and counts by what comes out', async (encoding, encode) => {
    const result = await upload([encode(JSON_TEXT)], { 'Content-Encoding': encoding })
    expect(result.ok && result.bytes.equals(JSON_TEXT)).toBe(true)
    expect(taken()).toBe(JSON_TEXT.length)
  })

  it.each(ENCODERS)('in %s may come byte by byte', async (encoding, encode) => {
    const small = Buffer.from('{"eventName":"X"}')
    const chunks = [...encode(small)].map((byte) => Buffer.from([byte]))
    expect(await upload(chunks, { 'Content-Encoding': encoding })).toEqual({ ok: true, bytes: small })
  })

  it.each(ENCODERS)('in %s that is hard to compress comes through whole', async (encoding, encode) => {
    const noise = randomBytes(900_000)
    const result = await upload([encode(noise)], { 'Content-Encoding': encoding })
    expect(result.ok && result.bytes.equals(noise)).toBe(true)
  })

  it('may be two gzip members', async () => {
    const both = Buffer.concat([gzipSync('[1,'), gzipSync('2]')])
    expect(await upload([both], { 'Content-Encoding': 'gzip' })).toEqual({ ok: true, bytes: Buffer.from('[1,2]') })
  })
})

describe('a body that cannot be read', () => {
  it.each(DAMAGED)('in truncated %s is malformed', async (encoding, encode) => {
    const bytes = encode(JSON_TEXT)
    const result = await upload([bytes.subarray(0, bytes.length - 12)], { 'Content-Encoding': encoding })
    expect(result).toMatchObject({ ok: false, outcome: 'malformed_body' })
    expect(taken()).toBe(0)
  })

  it.each(DAMAGED)('in corrupt %s is malformed', async (encoding, encode) => {
    const bytes = Buffer.from(encode(JSON_TEXT))
    bytes.fill(0xff, bytes.length >> 1)
    const result = await upload([bytes], { 'Content-Encoding': encoding })
    expect(result).toMatchObject({ ok: false, outcome: 'malformed_body' })
    expect(taken()).toBe(0)
  })

  it.each(['gzip', 'deflate', 'br'])('that is neither %s nor text is malformed', async (encoding) => {
    const noise = Buffer.concat([Buffer.from([0xff]), randomBytes(500)])
    const result = await upload([noise], { 'Content-Encoding': encoding })
    expect(result).toMatchObject({ ok: false, outcome: 'malformed_body' })
    expect(taken()).toBe(0)
  })

  const labels = ['compress', 'zstd', '__proto__', 'constructor', 'tostring', '*', 'none, none']
  it.each(labels)('in %s is not received', async (encoding) => {
    const result = await upload([deflateRawSync(JSON_TEXT)], { 'Content-Encoding': encoding })
    expect(result).toMatchObject({ ok: false, outcome: 'unsupported_media_type' })
    expect(taken()).toBe(0)
  })

  it.each([...labels, 'gzip', 'deflate', 'br', 'gzip, br'])('by its header %s may be plain text', async (encoding) => {
    const result = await upload([JSON_TEXT], { 'Content-Encoding': encoding })
    expect(result.ok && result.bytes.equals(JSON_TEXT)).toBe(true)
    expect(taken()).toBe(JSON_TEXT.length)
  })

  it('and was compressed twice counts once', async () => {
    const result = await upload([gzipSync(brotliCompressSync(JSON_TEXT))], { 'Content-Encoding': 'br, gzip' })
    expect(result.ok && result.bytes.equals(JSON_TEXT)).toBe(true)
    expect(taken()).toBe(JSON_TEXT.length)
  })

  it('that was given up while it is inflated gives its bytes back', async () => {
    const { reading, socket, req } = await start('Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n')
    const bytes = gzipSync(randomBytes(900_000))
    req.on('end', () => setImmediate(reading.stop))
    socket.write(`${bytes.length.toString(16)}\r\n`)
    socket.write(bytes)
    socket.write('\r\n0\r\n\r\n')
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(0)
    socket.destroy()
  })
})

describe('the limit', () => {
  beforeEach(() => {
    options = { ...options, limit: 5000 }
  })

  it.each([
    ['with its length', { 'Content-Length': '5000' }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ])('lets a body %s through that just fits', async (_how, headers) => {
    expect(await upload([Buffer.alloc(5000)], headers)).toMatchObject({ ok: true })
  })

  it('refuses by the declared length before a byte has come', async () => {
    const { reading, socket } = await start('Content-Length: 5001\r\n')
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'body_too_large' })
    socket.destroy()
  })

  it('refuses in chunks as soon as it is passed, while the sender goes on', async () => {
    const body = `1388\r\n${'x'.repeat(5000)}\r\n1\r\nx`
    const { reading, socket, req } = await start('Transfer-Encoding: chunked\r\n', body)
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'body_too_large' })
    expect(taken()).toBe(0)
    expect(req.listenerCount('data')).toBe(0)
    socket.destroy()
  })

  it.each(ENCODERS)('counts what %s inflates to, not the declared length', async (encoding, encode) => {
    const bytes = encode(Buffer.alloc(5001))
    expect(bytes.length).toBeLessThan(100)
    const headers = { 'Content-Encoding': encoding, 'Content-Length': String(bytes.length) }
    expect(await upload([bytes], headers)).toMatchObject({ ok: false, outcome: 'body_too_large' })
    expect(taken()).toBe(0)
  })

  it('lets noise through whose compressed form is larger than the limit', async () => {
    const noise = randomBytes(5000)
    expect(gzipSync(noise).length).toBeGreaterThan(5000)
    const bytes = gzipSync(noise)
    const headers = { 'Content-Encoding': 'gzip', 'Content-Length': String(bytes.length) }
    expect(await upload([bytes], headers)).toEqual({ ok: true, bytes: noise })
  })

  it('stops a bomb long before it has gone off', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const heapBefore = process.memoryUsage().arrayBuffers
    const result = await upload([bomb], { 'Content-Encoding': 'gzip' })
    expect(result).toMatchObject({ ok: false, outcome: 'body_too_large' })
    expect(process.memoryUsage().arrayBuffers - heapBefore).toBeLessThan(20_000_000)
    expect(taken()).toBe(0)
  })
})

describe('the budget', () => {
  it.each([
    ['by its declared length', { 'Content-Length': '1000' }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ])('that is used up makes a body %s come again later', async (_how, headers) => {
    budget.take(BUDGET - 999)
    expect(await upload([Buffer.alloc(1000)], headers)).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(BUDGET - 999)
    budget.give(1)
    expect(await upload([Buffer.alloc(1000)], headers)).toMatchObject({ ok: true })
  })

  it('that is used up on the way gets back what was taken', async () => {
    const { reading, socket } = await start('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n')
    while (taken() !== 3) await new Promise(setImmediate)
    budget.take(BUDGET - 3)
    socket.write('1\r\nd\r\n')
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(BUDGET - 3)
    socket.destroy()
  })

  it('that is used up while inflating gets back what was taken', async () => {
    budget.take(BUDGET - 200_000)
    const bytes = gzipSync(Buffer.alloc(900_000))
    expect(await upload([bytes], { 'Content-Encoding': 'gzip' })).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(BUDGET - 200_000)
  })
})

describe('a client that does not come to an end', () => {
  it.each([
    ['', ''],
    ['gzip', 'Content-Encoding: gzip\r\n'],
  ])('and hangs up makes the event come again (%s)', async (_encoding, head) => {
    const part = head === '' ? Buffer.from('{"a":') : gzipSync(JSON_TEXT).subarray(0, 4000)
    const { reading, socket } = await start(`${head}Content-Length: 100000\r\n`, part)
    await new Promise(setImmediate)
    socket.destroy()
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(0)
  })

  it('and hangs up between two chunks makes the event come again', async () => {
    const { reading, socket } = await start('Transfer-Encoding: chunked\r\n', '2\r\n{}\r\n')
    while (taken() !== 2) await new Promise(setImmediate)
    socket.destroy()
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(0)
  })

  it('and had hung up before anybody read', async () => {
    before = (req) => new Promise((resolve) => req.once('close', resolve))
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    const text = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}'
    socket.write(text, () => setTimeout(() => socket.destroy(), 20))
    const { reading } = await next()
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(0)
  })

  it('and is given up', async () => {
    const { reading, socket, req } = await start('Content-Length: 10\r\n', '{}')
    while (taken() !== 2) await new Promise(setImmediate)
    reading.stop()
    expect(await reading.result).toMatchObject({ ok: false, outcome: 'unavailable' })
    expect(taken()).toBe(0)
    expect(req.listenerCount('data')).toBe(0)
    socket.destroy()
  })

  it('can be given up twice, and after all was read, without harm', async () => {
    const { reading, socket } = await start('Content-Length: 2\r\n', '{}')
    expect(await reading.result).toMatchObject({ ok: true })
    reading.stop()
    reading.stop()
    expect(taken()).toBe(2)
    socket.destroy()
  })
})

describe('with a clock in hand', () => {
  let req: IncomingMessage

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] })
    req = new IncomingMessage(new Socket())
    req.on('error', () => undefined)
    options = { ...options, idleMs: 1000 }
  })
  afterEach(() => jest.useRealTimers())

  const turn = () => new Promise(setImmediate)
  const outcomeOf = async (reading: BodyReading) => {
    const result = await Promise.race([
      reading.result,
      turn()
        .then(turn)
        .then(() => undefined),
    ])
    return result && (result.ok ? 'ok' : result.outcome)
  }

  it('an upload that stalls is ended, and its bytes are given back', async () => {
    const reading = readBody(req, options)
    req.push(Buffer.from('{"a":'))
    await turn()
    jest.advanceTimersByTime(999)
    expect(await outcomeOf(reading)).toBeUndefined()
    expect(taken()).toBe(5)
    jest.advanceTimersByTime(1)
    expect(await outcomeOf(reading)).toBe('unavailable')
    expect(taken()).toBe(0)
  })

  it('one that never begins is ended as well', async () => {
    const reading = readBody(req, options)
    jest.advanceTimersByTime(1000)
    expect(await outcomeOf(reading)).toBe('unavailable')
  })

  it.each([undefined, 'gzip'])('one that is slow is not (%s)', async (encoding) => {
    req.headers = encoding === undefined ? {} : { 'content-encoding': encoding }
    const reading = readBody(req, options)
    const bytes = encoding === undefined ? Buffer.from('{"a":1}') : gzipSync('{"a":1}')
    for (const byte of bytes) {
      req.push(Buffer.from([byte]))
      await turn()
      jest.advanceTimersByTime(900)
    }
    req.complete = true
    req.push(null)
    // zlib works in another thread, so its result is awaited.
    expect(inOne(await reading.result)).toEqual({ ok: true, bytes: Buffer.from('{"a":1}') })
    expect(jest.getTimerCount()).toBe(0)
  })

  it('one that was lost before all was inflated does not wait for the clock', async () => {
    req.headers = { 'content-encoding': 'gzip' }
    const reading = readBody(req, options)
    const bytes = gzipSync(randomBytes(200_000))
    req.push(bytes.subarray(0, 100_000))
    await turn()
    req.push(bytes.subarray(100_000))
    req.complete = true
    req.push(null)
    req.destroy()
    // The clock is stopped, so this would not resolve if it waited for a timer.
    await reading.result
    expect(jest.getTimerCount()).toBe(0)
  })

  it('leaves no timer behind when it fails', async () => {
    const reading = readBody(req, { ...options, limit: 3 })
    req.push(Buffer.from('1234'))
    expect((await reading.result).ok).toBe(false)
    expect(jest.getTimerCount()).toBe(0)
  })
})

describe('ByteBudget', () => {
  it('takes what fits and no more', () => {
    const small = new ByteBudget(10)
    expect(small.free).toBe(10)
    expect(small.take(6)).toBe(true)
    expect(small.take(5)).toBe(false)
    expect(small.take(4)).toBe(true)
    expect(small.free).toBe(0)
    expect(small.take(0)).toBe(true)
    small.give(10)
    expect(small.free).toBe(10)
    expect(small.take(11)).toBe(false)
  })
})
