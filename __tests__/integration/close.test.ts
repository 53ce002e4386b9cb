/** close() waits for running callbacks; waiting events and new requests get 503. */
import { clockForEach } from '../clock'
import { TradecloudClient } from 'tradecloud-webhook'
import {
  apiOf,
  authorization,
  closeAll,
  fixture,
  orderEvent,
  orderId,
  startUnvalidated,
  startServer,
  startTradecloud,
  until,
} from './harness'
import { gate, outcomes } from './gate'

afterEach(closeAll)
const { wait: pause } = clockForEach()

describe('close()', () => {
  test('new requests get 503, running callbacks finish and are answered 200', async () => {
    const { callback, inside, open } = gate()
    const rig = await startUnvalidated({ onOrder: callback, closeTimeoutMs: 5_000 })
    const running = rig.post(orderEvent({ label: 1 }))
    const waiting = rig.post(orderEvent({ label: 2 }))
    await until(() => inside.length === 1)
    await pause(20)
    let closed = false
    const closing = rig.webhook.close().then(() => (closed = true))
    expect(await rig.post(orderEvent())).toMatchObject({
      status: 503,
      json: { code: 'unavailable' },
      headers: { 'retry-after': '10' },
    })
    expect(await rig.get('/order/1')).toMatchObject({ status: 503 })
    expect(await rig.get('/order/1', { auth: null })).toMatchObject({ status: 401 })
    expect(closed).toBe(false)
    open()
    expect(outcomes(await Promise.all([running, waiting]))).toEqual(['delivered', 'delivered'])
    await closing
    expect(rig.calls.every(({ context }) => !context.signal.aborted)).toBe(true)
    expect(await rig.post(orderEvent())).toMatchObject({ status: 503 })
    expect(rig.webhook.close()).toBe(rig.webhook.close())
    await rig.webhook.close()
  })

  test('patience ends: the signal aborts, the answer is 503, and what waits is given back', async () => {
    const aborted: unknown[] = []
    const calls: string[] = []
    const rig = await startUnvalidated({
      closeTimeoutMs: 100,
      onOrder: (event, { signal }) =>
        new Promise((_resolve, reject) => {
          calls.push(event.orderId)
          signal.addEventListener('abort', () => {
            aborted.push(signal.reason)
            reject(new Error('stopped'))
          })
        }),
    })
    const event = orderEvent()
    const running = rig.post(event)
    const waiting = rig.post(orderEvent())
    await until(() => calls.length === 1)
    await pause(20)
    await rig.webhook.close()
    expect(aborted).toMatchObject([{ name: 'TradecloudWebhookError', code: 'unavailable' }])
    expect(outcomes(await Promise.all([running, waiting]))).toEqual(['handler_failed', 'unavailable'])
    expect(calls).toHaveLength(1)
  })

  test('a callback that does not listen: 503, and close() comes to an end', async () => {
    const rig = await startUnvalidated({ closeTimeoutMs: 50, onOrder: () => new Promise(() => undefined) })
    const running = rig.post(orderEvent())
    await pause(50)
    await rig.webhook.close()
    expect(await running).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  })

  test('a callback that was answered 504 long ago is waited for too', async () => {
    let finished = false
    const rig = await startUnvalidated({
      answerTimeoutMs: 50,
      closeTimeoutMs: 5_000,
      onOrder: async () => {
        await pause(300)
        finished = true
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 504 })
    await rig.webhook.close()
    expect(finished).toBe(true)
  })

  test('an upload that is under way may finish', async () => {
    const rig = await startUnvalidated({ closeTimeoutMs: 5_000 })
    const body = JSON.stringify(orderEvent())
    const connection = rig.open()
    const answer = connection.answer()
    connection.write(
      `POST ${rig.mount}/order HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    )
    await pause(30)
    const closing = rig.webhook.close()
    await pause(10)
    connection.write(body.slice(10))
    expect(await answer).toMatchObject({ status: 200 })
    await closing
    connection.destroy()
  })

  test('logs out of the API, but not with a client of the user', async () => {
    const tradecloud = await startTradecloud()
    tradecloud.api.setOrder(orderId, fixture('order-fetched'))
    const client = new TradecloudClient(apiOf(tradecloud))
    for (const [api, logouts] of [
      [client, 0],
      [apiOf(tradecloud), 1],
    ] as const) {
      const rig = await startUnvalidated({ api })
      expect(await rig.get(`/order/${orderId}`)).toMatchObject({ status: 200 })
      await rig.webhook.close()
      expect(tradecloud.api.counts.logouts).toBe(logouts)
    }
    expect(await client.getOrder(orderId)).toMatchObject({ id: orderId })
    await client.close()
    expect(tradecloud.api.counts.logouts).toBe(2)
  })

  test('a fetch that hangs ends with it', async () => {
    let asked = 0
    const { port } = await startServer(() => {
      asked++
    })
    const rig = await startUnvalidated({
      closeTimeoutMs: 50,
      api: { baseUrl: `http://127.0.0.1:${port}/v2`, username: 'u', password: 'p', requestTimeoutMs: 1_000 },
    })
    const running = rig.get(`/order/${orderId}`)
    await until(() => asked === 1)
    await rig.webhook.close()
    expect(await running).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  })

  test('with nothing to do it is done at once', async () => {
    const rig = await startUnvalidated({ closeTimeoutMs: 60_000 })
    await rig.webhook.close()
    await (await startUnvalidated({ closeTimeoutMs: 0 })).webhook.close()
  })
})
