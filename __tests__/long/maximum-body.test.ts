/**
 * The largest order that Tradecloud documents is received with the default options, within the memory of a small
 * server.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { maximumOrderEvent, toTxml } from 'tradecloud-webhook/testing'
import { SIZES } from '../../lib/cli/doctor/bodies'
import { authorization, closeAll, isExpress4, startRig, type Loose } from '../integration/harness'
import { isFull } from '../size'

afterEach(closeAll)

const event = maximumOrderEvent()
const body = Buffer.from(JSON.stringify(event))
const MIB = 1024 * 1024

function post(
  port: number,
  path: string,
  headers: Record<string, string>,
  bytes: Buffer,
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        path,
        method: 'POST',
        host: '127.0.0.1',
        agent: false,
        headers: { 'Content-Type': 'application/json', 'Content-Length': String(bytes.length), ...headers },
      },
      (incoming) => {
        let text = ''
        incoming
          .on('data', (chunk: Buffer) => (text += chunk.toString()))
          .on('end', () => resolve({ status: incoming.statusCode, text }))
      },
    )
    outgoing.on('error', reject).end(bytes)
  })
}

test('is received whole, with the default options', async () => {
  expect(body.length).toBeGreaterThan(40 * MIB)
  expect(body.length).toBeLessThan(64 * MIB)
  const rig = await startRig()
  expect(await post(rig.port, `${rig.mount}/order`, { Authorization: authorization }, body)).toMatchObject({
    status: 200,
  })
  const [call] = rig.calls
  expect(call?.event.affectedLines).toHaveLength(500)
  expect(call?.event.affectedLines[499].deliveryScheduleIncludingRequests).toHaveLength(100)
  expect(call?.event.issues).toEqual([])
  expect(call?.context.rawBody?.length).toBe(body.length)
  expect(rig.records).toMatchObject([{ outcome: 'delivered', bodyBytes: body.length }])
  const zipped = gzipSync(body, { level: 1 })
  expect(
    await post(rig.port, `${rig.mount}/order`, { Authorization: authorization, 'Content-Encoding': 'gzip' }, zipped),
  ).toMatchObject({ status: 200, text: expect.stringContaining('duplicate') })
})

test('`doctor` sends bodies of at least this size', () => {
  const [, , json, xml] = SIZES
  expect(json?.length).toBeGreaterThanOrEqual(body.length)
  expect(xml?.length).toBeGreaterThanOrEqual(Buffer.byteLength(toTxml(event)))
})

describe('as tXML', () => {
  const txml = Buffer.from(toTxml(event))

  test('stays below the default limit', () => {
    expect(txml.length).toBeGreaterThan(110e6)
    expect(txml.length).toBeLessThan(113e6)
  })

  if (isFull) {
    test('is received whole, with the default limit', async () => {
      const rig = await startRig({ answerTimeoutMs: 600_000 })
      const headers = { Authorization: authorization, 'Content-Type': 'application/xml' }
      expect(await post(rig.port, `${rig.mount}/order`, headers, txml)).toMatchObject({ status: 200 })
      expect(rig.calls[0]?.event.order).toEqual(event.orderEvent)
    }, 600_000)
  }
})

describe('memory', () => {
  let child: ChildProcess | undefined
  afterEach(() => child?.kill())

  const ask = async (question: string): Promise<Loose> => {
    child?.send(question)
    const [answer] = (await once(child!, 'message')) as [unknown]
    return answer
  }

  test.each(['listener', 'express', 'behind express.raw()'])(
    '%s',
    async (mounting) => {
      child = fork(join(__dirname, 'maximum-body-server.ts'), [mounting, isExpress4 ? 'express4' : 'express'], {
        execArgv: ['--import', 'tsx'],
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      const [{ port }] = (await once(child, 'message')) as [{ port: number }]
      // Sends a small event first, because the first event of any size loads schemas, parser and code.
      const small = Buffer.from(JSON.stringify(maximumOrderEvent({ lines: 1, deliveries: 1, orderId: 'small' })))
      expect(await post(port, '/order', { Authorization: 'Bearer maximum' }, small)).toMatchObject({ status: 200 })
      await ask('begin')
      expect(await post(port, '/order', { Authorization: 'Bearer maximum' }, body)).toMatchObject({ status: 200 })
      const { lines, overIdleBytes, longestStallMs } = await ask('end')
      console.info(
        `${mounting}: ${(body.length / MIB).toFixed(1)} MiB took ${(overIdleBytes / MIB).toFixed(0)} MiB over idle, ` +
          `${(overIdleBytes / body.length).toFixed(1)} times the body; longest stall ${longestStallMs.toFixed(0)} ms`,
      )
      expect(lines).toBe(500)
      expect(overIdleBytes).toBeLessThan(12 * body.length)
    },
    90_000,
  )
})
