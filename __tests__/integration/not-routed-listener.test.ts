/** The listener, without an app behind it, on a path that matches no pattern. */
import { closeAll, orderEvent, startRig } from './harness'

afterEach(closeAll)

describe('the listener', () => {
  test('503 at once for who may be Tradecloud, 404 for anyone else', async () => {
    const rig = await startRig({ mounting: 'as a listener' })
    for (const method of ['POST', 'PUT', 'GET'])
      expect(await rig.send({ method, path: '/orders' })).toMatchObject({ status: 503, json: { code: 'not_routed' } })
    expect(rig.log).toEqual([{ level: 'error', line: expect.stringContaining('POST "/orders"') }])
    expect(rig.records).toMatchObject(Array(3).fill({ outcome: 'not_routed', givenUp: false }))
    expect(await rig.send({ method: 'POST', path: '/orders', auth: null })).toMatchObject({
      status: 404,
      json: { code: 'not_found' },
    })
    expect(await rig.send({ method: 'HEAD', path: '/orders' })).toMatchObject({ status: 404 })
  })

  test.each([
    ["auth: 'none'", 'none'],
    ['a function', () => false],
  ] as const)('503 with %s', async (_what, auth) => {
    const rig = await startRig({ mounting: 'as a listener', auth })
    expect(await rig.send({ method: 'POST', path: '/orders', auth: null, json: orderEvent() })).toMatchObject({
      status: 503,
      json: { code: 'not_routed' },
    })
  })

  test("unmatched: 'next' has no app to leave it to", async () => {
    const rig = await startRig({ mounting: 'as a listener', unmatched: 'next' })
    expect(await rig.send({ method: 'POST', path: '/orders' })).toMatchObject({ status: 404 })
  })

  test('a path with the mount path still in it', async () => {
    const rig = await startRig({ mounting: 'as a listener' })
    expect(await rig.post(orderEvent(), { path: '/tradecloud/order' })).toMatchObject({ status: 503 })
    expect(rig.records).toMatchObject([{ outcome: 'not_routed' }])
    // No advice on mounting, because there is no app.
    expect(rig.log[0]?.line).not.toContain('app.use')
  })
})
