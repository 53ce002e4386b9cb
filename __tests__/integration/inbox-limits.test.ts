/** A full inbox, its statistics, close(), and several webhooks on one file. */
import { join } from 'node:path'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { closeAll, deferred, orderEvent, temporaryFolder, temporaryInbox, until } from './harness'
import { startInboxRig } from './inbox-rig'

afterEach(closeAll)

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
    await expect(startInboxRig({ inbox })).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(
        '`inbox` is already used by another webhook or worker: create an inbox for each',
      ),
    })
    const second = await startInboxRig({ inbox: sqliteInbox({ file }) })
    const event = orderEvent()
    expect((await first.post(event)).json.outcome).toBe('queued')
    expect((await second.post(event)).json.outcome).toBe('duplicate')
    await until(() => first.settled.length + second.settled.length === 1)
  })
})
