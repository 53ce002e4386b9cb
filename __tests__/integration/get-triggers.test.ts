/** GET triggers: which of them share a delivery, and IDs that the API does not know yet. */
import type { ServerResponse } from 'node:http'
import { clockForEach } from '../clock'
import {
  apiOf,
  closeAll,
  fixture,
  orderId,
  startRig,
  startUnvalidated,
  startServer,
  startTradecloud,
  until,
  type RigOptions,
} from './harness'
import { gate, outcomes } from './gate'

afterEach(closeAll)
const { wait: pause } = clockForEach()

describe('GET triggers', () => {
  const serving = async (answer: (res: ServerResponse) => void): Promise<string> =>
    `http://127.0.0.1:${(await startServer((_req, res) => answer(res))).port}/v2`
  const startFetching = async (options: RigOptions = {}) => {
    const tradecloud = await startTradecloud()
    const set = (version: number, id = orderId): void =>
      tradecloud.api.setOrder(id, {
        ...fixture('order-fetched'),
        id,
        version,
        lastUpdatedAt: `2026-11-20T13:45:${String(version).padStart(2, '0')}Z`,
      })
    set(1)
    return {
      tradecloud,
      set,
      rig: await startUnvalidated({ api: { ...apiOf(tradecloud), notFoundRetryMs: 0 }, ...options }),
    }
  }

  test('are never duplicates', async () => {
    const { rig, tradecloud, set } = await startFetching()
    for (let i = 0; i < 3; i++)
      expect(await rig.get(`/order/${orderId}`)).toMatchObject({ json: { outcome: 'delivered' } })
    expect(tradecloud.api.counts.orderRequests).toBe(3)
    // The delivery ID is derived from the ID and the content of the order, so the ERP system recognises a repetition.
    const ids = rig.calls.map(({ context }) => context.deliveryId)
    expect(new Set(ids).size).toBe(1)
    set(2)
    expect((await rig.get(`/?orderId=${orderId}`)).json.deliveryId).not.toBe(ids[0])
  })

  test('merge while nothing is fetched yet: one fetch, one call, an answer for each', async () => {
    const { callback, inside, seen, open } = gate()
    const { rig, tradecloud } = await startFetching({ onOrder: callback })
    const first = rig.get(`/order/${orderId}`)
    await until(() => inside.length === 1)
    const others = Array.from({ length: 12 }, (_, i) =>
      i % 2 ? rig.get(`/?orderId=${orderId}`) : rig.send({ method: 'PUT', path: `/order/${orderId}` }),
    )
    await pause(60)
    open()
    const answers = await Promise.all([first, ...others])
    expect(outcomes(answers)).toEqual(Array.from({ length: 13 }, () => 'delivered'))
    expect(seen).toHaveLength(2)
    expect(tradecloud.api.counts.orderRequests).toBe(2)
    expect(rig.records.filter(({ merged }) => merged)).toHaveLength(11)
    expect(new Set(rig.records.map(({ requestId }) => requestId)).size).toBe(13)
  })

  test('do not merge into one whose fetch has begun: what changes meanwhile is not lost', async () => {
    const asked: Array<(version: number) => void> = []
    const { port } = await startServer((req, res) => {
      if (req.url?.includes('login'))
        return void res.writeHead(200, { 'Set-Authorization': 'token', 'Set-Refresh-Token': 'refresh' }).end('{}')
      if (!req.url?.includes('/order/')) return void res.end()
      asked.push((version) => void res.end(JSON.stringify({ id: orderId, version })))
    })
    const rig = await startUnvalidated({
      api: { baseUrl: `http://127.0.0.1:${port}/v2`, username: 'u', password: 'p' },
    })
    const first = rig.get(`/order/${orderId}`)
    await until(() => asked.length === 1)
    const second = rig.get(`/order/${orderId}`)
    await pause(30)
    asked[0]?.(1)
    await until(() => asked.length === 2)
    asked[1]?.(2)
    expect(outcomes(await Promise.all([first, second]))).toEqual(['delivered', 'delivered'])
    expect(rig.calls.map(({ event }) => event.version)).toEqual([1, 2])
    expect(rig.records.some(({ merged }) => merged)).toBe(false)
  })

  test('do not merge across IDs or kinds', async () => {
    const { rig, set, tradecloud } = await startFetching({ concurrency: 100 })
    set(1, 'A')
    tradecloud.api.setShipment('A', { ...fixture('shipment-fetched'), id: 'A' })
    const answers = await Promise.all([rig.get('/order/A'), rig.get('/shipment/A'), rig.get(`/order/${orderId}`)])
    expect(outcomes(answers)).toEqual(['delivered', 'delivered', 'delivered'])
    expect(rig.calls).toHaveLength(3)
  })

  test('without an API each is a delivery of its own', async () => {
    const rig = await startUnvalidated()
    for (let i = 0; i < 3; i++) expect(await rig.get(`/order/${orderId}`)).toMatchObject({ status: 200 })
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(3)
  })

  test('an unknown ID: 503 for the time of grace, then 404', async () => {
    const { rig } = await startFetching({ notFoundGraceMs: 10_000 })
    expect(await rig.get('/order/new')).toMatchObject({
      status: 503,
      json: { code: 'not_found' },
      headers: { 'retry-after': '10' },
    })
    expect(await rig.get('/order/new')).toMatchObject({ status: 503 })
    await pause(10_000)
    expect(await rig.get('/order/other')).toMatchObject({ status: 503 })
    expect(await rig.get('/order/new')).toMatchObject({ status: 404, json: { code: 'not_found' } })
    expect(rig.records.map(({ givenUp }) => givenUp)).toEqual([false, false, false, true])
    // Tradecloud has given up on the earlier trigger, so a later one counts as new.
    expect(await rig.get('/order/new')).toMatchObject({ status: 503 })
    expect(rig.calls).toEqual([])
  })

  test('an unknown ID that appears in time is delivered', async () => {
    const { rig, set } = await startFetching({ notFoundGraceMs: 60_000 })
    expect(await rig.get('/order/new')).toMatchObject({ status: 503 })
    set(1, 'new')
    expect(await rig.get('/order/new')).toMatchObject({ status: 200 })
  })

  test('attempts count the failed calls', async () => {
    let failures = 2
    const { rig } = await startFetching({
      onOrder: () => {
        if (failures-- > 0) throw new Error('x')
      },
    })
    for (let i = 0; i < 4; i++) await rig.get(`/order/${orderId}`)
    expect(rig.records.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1])
    expect(new Set(rig.records.map(({ deliveryId }) => deliveryId)).size).toBe(1)
  })

  test.each([
    ['a server that is not there', async () => ({ baseUrl: 'http://127.0.0.1:1/v2' })],
    [
      'an answer that is no JSON',
      async () => ({
        baseUrl: await serving((res) => res.writeHead(200, { 'Set-Authorization': 't' }).end('<html>')),
      }),
    ],
    [
      'a redirect',
      async () => ({
        baseUrl: await serving((res) => res.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()),
      }),
    ],
    ['our own credentials refused', async () => ({ baseUrl: (await startTradecloud()).baseUrl })],
  ])('%s: 502, nothing is called, and no credential shows', async (_what, makeBaseUrl) => {
    const rig = await startUnvalidated({
      api: { ...(await makeBaseUrl()), username: 'api-canary-user', password: 'api-canary-password' },
      fetchTimeoutMs: 300,
    })
    const answer = await rig.get(`/order/${orderId}`)
    expect(answer).toMatchObject({ status: 502, json: { code: 'fetch_failed' } })
    expect(rig.records).toMatchObject([{ givenUp: false }])
    expect(rig.calls).toEqual([])
    const told = JSON.stringify([
      answer,
      rig.log,
      rig.records,
      rig.errors.map(({ error, context }) => [
        error,
        error.message,
        error.stack,
        error.cause,
        (error.cause as Error).message,
        context,
      ]),
    ])
    expect(told).not.toContain('canary')
    expect(told).not.toContain(Buffer.from('api-canary-user:api-canary-password').toString('base64'))
  })

  test('a fetched order that deviates is delivered, and its issues are listed; strict: 502', async () => {
    const tradecloud = await startTradecloud()
    tradecloud.api.setOrder(orderId, { id: 'another', version: {}, lines: 'text' })
    const rig = await startRig({ api: apiOf(tradecloud) })
    expect(await rig.get(`/order/${orderId}`)).toMatchObject({ status: 200 })
    expect(rig.calls[0]?.event.issues.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/id',
      '/lines',
      '/version',
    ])
    expect(rig.calls[0]?.event.order).toEqual({ id: 'another', version: {}, lines: 'text' })
    const strict = await startRig({ api: apiOf(tradecloud), validation: 'strict' })
    expect(await strict.get(`/order/${orderId}`)).toMatchObject({ status: 502, json: { code: 'fetch_failed' } })
  })
})
