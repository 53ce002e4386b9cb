/** The order in which a request is checked. */
import { closeAll, deferred, orderEvent, startRig } from './harness'

afterEach(closeAll)

describe('the order of the checks', () => {
  /** What makes each check fail, in the order of the checks. For `unavailable`, the test closes the webhook instead. */
  const violations = {
    unauthorized: { auth: null },
    unavailable: {},
    method_not_allowed: { method: 'DELETE' },
    unsupported_media_type: { headers: { 'Content-Type': 'text/plain', 'Content-Encoding': 'zip' } },
    body_too_large: { body: 'x'.repeat(2000) },
    malformed_body: { body: 'x' },
  }

  test('credentials before all else, for every method', async () => {
    const rig = await startRig({ bodyLimit: 1000 })
    await rig.webhook.close()
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'LINK']) {
      const request = { ...violations.unsupported_media_type, ...violations.body_too_large, method, path: '/order/%FF' }
      expect({ method, status: (await rig.send({ ...request, auth: null })).status }).toEqual({ method, status: 401 })
      expect({ method, status: (await rig.send(request)).status }).toEqual({ method, status: 503 })
    }
    expect(rig.records.filter(({ outcome }) => outcome === 'unauthorized')).toHaveLength(10)
    expect(rig.records.filter(({ outcome }) => outcome === 'unavailable')).toHaveLength(10)
  })

  test('method before media type, media type before size, size before content', async () => {
    const rig = await startRig({ bodyLimit: 1000 })
    const { method_not_allowed, unsupported_media_type, body_too_large, malformed_body } = violations
    const all = { path: '/order', ...body_too_large, ...unsupported_media_type, ...method_not_allowed }
    expect(await rig.send(all)).toMatchObject({ status: 405 })
    expect(await rig.send({ ...all, method: 'POST' })).toMatchObject({ status: 415 })
    expect(await rig.send({ ...all, method: 'POST', headers: { 'Content-Type': 'text/plain' } })).toMatchObject({
      status: 415,
    })
    // The webhook detects the encoding from the bytes of the body, not from the header. So it checks the size first.
    expect(await rig.send({ ...all, method: 'POST', headers: { 'Content-Encoding': 'zip' } })).toMatchObject({
      status: 413,
    })
    expect(await rig.send({ ...all, method: 'POST', headers: {} })).toMatchObject({ status: 413 })
    expect(await rig.send({ ...all, ...malformed_body, method: 'POST', headers: {} })).toMatchObject({
      status: 400,
      json: { code: 'malformed_body' },
    })
  })

  test('method before ID, ID before media type', async () => {
    const rig = await startRig()
    expect(await rig.send({ method: 'PATCH', path: '/order/%FF' })).toMatchObject({ status: 405 })
    expect(
      await rig.send({
        method: 'POST',
        path: '/order/%FF',
        headers: { 'Content-Type': 'text/plain', 'Content-Length': '0' },
      }),
    ).toMatchObject({ status: 400, json: { code: 'invalid_id' } })
    expect(
      await rig.send({ method: 'GET', path: '/order/%FF', body: 'x', headers: { 'Content-Type': 'text/plain' } }),
    ).toMatchObject({ status: 400, json: { code: 'invalid_id' } })
  })

  test('overloaded before method', async () => {
    const [begun, running] = [deferred(), deferred()]
    const onOrder = (): Promise<void> => {
      begun.resolve()
      return running.promise
    }
    const rig = await startRig({ bodyLimit: 300, limits: { maxBytesInFlight: 300 }, onOrder })
    const json = orderEvent({ reason: '' })
    json.orderEvent.reason = 'x'.repeat(300 - JSON.stringify(json).length)
    const first = rig.post(json)
    await begun.promise
    for (const method of ['GET', 'DELETE', 'POST']) {
      expect(await rig.send({ method, path: '/order/1' })).toMatchObject({ status: 503, json: { code: 'unavailable' } })
      expect(await rig.send({ method, path: '/order/1', auth: null })).toMatchObject({ status: 401 })
    }
    running.resolve()
    expect(await first).toMatchObject({ status: 200 })
    expect(await rig.send({ method: 'DELETE', path: '/order/1' })).toMatchObject({ status: 405 })
  })

  test.each(['OPTIONS', 'HEAD'])('%s is authenticated, and not allowed', async (method) => {
    const rig = await startRig()
    const refusal = await rig.send({ method, path: '/order', auth: null })
    expect(refusal).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringContaining('Basic') } })
    const answer = await rig.send({ method, path: '/order' })
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, POST, PUT' } })
    if (method === 'HEAD') expect(answer.text).toBe('')
    expect(rig.calls).toEqual([])
  })
})
