/** Refusals while the body is still arriving: when they are sent, and what happens to the connection. */
import { clockForEach } from '../clock'
import { authorization, closeAll, orderEvent, pause, startRig, type Loose } from './harness'
import { encodeRequest } from './raw-http'

afterEach(closeAll)
clockForEach()

describe('refusals while the body is still on its way', () => {
  const big = Buffer.alloc(8 * 1024 * 1024, 'x')

  test('the 401 comes on the headers alone', async () => {
    const rig = await startRig()
    const { connection, answer } = rig.sendHead({ 'Content-Length': '1000000', 'Content-Type': 'application/json' })
    expect(await answer).toMatchObject({ status: 401, headers: { connection: 'close' }, interim: [] })
    await connection.ended()
    connection.destroy()
  })

  test('likewise for one who waits for 100 Continue', async () => {
    const rig = await startRig()
    const { connection, answer } = rig.sendHead({ 'Content-Length': '1000000', Expect: '100-continue' })
    expect(await answer).toMatchObject({ status: 401, headers: { connection: 'close' } })
    connection.destroy()
  })

  test('who may come in and waits for 100 Continue gets it', async () => {
    const rig = await startRig()
    const body = JSON.stringify(orderEvent())
    const { connection, answer } = rig.sendHead({
      Authorization: authorization,
      'Content-Length': String(body.length),
      Expect: '100-continue',
    })
    await pause(20)
    connection.write(body)
    expect(await answer).toMatchObject({ status: 200, interim: [100] })
    connection.destroy()
  })

  test.each([
    ['401', { auth: null }, 401],
    ['413', {}, 413],
    ['415', { headers: { 'Content-Type': 'text/plain' } }, 415],
    ['405', { method: 'PATCH' }, 405],
    ['503 while closing', { closed: true }, 503],
    ['413 of a chunked body', { chunks: Array.from({ length: 128 }, () => big.subarray(0, 65536)) }, 413],
  ])(
    '%s reaches a sender that writes megabytes before it reads',
    async (_what, more: Record<string, Loose>, status) => {
      const { closed = false, auth = authorization, headers, ...rest } = more
      const rig = await startRig({ bodyLimit: 1024 * 1024, closeTimeoutMs: 0 })
      if (closed) await rig.webhook.close()
      const { whole } = encodeRequest({
        method: 'POST',
        path: `${rig.mount}/order`,
        headers: { ...(auth !== null && { Authorization: auth }), ...headers },
        ...(rest.chunks === undefined && { body: big }),
        ...rest,
      })
      for (let i = 0; i < 3; i++) {
        const connection = rig.open()
        const answer = connection.answer()
        answer.catch(() => undefined)
        connection.socket.pause()
        const failed = await new Promise((resolve) => connection.socket.write(whole, resolve))
        expect(failed ?? undefined).toBeUndefined()
        connection.socket.resume()
        expect(await answer).toMatchObject({ status, headers: { connection: 'close' } })
        connection.destroy()
      }
      expect(rig.calls).toEqual([])
      expect(rig.records.every(({ bodyBytes, answered }) => bodyBytes === 0 && answered)).toBe(true)
    },
  )

  test('the connection ends although the sender sends on and on', async () => {
    const rig = await startRig()
    const { connection, answer } = rig.sendHead({ 'Content-Length': '100000000000' })
    const piece = Buffer.alloc(16 * 1024)
    const timer = setInterval(() => connection.write(piece), 5)
    try {
      expect(await answer).toMatchObject({ status: 401, headers: { connection: 'close' } })
      await connection.ended()
    } finally {
      clearInterval(timer)
      connection.destroy()
    }
  })

  test('a GET with a body that never comes is answered, and the connection ends', async () => {
    const rig = await startRig()
    const headers = { Authorization: authorization, 'Content-Length': '10' }
    const { connection, answer } = rig.sendHead(headers, { method: 'GET', path: `${rig.mount}/order/PO1` })
    expect(await answer).toMatchObject({ status: 200, headers: { connection: 'close' } })
    await connection.ended()
    connection.destroy()
  })

  test('a connection that delivered stays open for the next event', async () => {
    const rig = await startRig()
    const connection = rig.open()
    for (let i = 0; i < 3; i++) {
      const answer = connection.answer()
      connection.write(
        encodeRequest({
          method: 'POST',
          path: `${rig.mount}/order`,
          body: JSON.stringify(orderEvent()),
          headers: { Authorization: authorization },
        }).whole,
      )
      const { status, headers } = await answer
      expect(status).toBe(200)
      expect(headers.connection).not.toBe('close')
    }
    connection.destroy()
  })
})
