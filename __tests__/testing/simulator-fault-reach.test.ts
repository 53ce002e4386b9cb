/**
 * Which requests a fault of the simulated API affects, how often, and which effects an affected request still has. Uses
 * real sockets.
 */
import type { ApiFault, FaultKind } from '../../lib/testing/api/faults'
import { ask, basicUser } from './simulator-client'
import { until } from './simulator-receiver'
import { apiForEach, expectHealthy, getOrder, lastRequest, refreshToken, tradecloud } from './simulator-rig'

apiForEach()

const refresh = () => {
  return ask(`${tradecloud.baseUrl}/authentication/refresh`, { headers: { 'Refresh-Token': refreshToken } })
}

describe('a request with a fault', () => {
  const kinds: Array<[name: string, fault: FaultKind, carriedOut: boolean]> = [
    ['status', { type: 'status', status: 503 }, false],
    ['html', { type: 'nonsense', body: 'html' }, false],
    ['huge', { type: 'huge', bytes: 10 }, false],
    ['truncated', { type: 'nonsense', body: 'truncated' }, true],
    ['delay', { type: 'delay', ms: 1 }, true],
    ['drip', { type: 'drip', everyMs: 1 }, true],
    ['cut', { type: 'cut' }, true],
  ]

  it.each(kinds)('%s: the effect it has on a refresh token is as documented', async (_, fault, carriedOut) => {
    tradecloud.api.fault({ ...fault, times: 1 })
    await refresh().catch(() => undefined)
    expect((await refresh()).status).toBe(carriedOut ? 401 : 200)
  })

  it('hang: has used up the refresh token', async () => {
    tradecloud.api.fault({ type: 'hang', times: 1 })
    void refresh().catch(() => undefined)
    await until(() => lastRequest()?.fault === 'hang')
    expect((await refresh()).status).toBe(401)
  })
})

describe('which requests a fault hits', () => {
  const statuses = async (count: number) => {
    const found: number[] = []
    for (let n = 0; n < count; n++) found.push((await getOrder()).status)
    return found
  }

  it('as many as asked for, one fault after the other', async () => {
    tradecloud.api.fault({ type: 'status', status: 503, times: 2 })
    tradecloud.api.fault({ type: 'status', status: 429, times: 1 })
    expect(await statuses(4)).toEqual([503, 503, 429, 200])
  })

  it('all until it is cleared, by its handle or with all others', async () => {
    const fault = tradecloud.api.fault({ type: 'status', status: 503 })
    const behind = tradecloud.api.fault({ type: 'status', status: 502 })
    expect(await statuses(3)).toEqual([503, 503, 503])
    expect([fault.hits, behind.hits]).toEqual([3, 0])
    fault.clear()
    fault.clear()
    expect(await statuses(2)).toEqual([502, 502])
    tradecloud.api.clearFaults()
    expect(await statuses(1)).toEqual([200])
  })

  it('those of its endpoints', async () => {
    tradecloud.api.setDocument('d', { filename: 'a', content: 'a' })
    tradecloud.api.fault({ type: 'status', status: 503, endpoint: ['documentMetadata', 'refresh'] })
    tradecloud.api.fault({ type: 'nonsense', body: 'truncated', endpoint: 'orderPoll' })
    tradecloud.api.fault({ type: 'status', status: 404, endpoint: 'download' })
    expect(await statuses(1)).toEqual([200])
    const metadata = `${tradecloud.baseUrl}/object-storage/document/d/metadata`
    expect((await ask(metadata, { headers: basicUser })).status).toBe(503)
    expect((await refresh()).status).toBe(503)
    const polled = await ask(`${tradecloud.baseUrl}/order-search/poll`, { headers: basicUser, body: '{}' })
    expect(polled).toMatchObject({ status: 200 })
    expect(polled.text).toMatch(/^\{"data":\[/)
    expect(() => JSON.parse(polled.text)).toThrow(SyntaxError)
    tradecloud.api.fault({ type: 'status', status: 503, endpoint: 'documentMetadata' }).clear()
    tradecloud.api.clearFaults()
    const { downloadUrl } = JSON.parse((await ask(metadata, { headers: basicUser })).text)
    tradecloud.api.fault({ type: 'cut', endpoint: 'download', times: 1 })
    await expect(ask(downloadUrl)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await ask(downloadUrl)).text).toBe('a')
  })

  it('a hanging poll does not hold up others', async () => {
    tradecloud.api.fault({ type: 'hang', endpoint: 'shipmentPoll' })
    const hanging = ask(`${tradecloud.baseUrl}/shipment/poll`, { headers: basicUser, body: '{}' }).catch(() => 'ended')
    await until(() => lastRequest()?.fault === 'hang')
    await expectHealthy()
    await tradecloud.close()
    expect(await hanging).toBe('ended')
  })

  it.each([
    [{ type: 'sleep' }, 'sleep'],
    [{ type: 'status', status: 42 }, '42'],
    [{ type: 'status' }, 'undefined'],
    [{ type: 'delay', ms: 0 }, 'ms'],
    [{ type: 'drip', everyMs: -1 }, 'everyMs'],
    [{ type: 'cut', when: 'after' }, 'after'],
    [{ type: 'nonsense' }, 'undefined'],
    [{ type: 'nonsense', body: 'html5' }, 'html5'],
    [{ type: 'huge', bytes: 1.5 }, '1.5'],
    [{ type: 'hang', endpoint: 'orders' }, 'orders'],
    [{ type: 'hang', times: -1 }, 'times'],
  ])('is refused: %j', async (fault, named) => {
    const add = () => tradecloud.api.fault(fault as ApiFault)
    expect(add).toThrow(TypeError)
    expect(add).toThrow(named)
    await expectHealthy()
  })
})
