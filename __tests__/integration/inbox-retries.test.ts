/** A callback fails on an event from the inbox: retries, dead letters and replays. */
import { RejectEvent } from 'tradecloud-webhook'
import { closeAll, deferred, orderEvent, pause, until } from './harness'
import { entries, startInboxRig } from './inbox-rig'

afterEach(closeAll)

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
    // B is settled shortly after its callback has ended, so the test also waits for the record of B.
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
    // On a busy machine, a slow disk may cause another logged error, `inbox_unusable`, which is ignored here.
    const errors = rig.log.filter(({ level, line }) => level === 'error' && !line.includes('inbox_unusable'))
    expect(errors).toEqual([])
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
    // A person at Tradecloud sends the event again, and it is queued again.
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
