/** Uploads that stall, are slow, or are aborted. */
import { gzipSync } from 'node:zlib'
import { clockForEach } from '../clock'
import { authorization, closeAll, deferred, orderEvent, startUnvalidated, until, type Rig } from './harness'
import { encodeRequest } from './raw-http'
import { json } from './sent-bodies'

afterEach(closeAll)

describe('uploads that do not come to an end', () => {
  const { wait } = clockForEach()
  const head = (rig: Rig, length: number, more = {}) =>
    encodeRequest({
      method: 'POST',
      path: `${rig.mount}/order`,
      headers: { ...json, Authorization: authorization, 'Content-Length': String(length), ...more },
    }).head

  test.each(['before the first byte', 'in the middle', 'in the middle of gzip', 'after a chunk'])(
    'stalled %s: 503',
    async (when) => {
      const rig = await startUnvalidated({ limits: { uploadIdleTimeoutMs: 60 } })
      const connection = rig.open()
      const answer = connection.answer()
      if (when === 'after a chunk') {
        connection.write(
          `POST ${rig.mount}/order HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
            'Transfer-Encoding: chunked\r\n\r\n5\r\n{"eve\r\n',
        )
      } else {
        const gzip = when.endsWith('gzip')
        connection.write(head(rig, 1000, gzip ? { 'Content-Encoding': 'gzip' } : {}))
        if (when !== 'before the first byte')
          connection.write(gzip ? gzipSync('x'.repeat(500)).subarray(0, 15) : '{"eventName"')
      }
      expect(await answer).toMatchObject({
        status: 503,
        json: { code: 'unavailable' },
        headers: { 'retry-after': '10', connection: 'close' },
      })
      expect(rig.records).toMatchObject([{ outcome: 'unavailable', answered: true, givenUp: false }])
      await connection.ended()
      connection.destroy()
    },
  )

  test('slow, but coming: delivered', async () => {
    const rig = await startUnvalidated({ limits: { uploadIdleTimeoutMs: 150 } })
    const connection = rig.open()
    const answer = connection.answer()
    const body = JSON.stringify(orderEvent())
    connection.write(head(rig, body.length))
    for (let at = 0; at < body.length; at += Math.ceil(body.length / 8)) {
      connection.write(body.slice(at, at + Math.ceil(body.length / 8)))
      await wait(100)
    }
    expect(await answer).toMatchObject({ status: 200 })
    connection.destroy()
  })

  test.each(['ends', 'breaks off', 'breaks off gzip'])(
    'a client that %s: nothing is called, the bytes are given back, the event may come again',
    async (how) => {
      const rig = await startUnvalidated({ bodyLimit: 1000, limits: { maxBytesInFlight: 1000 } })
      const body = JSON.stringify(orderEvent({ text: 'x'.repeat(700) }))
      for (let i = 1; i <= 5; i++) {
        const connection = rig.open()
        connection.socket.on('error', () => undefined)
        connection.write(head(rig, 900, how.endsWith('gzip') ? { 'Content-Encoding': 'gzip' } : {}))
        connection.write(how.endsWith('gzip') ? gzipSync(body).subarray(0, -4) : body.slice(0, 600))
        await wait(20)
        if (how === 'ends') connection.socket.end()
        else connection.destroy()
        if (how === 'ends') await connection.ended()
        await until(() => rig.records.length === i)
      }
      expect(rig.calls).toEqual([])
      if (how !== 'ends')
        expect(
          rig.records.every(({ outcome, answered, givenUp }) => outcome === 'unavailable' && !answered && !givenUp),
        ).toBe(true)
      expect(await rig.send({ method: 'POST', path: '/order', body })).toMatchObject({
        status: 200,
        json: { outcome: 'delivered' },
      })
    },
  )

  test('a client that hangs up once all is sent: the event is processed all the same', async () => {
    const [begun, left] = [deferred(), deferred()]
    const rig = await startUnvalidated({
      before: (app) =>
        app.use((_req, res, next) => {
          res.once('close', left.resolve)
          next()
        }),
      onOrder: () => {
        begun.resolve()
        return left.promise
      },
    })
    const body = JSON.stringify(orderEvent())
    const connection = rig.open()
    connection.write(Buffer.concat([head(rig, body.length), Buffer.from(body)]))
    await begun.promise
    connection.destroy()
    await until(() => rig.records.length === 1)
    expect(rig.records[0]).toMatchObject({ outcome: 'delivered', answered: false })
    expect(await rig.send({ method: 'POST', path: '/order', body })).toMatchObject({ json: { outcome: 'duplicate' } })
  })
})
