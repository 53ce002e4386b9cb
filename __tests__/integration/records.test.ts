/** What `onDelivery`, `onError` and the log get for a request, and what happens if these callbacks fail. */
import { RejectEvent, type Logger } from 'tradecloud-webhook'
import { closeAll, fixture, orderEvent, orderId, pause, startRig, until } from './harness'

afterEach(closeAll)

describe('records and onError', () => {
  test('what is known of a delivered event', async () => {
    const rig = await startRig()
    const body = fixture('order-event')
    body.orderEvent.version = 'not a number'
    const text = JSON.stringify(body)
    const answer = await rig.post(body)
    expect(rig.records).toEqual([
      {
        outcome: 'delivered',
        status: 200,
        givenUp: false,
        answered: true,
        method: 'POST',
        kind: 'order',
        eventName: 'OrderLinesAcceptedBySupplier',
        entityId: orderId,
        deliveryId: answer.json.deliveryId,
        requestId: rig.calls[0]?.context.requestId,
        attempt: 1,
        merged: false,
        issues: 1,
        bodyBytes: Buffer.byteLength(text),
        receivedAt: rig.calls[0]?.context.receivedAt,
        durationMs: expect.any(Number),
      },
    ])
  })

  test('the raw body of an authenticated refusal, and of no other', async () => {
    const rig = await startRig()
    await rig.post({ hello: 'world' })
    await rig.post({ hello: 'world' }, { auth: null })
    expect(rig.errors.map(({ error }) => error.code)).toEqual(['invalid_body', 'unauthorized'])
    expect(rig.errors[0]?.context.rawBody?.toString()).toBe('{"hello":"world"}')
    expect(rig.errors[1]?.context.rawBody).toBeUndefined()
    expect(rig.records[1]?.bodyBytes).toBe(0)
  })

  test('issues of an invalid body come with the answer, without its values', async () => {
    const rig = await startRig({ validation: 'strict' })
    const answer = await rig.post({
      eventName: 'X',
      orderEvent: { orderId, version: 'SECRET-VALUE', lines: 'SECRET-VALUE' },
    })
    expect(answer).toMatchObject({
      status: 400,
      json: {
        code: 'invalid_body',
        issues: expect.arrayContaining([{ pointer: '/orderEvent/lines', message: expect.any(String) }]),
      },
    })
    expect(answer.text).not.toContain('SECRET-VALUE')
    expect(JSON.stringify(rig.log)).not.toContain('SECRET-VALUE')
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('metrics are down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('metrics are down'))],
    [
      'throws null',
      () => {
        throw null
      },
    ],
  ])('onDelivery or onError that %s changes nothing', async (_what, broken) => {
    const rig = await startRig({
      onDelivery: broken,
      onError: broken,
      onOrder: () => {
        throw new RejectEvent('no')
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
    await until(() => rig.log.filter(({ line }) => /onDelivery failed|onError failed/.test(line)).length === 4)
  })

  test('a logger that throws changes nothing', async () => {
    const broken = (): void => {
      throw new Error('the disk is full')
    }
    const rig = await startRig({
      logger: { warn: broken, error: broken },
      onOrder: () => {
        throw new RejectEvent('no')
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
  })

  test('a logger that rejects ends nothing', async () => {
    const broken: unknown = () => Promise.reject(new Error('the log server is away'))
    const rig = await startRig({
      logger: { warn: broken, error: broken } as Logger,
      onOrder: () => {
        throw new RejectEvent('no')
      },
    })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 422 })
    await pause(20)
  })

  test('a flood of refusals does not flood the log', async () => {
    const rig = await startRig()
    for (let i = 0; i < 25; i++) await rig.get('/order/%20')
    expect(rig.records.filter(({ givenUp }) => givenUp)).toHaveLength(25)
    expect(rig.log).toHaveLength(10)
    // A refusal for another reason is still logged.
    await rig.post({ hello: 1 })
    expect(rig.log).toHaveLength(11)
  })

  test('each line of the log is one line, whatever stands in a body or in a RejectEvent', async () => {
    const rig = await startRig({
      onOrder: (event) => {
        throw new RejectEvent(`cannot take ${event.orderId}`)
      },
    })
    const forged = 'PO1\nERROR forged line\u001b[2J\u2028'
    await rig.post({ eventName: `Order\r\nforged`, orderEvent: { orderId: forged } })
    await rig.post({ eventName: 'X\n', orderEvent: [] })
    expect(rig.log.length).toBeGreaterThanOrEqual(2)
    for (const { line } of rig.log) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  })
})
