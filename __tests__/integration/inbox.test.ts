/**
 * A webhook with an inbox, end to end: stored, answered 202, and delivered afterwards, with its retries, dead letters,
 * quarantine and replays; and what is on disk meanwhile.
 */
import express from 'express'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { RejectEvent, type Inbox, type InboxEntry, type SettledRecord } from 'tradecloud-webhook'
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
  startRig,
  startTradecloud,
  temporaryFolder,
  temporaryInbox,
  until,
  type Loose,
  type Rig,
  type RigOptions,
} from './harness'

afterEach(closeAll)

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

interface InboxRig extends Rig {
  inbox: Inbox
  settled: SettledRecord[]
}

/** A webhook with an inbox that retries soon. Settled deliveries are noted. */
async function startInboxRig({
  inbox = temporaryInbox(),
  delivery,
  ...options
}: RigOptions & { inbox?: Inbox } = {}): Promise<InboxRig> {
  const settled: SettledRecord[] = []
  const rig = await startRig({
    ...options,
    inbox,
    delivery: {
      retry: { minDelayMs: 20, maxDelayMs: 40 },
      onSettled: (record) => void settled.push(record),
      ...delivery,
    },
  })
  // Opening the file for the first request would count towards the time in which that is answered.
  await rig.webhook.ready()
  return { ...rig, inbox, settled }
}

/** Without delivered events. */
async function entries(inbox: Inbox): Promise<InboxEntry[]> {
  return (await inbox.list()).entries.filter(({ state }) => state !== 'delivered')
}

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
  test('nobody else can read the event, and no credential is stored', async () => {
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
    // Nothing had changed: the same content is the same delivery.
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

describe('a callback that fails', () => {
  test('is called again, later and later, and holds up its own order only', async () => {
    let down = true
    const seen: string[] = []
    const rig = await startInboxRig({
      onOrder: (event, { attempt }) => {
        seen.push(`${event.orderId} ${event.version ?? ''} ${attempt}`)
        if (down && event.orderId === 'A') throw new Error('the ERP system is down')
      },
    })
    await rig.post(orderEvent({ orderId: 'A', version: 1 }))
    await rig.post(orderEvent({ orderId: 'A', version: 2 }))
    await rig.post(orderEvent({ orderId: 'B', version: 1 }))
    // B leaves the inbox a moment after its callback has ended.
    await until(() => seen.includes('A 1 3') && rig.settled.some(({ entityId }) => entityId === 'B'))
    expect(seen.some((call) => call.startsWith('A 2'))).toBe(false)
    expect(await entries(rig.inbox)).toHaveLength(2)
    down = false
    await until(() => seen.includes('A 2 1'))
    const failed = rig.settled.filter(({ result }) => result === 'retry')
    expect(failed[0]).toMatchObject({
      outcome: 'handler_failed',
      attempt: 1,
      nextAttemptAt: expect.any(Date),
      error: expect.objectContaining({
        code: 'handler_failed',
        cause: expect.objectContaining({ message: 'the ERP system is down' }),
      }),
    })
    expect(rig.log.some(({ level, line }) => level === 'warn' && line.includes('delivered again'))).toBe(true)
    expect(rig.log.some(({ level }) => level === 'error')).toBe(false)
  })

  test('for good leaves a dead letter with its reason, and the order goes on', async () => {
    let refuse = true
    const rig = await startInboxRig({
      onOrder: (event) => {
        if (refuse && event.version === 1) throw new RejectEvent('unknown company')
      },
    })
    const event = orderEvent({ version: 1 })
    await rig.post(event)
    await rig.post(orderEvent({ version: 2 }))
    await until(() => rig.settled.length === 2)
    expect(rig.settled.map(({ result }) => result)).toEqual(['dead', 'delivered'])
    const [dead] = await entries(rig.inbox)
    expect(dead).toMatchObject({ state: 'dead', attempts: 1, reason: expect.stringContaining('unknown company') })
    expect((await rig.inbox.show(dead?.id ?? ''))?.bytes).toEqual(Buffer.from(JSON.stringify(event)))
    const [line] = rig.log.filter(({ level }) => level === 'error')
    expect(line?.line).toContain(`Given up ${dead?.id}`)
    // Tradecloud sends it again by hand: it is queued again.
    refuse = false
    expect(await rig.post(event)).toMatchObject({ status: 202, json: { outcome: 'queued', deliveryId: dead?.id } })
    await until(() => rig.settled.length === 3)
    expect(rig.settled[2]).toMatchObject({ result: 'delivered', attempt: 1, replay: false })
    expect(await entries(rig.inbox)).toEqual([])
  })

  test('for as long as it may leaves a dead letter, which a replay delivers', async () => {
    let down = true
    const replays: boolean[] = []
    const rig = await startInboxRig({
      delivery: { retry: { forMs: 100, minDelayMs: 20, maxDelayMs: 20 } },
      onOrder: (_event, { replay }) => {
        replays.push(replay)
        if (down) throw new Error('down')
      },
    })
    await rig.post(orderEvent())
    await until(() => rig.settled.some(({ result }) => result === 'dead'))
    expect(rig.settled.length).toBeGreaterThan(1)
    down = false
    expect(await rig.inbox.replay((await entries(rig.inbox))[0]?.id ?? '')).toBe(true)
    await until(() => rig.settled.at(-1)?.result === 'delivered')
    expect(replays.at(-1)).toBe(true)
    expect(rig.settled.at(-1)).toMatchObject({ attempt: 1, replay: true })
    expect(replays.slice(0, -1).every((replay) => !replay)).toBe(true)
  })

  test('to come back loses its place to another one, and its order waits for it', async () => {
    const gates = new Map<string, ReturnType<typeof deferred<void>>>()
    const rig = await startInboxRig({
      concurrency: 1,
      delivery: { handlerTimeoutMs: 30 },
      onOrder: (event) => {
        const gate = deferred()
        gates.set(`${event.orderId} ${event.version ?? ''}`, gate)
        return event.orderId === 'A' ? gate.promise : undefined
      },
    })
    await rig.post(orderEvent({ orderId: 'A', version: 1 }))
    await rig.post(orderEvent({ orderId: 'A', version: 2 }))
    await rig.post(orderEvent({ orderId: 'B', version: 1 }))
    await until(() => gates.has('B 1'))
    await pause(40)
    expect(gates.has('A 2')).toBe(false)
    gates.get('A 1')?.resolve()
    await until(() => gates.has('A 2'))
    expect(rig.settled.map(({ entityId, result }) => `${entityId} ${result}`)).toEqual(['B delivered', 'A delivered'])
  })
})

describe('quarantine', () => {
  test.each([
    [
      'not JSON',
      { body: '{"eventName": "OrderIss', headers: { 'Content-Type': 'application/json' } },
      'malformed_body',
    ],
    ['no event', { json: { hello: 'world' } }, 'invalid_body'],
    ['a kind that nobody asked for', { json: { eventName: 'InvoiceIssued', invoice: { id: 1 } } }, 'ignored'],
  ])('keeps %s and answers 202', async (_what, request, code) => {
    const rig = await startInboxRig({ onUnknown: undefined })
    const answers = [
      await rig.send({ method: 'POST', path: '/order', ...request }),
      await rig.send({ method: 'POST', path: '/order', ...request }),
    ]
    expect(answers.map(({ status, json }) => `${status} ${json.outcome}`)).toEqual([
      '202 quarantined',
      '202 quarantined',
    ])
    const kept = await entries(rig.inbox)
    expect(kept).toMatchObject([{ state: 'quarantined', outcome: code, attempts: 0 }])
    expect(rig.records[0]).toMatchObject({ outcome: 'quarantined', inboxId: kept[0]?.id, givenUp: false })
    expect((await rig.inbox.show(kept[0]?.id ?? ''))?.bytes?.toString()).toBe(
      'body' in request ? request.body : JSON.stringify(request.json),
    )
  })

  const readable = JSON.stringify(orderEvent())
  test.each<[string, { body: string | Buffer; headers: Record<string, string> }, string]>([
    ['a wrong media type', { body: readable, headers: { 'Content-Type': 'text/csv' } }, 'unsupported_media_type'],
    [
      'an unknown encoding',
      {
        body: Buffer.from([0, 1, 2, 255]),
        headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'zstd' },
      },
      'unsupported_media_type',
    ],
    [
      'a broken gzip',
      {
        body: gzipSync(readable).subarray(0, 100),
        headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      },
      'malformed_body',
    ],
    [
      'what is not UTF-8',
      { body: Buffer.from('{"eventName":"Bl\xe5"}', 'latin1'), headers: { 'Content-Type': 'application/json' } },
      'malformed_body',
    ],
  ])('keeps the bytes of %s as they were sent, also from a parser of the app', async (_what, request, code) => {
    for (const before of [
      undefined,
      (app: express.Express) => void app.use(express.raw({ type: () => true, inflate: false })),
    ]) {
      if (before && request.headers['Content-Encoding']) continue
      const rig = await startInboxRig({ before })
      const answer = await rig.send({ method: 'POST', path: '/order', ...request })
      expect(answer).toMatchObject({ status: 202, json: { outcome: 'quarantined' } })
      const [kept] = await entries(rig.inbox)
      expect(kept).toMatchObject({ state: 'quarantined', outcome: code })
      expect((await rig.inbox.show(kept?.id ?? ''))?.bytes).toEqual(Buffer.from(request.body))
      // Replayed, it is read by the rules of today, and stays.
      expect(await rig.inbox.replay(kept?.id ?? '')).toBe(true)
      await until(() => rig.settled.length === 1)
      expect(rig.settled[0]).toMatchObject({ result: 'quarantined', outcome: code })
    }
  })

  test('delivers a body that could not be read once it arrives again and can be read', async () => {
    const rig = await startInboxRig()
    const wrong = { method: 'POST', path: '/order', body: readable, headers: { 'Content-Type': 'text/csv' } }
    expect((await rig.send(wrong)).json.outcome).toBe('quarantined')
    const right = { ...wrong, headers: { 'Content-Type': 'application/json' } }
    expect((await rig.send(right)).json.outcome).toBe('queued')
    await until(() => rig.calls.length === 1)
  })

  test('is off where it is switched off, and where anyone could fill it', async () => {
    for (const options of [{ delivery: { quarantine: false } }, { auth: 'none' as const }]) {
      const rig = await startInboxRig(options)
      const answer = await rig.send({
        method: 'POST',
        path: '/order',
        body: 'x',
        headers: { 'Content-Type': 'application/json' },
      })
      expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
      expect((await rig.inbox.stats()).quarantined).toBe(0)
    }
  })

  test('gives back what a later version can read', async () => {
    const file = join(temporaryFolder(), 'inbox.db')
    const schemas = { order: { required: ['companyId'] } }
    const first = await startInboxRig({ inbox: sqliteInbox({ file }), schemas })
    const event = orderEvent()
    expect((await first.post(event)).status).toBe(202)
    const [kept] = await entries(first.inbox)
    await first.inbox.replay(kept?.id ?? '')
    await until(() => first.settled.length === 1)
    expect(first.settled[0]).toMatchObject({ result: 'quarantined', outcome: 'invalid_body' })
    await first.close()
    const inbox = sqliteInbox({ file })
    const rig = await startInboxRig({ inbox })
    expect(await inbox.replay(kept?.id ?? '')).toBe(true)
    await until(() => rig.settled.length === 1)
    expect(rig.calls[0]).toMatchObject({ event: { orderId }, context: { replay: true } })
    // The same ID as if it had been readable at once: what the ERP write was made idempotent with holds.
    const again = await rig.post(event)
    expect(rig.calls[0]?.context.deliveryId).toBe(again.json.deliveryId)
  })
})

describe('bounds and the end', () => {
  test('a full inbox answers 503, and takes events again once there is room', async () => {
    const gate = deferred()
    const rig = await startInboxRig({
      inbox: temporaryInbox({ maxBytes: Math.round(2.5 * JSON.stringify(orderEvent()).length) }),
      onOrder: () => gate.promise,
    })
    expect((await rig.post(orderEvent())).status).toBe(202)
    expect((await rig.post(orderEvent())).status).toBe(202)
    const answer = await rig.post(orderEvent())
    expect(answer).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    expect(rig.log.some(({ line }) => line.includes('full'))).toBe(true)
    gate.resolve()
    await until(() => rig.settled.length === 2)
    await until(async () => (await rig.post(orderEvent())).status === 202)
  })

  test('stats tell what waits, and for how long', async () => {
    const gate = deferred()
    const rig = await startInboxRig({ concurrency: 1, onOrder: () => gate.promise })
    await rig.post(orderEvent({ orderId: 'A' }))
    await rig.post(orderEvent({ orderId: 'B' }))
    await until(() => rig.records.length === 2)
    const stats = await rig.inbox.stats()
    expect(stats).toMatchObject({ waiting: 1, running: 1, dead: 0, quarantined: 0 })
    expect(stats.oldestWaitingAt?.getTime()).toBe(rig.records[0]?.receivedAt.getTime())
    gate.resolve()
    await until(() => rig.settled.length === 2)
    expect((await rig.inbox.stats()).oldestWaitingAt).toBeUndefined()
  })

  test('close() lets what runs finish, leaves the rest, and the next webhook delivers it', async () => {
    const file = join(temporaryFolder(), 'inbox.db')
    const gate = deferred()
    const rig = await startInboxRig({
      inbox: sqliteInbox({ file }),
      concurrency: 1,
      closeTimeoutMs: 5_000,
      onOrder: () => gate.promise,
    })
    await rig.post(orderEvent({ orderId: 'A' }))
    await rig.post(orderEvent({ orderId: 'B' }))
    const closing = rig.webhook.close()
    expect((await rig.post(orderEvent({ orderId: 'C' }))).status).toBe(503)
    gate.resolve()
    await closing
    expect(rig.settled.map(({ entityId }) => entityId)).toEqual(['A'])
    await expect(rig.inbox.stats()).rejects.toThrow('closed')
    const next = await startInboxRig({ inbox: sqliteInbox({ file }) })
    await until(() => next.settled.length === 1)
    expect(next.calls.map(({ event }) => event.orderId)).toEqual(['B'])
  })

  test('a callback that close() cannot wait for hears of it, and its event is delivered again', async () => {
    const file = join(temporaryFolder(), 'inbox.db')
    const signals: AbortSignal[] = []
    const rig = await startInboxRig({
      inbox: sqliteInbox({ file }),
      closeTimeoutMs: 20,
      onOrder: (_event, { signal }) => {
        signals.push(signal)
        return new Promise<void>(() => undefined)
      },
    })
    await rig.post(orderEvent())
    await until(() => signals.length === 1)
    await rig.webhook.close()
    expect(signals[0]?.aborted).toBe(true)
    const next = await startInboxRig({ inbox: sqliteInbox({ file }) })
    await until(() => next.settled.length === 1)
    expect(next.calls[0]?.context.attempt).toBe(2)
  })

  test('several webhooks may share a file, but not an inbox', async () => {
    const file = join(temporaryFolder(), 'inbox.db')
    const inbox = sqliteInbox({ file })
    const first = await startInboxRig({ inbox })
    await expect(startInboxRig({ inbox })).rejects.toThrow('belongs to one webhook')
    const second = await startInboxRig({ inbox: sqliteInbox({ file }) })
    const event = orderEvent()
    expect((await first.post(event)).json.outcome).toBe('queued')
    expect((await second.post(event)).json.outcome).toBe('duplicate')
    await until(() => first.settled.length + second.settled.length === 1)
  })

  test(`works on Express ${isExpress4 ? 4 : 5} in every mounting`, async () => {
    for (const mounting of ['under /', 'in a nested router', 'as a listener'] as const) {
      const rig = await startInboxRig({ mounting, auth: credential })
      expect((await rig.post(orderEvent())).status).toBe(202)
      await until(() => rig.settled.length === 1)
    }
  })
})
