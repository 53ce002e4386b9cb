/** The limit `maxBytesInFlight`: many bodies at the same time. */
import { gzipSync } from 'node:zlib'
import {
  authorization,
  closeAll,
  deferred,
  orderEvent,
  pause,
  startUnvalidated,
  until,
  type RawAnswer,
} from './harness'
import { encodeRequest, type RawConnection } from './raw-http'
import { json } from './sent-bodies'

afterEach(closeAll)

describe('many at once', () => {
  const body = (n: number, size: number): string => {
    const text = JSON.stringify(orderEvent({ orderId: `many-${n}`, text: '' }))
    return text.replace('"text":""', `"text":"${'x'.repeat(size - text.length)}"`)
  }

  test('more bytes than limits: { maxBytesInFlight: 503 } for the rest, and all is given back', async () => {
    const running = deferred()
    const rig = await startUnvalidated({
      bodyLimit: 10_000,
      limits: { maxBytesInFlight: 25_000 },
      onOrder: () => running.promise,
    })
    const answers = Array.from({ length: 6 }, (_, n) =>
      rig.send({ method: 'POST', path: '/order', body: body(n, 10_000), headers: json }),
    )
    await until(() => rig.records.length === 4)
    expect(rig.records.every(({ outcome, givenUp }) => outcome === 'unavailable' && !givenUp)).toBe(true)
    running.resolve()
    expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([200, 200, 503, 503, 503, 503])
    const again = await Promise.all(
      Array.from({ length: 2 }, (_, n) =>
        rig.send({ method: 'POST', path: '/order', body: body(n, 10_000), headers: json }),
      ),
    )
    expect(again.map(({ status }) => status)).toEqual([200, 200])
  })

  test('what is inflated counts too', async () => {
    const [begun, running] = [deferred(), deferred()]
    const onOrder = (): Promise<void> => {
      begun.resolve()
      return running.promise
    }
    const rig = await startUnvalidated({ bodyLimit: 100_000, limits: { maxBytesInFlight: 150_000 }, onOrder })
    const send = (n: number): Promise<RawAnswer> =>
      rig.send({
        method: 'POST',
        path: '/order',
        body: gzipSync(body(n, 90_000)),
        headers: { ...json, 'Content-Encoding': 'gzip' },
      })
    const first = send(1)
    await begun.promise
    expect(await send(2)).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    running.resolve()
    expect(await first).toMatchObject({ status: 200 })
    expect(await send(3)).toMatchObject({ status: 200 })
  })

  test('uploads that grow together: at least one gets through, the others are tried again', async () => {
    const rig = await startUnvalidated({ bodyLimit: 10_000, limits: { maxBytesInFlight: 10_000 } })
    const connections: RawConnection[] = []
    const answers = Array.from({ length: 3 }, async (_, n) => {
      const connection = rig.open()
      connections.push(connection)
      const answer = connection.answer()
      const bytes = Buffer.from(body(n, 9_000))
      connection.write(
        encodeRequest({
          method: 'POST',
          path: `${rig.mount}/order`,
          headers: { ...json, Authorization: authorization, 'Transfer-Encoding': 'chunked' },
        }).head,
      )
      for (let at = 0; at < bytes.length; at += 1000) {
        connection.write(`3e8\r\n${bytes.toString('utf8', at, at + 1000)}\r\n`)
        await pause(3)
      }
      connection.write('0\r\n\r\n')
      return (await answer).status
    })
    const statuses = await Promise.all(answers)
    for (const connection of connections) connection.destroy()
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1)
    expect(statuses.every((status) => status === 200 || status === 503)).toBe(true)
    expect(await rig.send({ method: 'POST', path: '/order', body: body(9, 10_000), headers: json })).toMatchObject({
      status: 200,
    })
  })

  test('each way of failing gives its bytes back', async () => {
    const rig = await startUnvalidated({
      bodyLimit: 1000,
      limits: { maxBytesInFlight: 1000 },
      onOrder: () => {
        throw new Error('x')
      },
    })
    for (let i = 0; i < 5; i++) {
      expect(await rig.send({ method: 'POST', path: '/order', body: 'x'.repeat(1000), headers: json })).toMatchObject({
        status: 400,
      })
      expect(
        await rig.send({ method: 'POST', path: '/order', chunks: ['x'.repeat(600), 'x'.repeat(600)], headers: json }),
      ).toMatchObject({ status: 413 })
      expect(
        await rig.send({ method: 'POST', path: '/order', body: `{"eventName":"X"${' '.repeat(900)}}`, headers: json }),
      ).toMatchObject({ status: 200 })
      expect(await rig.send({ method: 'POST', path: '/order', body: body(1, 1000), headers: json })).toMatchObject({
        status: 503,
        json: { code: 'handler_failed' },
      })
      expect(
        await rig.send({
          method: 'POST',
          path: '/order',
          body: gzipSync('x'.repeat(900)).subarray(0, -5),
          headers: { ...json, 'Content-Encoding': 'gzip' },
        }),
      ).toMatchObject({ status: 400 })
    }
  })
})
