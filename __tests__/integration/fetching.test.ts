/**
 * Webhook, client and simulator together: every fault of the API and the response that Tradecloud then gets.
 * `long/burst` has bursts above the rate limit.
 */
import { TradecloudClient } from 'tradecloud-webhook'
import type { ApiFault } from 'tradecloud-webhook/testing'
import { clockForEach } from '../clock'
import { FetchingRig } from './fetching-rig'

let rig: FetchingRig

afterEach(async () => {
  jest.restoreAllMocks()
  await rig.close()
})
clockForEach()

test('a client that is passed in keeps its own fetchTimeoutMs', async () => {
  const errors: Error[] = []
  rig = await FetchingRig.start({ onError: (error) => void errors.push(error.cause as Error) }, (access) => {
    return new TradecloudClient({ ...access, requestTimeoutMs: 5_000, fetchTimeoutMs: 700 })
  })
  const [trigger] = rig.triggers(1)
  rig.tradecloud.api.fault({ type: 'hang', endpoint: 'order' })
  const { attempts } = await rig.tradecloud.send({ ...trigger!, retry: { maxAttempts: 1 } })
  expect(attempts.map(({ status }) => status)).toEqual([504])
  expect(errors[0]?.message).toContain('no answer within 700 ms')
})

describe('each fault of the API, the answer it makes, and the delivery once it is over', () => {
  const faults: Array<[string, ApiFault, number, string]> = [
    ['503', { type: 'status', status: 503 }, 502, 'fetch_failed'],
    ['500', { type: 'status', status: 500 }, 502, 'fetch_failed'],
    ['429', { type: 'status', status: 429 }, 502, 'fetch_failed'],
    ['403', { type: 'status', status: 403 }, 502, 'fetch_failed'],
    ['400', { type: 'status', status: 400 }, 502, 'fetch_failed'],
    ['a redirect', { type: 'status', status: 302, headers: { Location: 'http://127.0.0.1:9/' } }, 502, 'fetch_failed'],
    ['404', { type: 'status', status: 404 }, 503, 'not_found'],
    ['no answer', { type: 'hang' }, 504, 'fetch_timeout'],
    ['an answer that drips', { type: 'drip', everyMs: 20 }, 504, 'fetch_timeout'],
    ['an answer that is late', { type: 'delay', ms: 60_000 }, 504, 'fetch_timeout'],
    ['a connection that is cut', { type: 'cut', when: 'before' }, 502, 'fetch_failed'],
    ['an answer that is cut', { type: 'cut', when: 'middle' }, 502, 'fetch_failed'],
    ['HTML', { type: 'nonsense', body: 'html' }, 502, 'fetch_failed'],
    ['an empty body', { type: 'nonsense', body: 'nothing' }, 502, 'fetch_failed'],
    ['an object without an ID', { type: 'nonsense', body: 'object' }, 502, 'fetch_failed'],
    ['a list', { type: 'nonsense', body: 'list' }, 502, 'fetch_failed'],
    ['half a JSON', { type: 'nonsense', body: 'truncated' }, 502, 'fetch_failed'],
    ['no UTF-8', { type: 'nonsense', body: 'not-utf8' }, 502, 'fetch_failed'],
  ]

  test.each(faults)('%s', async (_what, fault, status, code) => {
    // If the API responds at once, attempts begin after 0, 225 and 675 ms. There is no time for a fourth one.
    jest.spyOn(Math, 'random').mockReturnValue(0.9)
    rig = await FetchingRig.start({ fetchTimeoutMs: 1_500 }, { requestTimeoutMs: 400, maxResponseBytes: 1_000_000 })
    const [trigger] = rig.triggers(1)
    const broken = rig.tradecloud.api.fault({ ...fault, endpoint: 'order' })
    const failed = await rig.tradecloud.send({ ...trigger!, retry: { maxAttempts: 1 } })
    expect(failed.attempts.map((attempt) => [attempt.status, JSON.parse(attempt.body)])).toMatchObject([
      [status, { code }],
    ])
    expect(JSON.stringify(failed)).not.toContain(rig.tradecloud.password)
    expect(rig.delivered).toEqual([])
    broken.clear()
    expect(await rig.tradecloud.send(trigger!)).toMatchObject({ result: 'delivered' })
    expect(rig.delivered).toEqual([trigger!.orderId])
  })

  test('our own credentials refused', async () => {
    rig = await FetchingRig.start({}, { password: 'wrong' })
    const [trigger] = rig.triggers(1)
    const failed = await rig.tradecloud.send({ ...trigger!, retry: { maxAttempts: 1 } })
    expect(failed.attempts.map(({ body }) => JSON.parse(body))).toMatchObject([{ status: 502, code: 'fetch_failed' }])
  })
})
