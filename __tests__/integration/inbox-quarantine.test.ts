/** The quarantine: which unreadable bodies are kept, and how they are delivered later. */
import express from 'express'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { closeAll, orderEvent, orderId, temporaryFolder, until } from './harness'
import { entries, startInboxRig } from './inbox-rig'

afterEach(closeAll)

describe('quarantine', () => {
  test.each([
    [
      'not JSON',
      { body: '{"eventName": "OrderIss', headers: { 'Content-Type': 'application/json' } },
      'malformed_body',
    ],
    ['no event', { json: { hello: 'world' } }, 'invalid_body'],
    ['a kind without a callback', { json: { eventName: 'InvoiceIssued', invoice: { id: 1 } } }, 'ignored'],
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
      // A replay reads the body again. It is still unreadable, so the event stays in quarantine.
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
    // The delivery ID is the same as if the body had been readable at once, so that the ERP write stays idempotent.
    const again = await rig.post(event)
    expect(rig.calls[0]?.context.deliveryId).toBe(again.json.deliveryId)
  })
})
