/**
 * Probes of `doctor`: with valid credentials, the response states what arrived; without them, it is the same as for any
 * other request.
 */
import express from 'express'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { until } from '../wait'
import { authorization, closeAll, orderEvent, startRig, type Rig, type RigOptions } from './harness'
import { entries, startInboxRig } from './inbox-rig'
import { mounted, start } from './not-routed-rig'

afterEach(closeAll)

const HEADER = 'Tradecloud-Webhook-Probe'
const probe = { [HEADER]: 'word-1' }

const nothingHappened = (rig: Pick<Rig, 'calls' | 'records' | 'errors' | 'log'>): void =>
  expect([rig.calls, rig.records, rig.errors, rig.log]).toEqual([[], [], [], []])

test.each(['POST', 'PUT', 'GET'])('%s: what arrived, and nothing else happens', async (method) => {
  const rig = await startRig()
  const body = JSON.stringify(orderEvent())
  const answer = await rig.send({
    ...{ method, path: '/order/A%2fB%23?padding=1' },
    headers: { ...probe, 'X-Forwarded-For': '192.0.2.1', ...(method !== 'GET' && { 'Content-Type': 'text/plain' }) },
    ...(method !== 'GET' && { body }),
  })
  expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
  const own = ['host', 'authorization', HEADER.toLowerCase(), 'x-forwarded-for']
  expect(answer.json).toEqual({
    ...{ outcome: 'probe', probe: 'word-1', method, path: '/tradecloud/order/A%2fB%23?padding=1' },
    ...{ matched: true, id: 'A/B#', bytes: method === 'GET' ? 0 : Buffer.byteLength(body) },
    headers: method === 'GET' ? own : [...own, 'content-type', 'content-length'],
  })
  nothingHappened(rig)
})

test('names of headers, and no value of one', async () => {
  const rig = await startRig()
  const { text } = await rig.post(orderEvent(), { headers: { ...probe, 'X-Secret': 'CANARY' } })
  expect(text).toContain('x-secret')
  for (const secret of ['CANARY', authorization, authorization.slice(6)]) expect(text).not.toContain(secret)
})

test('IDs that a GET trigger could not use', async () => {
  const rig = await startRig()
  const problem = async (path: string) => (await rig.get(path, { headers: probe })).json.problem
  expect(await problem('/order/%FF')).toBe('orderId cannot be decoded')
  expect(await problem('/order/{orderId}')).toContain('instead of an ID')
  expect(await problem('/order')).toBeUndefined()
  nothingHappened(rig)
})

describe('an inbox', () => {
  test.each([
    ['an event', JSON.stringify(orderEvent())],
    ['no event', 'no JSON'],
  ])('stores nothing of %s', async (_what, body) => {
    const rig = await startInboxRig()
    const answer = await rig.send({ method: 'POST', path: '/order', body, headers: probe })
    expect(answer.json).toMatchObject({ outcome: 'probe', bytes: body.length })
    expect(await rig.send({ path: '/order/1', headers: probe })).toMatchObject({ json: { outcome: 'probe', id: '1' } })
    expect(await rig.inbox.list()).toMatchObject({ entries: [] })
    expect(await entries(rig.inbox)).toEqual([])
    nothingHappened(rig)
  })
})

describe('without valid credentials, the answer is that of any other request', () => {
  const wrong = { 'no credentials': null, 'wrong credentials': 'Basic eDp5' }

  test.each(Object.entries(wrong))('%s', async (_what, auth) => {
    const rig = await startRig()
    for (const request of [{ method: 'POST', path: '/order', json: orderEvent() }, { path: '/order/1' }]) {
      const ordinary = await rig.send({ ...request, auth })
      const answer = await rig.send({ ...request, auth, headers: probe })
      const withoutId = ({ json }: typeof answer) => ({ ...json, requestId: undefined })
      expect([answer.status, withoutId(answer)]).toEqual([401, withoutId(ordinary)])
      expect(Object.keys(answer.headers)).toEqual(Object.keys(ordinary.headers))
    }
    // The refusal is reported although the request has the probe header, so that attackers cannot hide with it.
    expect(rig.records).toMatchObject(Array(4).fill({ outcome: 'unauthorized', givenUp: true }))
    await until(() => rig.log.length === 4)
    expect(await rig.send({ method: 'POST', path: '/elsewhere', auth, headers: probe })).toMatchObject({
      status: 404,
      json: { from: 'app' },
    })
  })

  test('a 401 says whether the header was there', async () => {
    const rig = await startRig()
    const detail = async (auth: string | null) => (await rig.post(orderEvent(), { auth })).json.detail
    expect(await detail(null)).toBe('The request has no Authorization header.')
    expect(await detail('Basic eDp5')).toBe('The credentials are missing or wrong.')
  })

  test.each(['', 'two words', 'x'.repeat(65), 'a,b'])('%j is no probe', async (value) => {
    const rig = await startRig()
    expect(await rig.post(orderEvent(), { headers: { [HEADER]: value } })).toMatchObject({
      json: { outcome: 'delivered' },
    })
    expect(rig.calls).toHaveLength(1)
  })
})

describe('what refuses any request refuses a probe, and is reported to no one', () => {
  const cases: Array<[string, RigOptions, Parameters<Rig['send']>[0], number, string]> = [
    ['a large body', { bodyLimit: 10 }, { method: 'POST', body: 'x'.repeat(11) }, 413, 'body_too_large'],
    [
      'a large body in chunks',
      { bodyLimit: 10 },
      { method: 'PUT', chunks: ['12345', '678901'] },
      413,
      'body_too_large',
    ],
    ['another method', {}, { method: 'DELETE' }, 405, 'method_not_allowed'],
    ['another address', { allow: ['192.0.2.1'] }, { method: 'GET' }, 503, 'address_not_allowed'],
  ]
  test.each(cases)('%s', async (_what, options, request, status, code) => {
    const rig = await startRig(options)
    const answer = await rig.send({ path: '/order', ...request, headers: probe })
    expect(answer).toMatchObject({ status, json: { code } })
    nothingHappened(rig)
  })

  test('an upload that stalls', async () => {
    const rig = await startRig({ limits: { uploadIdleTimeoutMs: 20 } })
    const connection = rig.open()
    const answered = connection.answer()
    connection.write(
      `POST /tradecloud/order HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${HEADER}: 1\r\nContent-Length: 9\r\n\r\n1`,
    )
    expect(await answered).toMatchObject({ status: 503, json: { detail: 'The upload stalled.' } })
    nothingHappened(rig)
  })

  test('the limit of tXML is the one of its Content-Type, and a compressed body is only counted', async () => {
    const rig = await startRig({ bodyLimit: 10 })
    const send = (headers: Record<string, string>, bytes: number) =>
      rig.send({ method: 'POST', path: '/order', body: Buffer.alloc(bytes, 31), headers: { ...probe, ...headers } })
    expect(await send({ 'Content-Encoding': 'gzip' }, 10)).toMatchObject({ json: { outcome: 'probe', bytes: 10 } })
    expect(await send({ 'Content-Encoding': 'gzip' }, 11)).toMatchObject({ status: 413 })
    const larger = await startRig({ limits: { uploadIdleTimeoutMs: 20 } })
    const announce = (type: string) =>
      larger.send({
        ...{ method: 'POST', path: '/order' },
        headers: { ...probe, 'Content-Type': type, 'Content-Length': String(64 * 1024 * 1024 + 1) },
      })
    expect(await announce('application/json')).toMatchObject({ status: 413 })
    expect(await announce('application/xml')).toMatchObject({ status: 503, json: { detail: 'The upload stalled.' } })
  })

  test('its bytes are not taken from the budget', async () => {
    const rig = await startRig({ bodyLimit: 1000, limits: { maxBytesInFlight: 1000 } })
    const connection = rig.open()
    connection.write(
      `POST /tradecloud/order HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${HEADER}: 1\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(999)}`,
    )
    const answered = connection.answer()
    await until(async () => (await rig.post(orderEvent())).status === 200)
    connection.write('x')
    expect(await answered).toMatchObject({ json: { outcome: 'probe', bytes: 1000 } })
  })
})

describe('a path that matches no pattern', () => {
  test.each(['POST', 'PUT', 'GET'])('%s: answered if the app does not know it either', async (method) => {
    const app = await start(mounted())
    const answer = await app.ask({ method, path: '/tradecloud/elsewhere/1?a=b', headers: probe })
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(answer.json).toMatchObject({
      ...{ outcome: 'probe', probe: 'word-1', method, path: '/tradecloud/elsewhere/1?a=b', matched: false },
      bytes: method === 'GET' ? 0 : Buffer.byteLength(JSON.stringify(orderEvent())),
    })
    nothingHappened(app)
  })

  test('a second webhook on the mount, and other routes of the app, respond themselves', async () => {
    const options = {
      auth: { type: 'bearer', token: 'two' },
      logger: { warn: () => undefined, error: () => undefined },
    }
    const second = createTradecloudWebhook({
      ...options,
      auth: { type: 'basic', username: 'tradecloud', password: 'hook:påss' },
      paths: { order: '/second', shipment: false, any: false },
      onOrder: () => undefined,
    })
    const app = await start(
      mounted((after) => {
        after.use('/tradecloud', second)
        after.use('/tradecloud/own', (_req, res) => void res.json({ from: 'app' }))
      }),
    )
    expect((await app.ask({ path: '/tradecloud/second', headers: probe })).json).toMatchObject({ matched: true })
    expect((await app.ask({ path: '/tradecloud/own', headers: probe })).json).toEqual({ from: 'app' })
    await second.close()
  })

  test('the listener', async () => {
    const rig = await startRig({ mounting: 'as a listener', bodyLimit: 100 })
    const send = (size: number) =>
      rig.send({ method: 'POST', path: '/elsewhere', body: 'x'.repeat(size), headers: probe })
    expect(await send(100)).toMatchObject({ json: { outcome: 'probe', matched: false, bytes: 100 } })
    expect(await send(101)).toMatchObject({ status: 413 })
    await rig.webhook.close()
    expect(await send(1)).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    nothingHappened(rig)
  })

  test('a mount that hides the path', async () => {
    const app = await start((express, webhook) => express.use(/^\/tradecloud\/.*/, webhook))
    const { json } = await app.ask({ method: 'GET', path: '/tradecloud/order/1', headers: probe })
    expect(json).toMatchObject({ matched: true, problem: expect.stringContaining('hides the ID in the URL') })
    nothingHappened(app)
  })
})

test('a body that the app has read before', async () => {
  const rig = await startRig({ before: (app) => app.use(express.json()) })
  const json = { a: 1 }
  const length = JSON.stringify(json).length
  expect((await rig.post(json, { headers: probe })).json).toMatchObject({ bytes: length, readBefore: true })
  const chunked = { method: 'POST', path: '/order', chunks: ['{}'] }
  const { json: answer } = await rig.send({ ...chunked, headers: { ...probe, 'Content-Type': 'application/json' } })
  expect(answer).toMatchObject({ bytes: null, readBefore: true })
  nothingHappened(rig)
})
