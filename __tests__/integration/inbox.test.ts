/**
 * A webhook with an inbox stores each event, and each trigger that contains an ID. It responds 202, and delivers
 * afterwards.
 */
import express from 'express'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { order } from 'tradecloud-webhook/testing'
import {
  apiOf,
  closeAll,
  credential,
  deferred,
  isExpress4,
  orderEvent,
  orderId,
  pause,
  shipmentId,
  startTradecloud,
  temporaryFolder,
  until,
  type Loose,
} from './harness'
import { entries, startInboxRig, UUID } from './inbox-rig'

afterEach(closeAll)

describe('an event', () => {
  test('is answered 202 before its callback has run, and delivered as it came', async () => {
    const gate = deferred()
    const seen: Loose[] = []
    const rig = await startInboxRig({
      onOrder: async (event, context) => {
        await gate.promise
        seen.push({ event, context })
      },
    })
    const event = orderEvent({ version: 7 })
    const answer = await rig.post(event)
    expect(answer).toMatchObject({ status: 202, json: { outcome: 'queued', deliveryId: expect.stringMatching(UUID) } })
    expect(seen).toEqual([])
    gate.resolve()
    await until(() => rig.settled.length === 1)
    expect(seen).toEqual([
      {
        event: expect.objectContaining({ kind: 'order', orderId, version: 7, order: event.orderEvent, method: 'POST' }),
        context: expect.objectContaining({
          deliveryId: answer.json.deliveryId,
          requestId: rig.records[0]?.requestId,
          receivedAt: rig.records[0]?.receivedAt,
          attempt: 1,
          replay: false,
          outdated: false,
          rawBody: Buffer.from(JSON.stringify(event)),
        }),
      },
    ])
    expect(rig.records).toEqual([expect.objectContaining({ outcome: 'queued', status: 202, givenUp: false })])
    expect(rig.settled).toEqual([
      {
        result: 'delivered',
        outcome: 'delivered',
        inboxId: answer.json.deliveryId,
        deliveryId: answer.json.deliveryId,
        kind: 'order',
        eventName: 'OrderIssuedByBuyer',
        entityId: orderId,
        requestId: rig.records[0]?.requestId,
        receivedAt: rig.records[0]?.receivedAt,
        attempt: 1,
        replay: false,
        durationMs: expect.any(Number),
        nextAttemptAt: undefined,
        noted: true,
        error: undefined,
      },
    ])
    expect(await entries(rig.inbox)).toEqual([])
  })

  test('that comes three times at once is called once; later it is a duplicate', async () => {
    const rig = await startInboxRig()
    const event = orderEvent()
    const answers = await Promise.all([rig.post(event), rig.post(event), rig.post(event, { method: 'PUT' })])
    expect(answers.map(({ status, json }) => `${status} ${json.outcome}`).sort()).toEqual([
      '200 duplicate',
      '200 duplicate',
      '202 queued',
    ])
    expect(new Set(answers.map(({ json }) => json.deliveryId)).size).toBe(1)
    await until(() => rig.settled.length === 1)
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    await pause(30)
    expect(rig.calls).toHaveLength(1)
  })

  test('that may be a new one with the same bytes is delivered again after the first, under an ID of its own', async () => {
    const rig = await startInboxRig()
    const event = { eventName: 'OrderIssuedByBuyer', orderEvent: { orderId, lines: [] } }
    for (const count of [1, 2, 3]) {
      expect((await rig.post(event)).json.outcome).toBe('queued')
      await until(() => rig.settled.length === count)
    }
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(3)
  })

  test('of a kind without a callback is ignored and not stored', async () => {
    const rig = await startInboxRig({ onShipment: undefined })
    const answer = await rig.post({ eventName: 'ShipmentIssuedBySupplier', shipment: { id: shipmentId } })
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'ignored' } })
    expect((await rig.inbox.stats()).waiting).toBe(0)
  })

  test('whose ID stands in the URL alone keeps it', async () => {
    const rig = await startInboxRig()
    const event = { eventName: 'OrderIssuedByBuyer', orderEvent: { lines: [], meta: { messageId: '1' } } }
    await rig.post(event, { path: `/order/${encodeURIComponent(orderId)}` })
    await until(() => rig.settled.length === 1)
    expect(rig.calls[0]?.event.orderId).toBe(orderId)
  })

  test('with an ID or a name of megabytes is delivered as it came, and listed in short', async () => {
    const rig = await startInboxRig({
      delivery: { retry: { minDelayMs: 900_000 } },
      onOrder: (event) => Promise.reject(new Error(String(event.orderId.length))),
    })
    await rig.post({ ...orderEvent({ orderId: 'x'.repeat(1_000_000) }), eventName: 'y'.repeat(1_000_000) })
    await until(() => rig.settled.length === 1)
    const [entry] = await entries(rig.inbox)
    expect(entry?.reason).toContain('1000000')
    expect(entry?.entity?.id).toHaveLength(64)
    expect(entry?.eventName).toHaveLength(256)
  })

  test('that the app had parsed is delivered, without a raw body', async () => {
    const rig = await startInboxRig({ before: (app) => void app.use(express.json()) })
    const event = orderEvent()
    expect((await rig.post(event)).status).toBe(202)
    await until(() => rig.settled.length === 1)
    expect(rig.calls[0]?.event.order).toEqual(event.orderEvent)
    expect(rig.calls[0]?.context.rawBody).toBeUndefined()
  })

  test('older than one that was delivered is outdated', async () => {
    const rig = await startInboxRig()
    await rig.post(orderEvent({ version: 2 }))
    await rig.post(orderEvent({ version: 1 }))
    await until(() => rig.settled.length === 2)
    expect(rig.calls.map(({ context }) => context.outdated)).toEqual([false, true])
  })
})

describe('on disk', () => {
  test('other users of the machine cannot read the event, and no credential is stored', async () => {
    const file = join(temporaryFolder(), 'data', 'inbox.db')
    const gate = deferred()
    const rig = await startInboxRig({
      inbox: sqliteInbox({ file }),
      onOrder: () => gate.promise,
      auth: (req) => req.headers.authorization === 'Bearer canary-header',
    })
    const event = orderEvent()
    await rig.post(event, {
      auth: 'Bearer canary-header',
      path: '/order?token=canary-query',
      headers: { 'X-Key': 'canary-key' },
    })
    const [entry] = await entries(rig.inbox)
    const shown = await rig.inbox.show(entry?.id ?? '')
    expect(shown?.event).toMatchObject({
      format: 1,
      kind: 'order',
      entity: { kind: 'order', id: orderId },
      path: '/order',
      contentType: 'application/json',
    })
    expect(shown?.bytes?.toString()).toBe(JSON.stringify(event))
    for (const name of [file, `${file}-wal`]) {
      expect(readFileSync(name, 'latin1')).not.toContain('canary')
      expect(statSync(name).mode & 0o077).toBe(0)
    }
    expect(statSync(dirname(file)).mode & 0o077).toBe(0)
    gate.resolve()
    await until(() => rig.settled.length === 1)
  })

  test('it outlives the webhook, with the number of its attempts', async () => {
    const file = join(temporaryFolder(), 'inbox.db')
    const first = await startInboxRig({
      inbox: sqliteInbox({ file }),
      delivery: { retry: { minDelayMs: 900_000 } },
      onOrder: () => {
        throw new Error('down')
      },
    })
    const event = orderEvent()
    await first.post(event)
    await until(() => first.settled.length === 1)
    await first.close()
    const inbox = sqliteInbox({ file })
    const rig = await startInboxRig({ inbox })
    expect(await entries(inbox)).toMatchObject([
      { state: 'waiting', attempts: 1, reason: expect.stringContaining('down'), nextAttemptAt: expect.any(String) },
    ])
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    expect(await inbox.replay((await entries(inbox))[0]?.id ?? '')).toBe(true)
    await until(() => rig.settled.length === 1)
    expect(rig.calls[0]?.context).toMatchObject({ attempt: 2, replay: true })
  })
})

describe('a trigger with an ID', () => {
  test('is stored, fetched at its delivery, and never a duplicate', async () => {
    const tradecloud = await startTradecloud()
    tradecloud.api.setOrder(orderId, order({ version: 3 }))
    const rig = await startInboxRig({ api: apiOf(tradecloud) })
    const path = `/order/${encodeURIComponent(orderId)}`
    expect(await rig.get(path)).toMatchObject({ status: 202, json: { outcome: 'queued' } })
    await until(() => rig.settled.length === 1)
    expect((await rig.get(path)).json).toEqual({ outcome: 'queued' })
    await until(() => rig.settled.length === 2)
    expect(rig.calls.map(({ event }) => event.completeness)).toEqual(['all-lines', 'all-lines'])
    // The order did not change between the two triggers, and the same content has the same delivery ID.
    expect(new Set(rig.calls.map(({ context }) => context.deliveryId)).size).toBe(1)
  })

  test('is tried again while the API is away, and while it does not know the ID yet', async () => {
    const tradecloud = await startTradecloud()
    const fault = tradecloud.api.fault({ type: 'status', status: 503, endpoint: 'order' })
    const rig = await startInboxRig({ api: { ...apiOf(tradecloud), fetchTimeoutMs: 100, notFoundRetryMs: 0 } })
    await rig.get(`/order/${encodeURIComponent(orderId)}`)
    await until(() => rig.settled.length >= 2)
    fault.clear()
    await until(() => rig.settled.some(({ outcome }) => outcome === 'not_found'))
    expect(rig.calls).toEqual([])
    tradecloud.api.setOrder(orderId, order())
    await until(() => rig.calls.length === 1, 'not delivered')
    expect(rig.settled[0]).toMatchObject({ result: 'retry', noted: true })
  })

  test('is dead when the API does not know it for long enough', async () => {
    const tradecloud = await startTradecloud()
    const rig = await startInboxRig({ api: { ...apiOf(tradecloud), notFoundRetryMs: 0 }, notFoundGraceMs: 0 })
    await rig.get('/order/unknown')
    await until(() => rig.settled.length === 1)
    expect(rig.settled[0]).toMatchObject({ result: 'dead', outcome: 'not_found' })
    expect(rig.log.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  test('stands for those that come before its fetch has begun', async () => {
    const gate = deferred()
    const rig = await startInboxRig({
      onOrder: (event) => (event.method === 'POST' ? gate.promise : undefined),
    })
    await rig.post(orderEvent())
    const path = `/order/${encodeURIComponent(orderId)}`
    await Promise.all([rig.get(path), rig.get(path)])
    expect((await rig.get(path)).status).toBe(202)
    expect(rig.records.filter(({ merged }) => merged)).toHaveLength(2)
    expect((await rig.inbox.stats()).waiting).toBe(1)
    gate.resolve()
    await until(() => rig.settled.length === 2)
  })
})

test(`an inbox works on Express ${isExpress4 ? 4 : 5} in every mounting`, async () => {
  for (const mounting of ['under /', 'in a nested router', 'as a listener'] as const) {
    const rig = await startInboxRig({ mounting, auth: credential })
    expect((await rig.post(orderEvent())).status).toBe(202)
    await until(() => rig.settled.length === 1)
  }
})
