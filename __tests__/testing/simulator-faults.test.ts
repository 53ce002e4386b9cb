/** Faults of the simulated API, as a plain HTTP client sees them. Uses real sockets. */
import { gunzipSync } from 'node:zlib'
import { ask, basicUser, bearer } from './simulator-client'
import { until } from './simulator-receiver'
import {
  access,
  apiForEach,
  expectHealthy,
  getOrder,
  lastRequest,
  ORDER,
  refreshToken,
  tradecloud,
} from './simulator-rig'

apiForEach()

describe('faults', () => {
  it('status: with headers and a body of its own', async () => {
    tradecloud.api.fault({ type: 'status', status: 503, headers: { 'Retry-After': '7' }, times: 1 })
    const answer = await getOrder()
    expect(answer.status).toBe(503)
    expect(answer.headers).toMatchObject({ 'retry-after': '7', 'content-type': 'application/json' })
    expect(JSON.parse(answer.text)).toHaveProperty('message')
    expect(lastRequest()).toMatchObject({ status: 503, fault: 'status' })
    tradecloud.api.fault({
      type: 'status',
      status: 200,
      body: '<a/>',
      headers: { 'content-type': 'application/xml' },
      times: 1,
    })
    expect(await getOrder()).toMatchObject({
      status: 200,
      text: '<a/>',
      headers: { 'content-type': 'application/xml' },
    })
    await expectHealthy()
  })

  it('delay: the answer comes late, and holds what was true when it was asked', async () => {
    tradecloud.api.fault({ type: 'delay', ms: 60, times: 1 })
    const startedAt = performance.now()
    const asking = getOrder()
    await until(() => lastRequest()?.fault === 'delay')
    expect(lastRequest()!.status).toBeUndefined()
    tradecloud.api.setOrder('c-1', { id: 'changed' })
    expect(JSON.parse((await asking).text)).toEqual(ORDER)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(55)
    expect(lastRequest()!.status).toBe(200)
  })

  it('hang: no answer comes, until close ends the connection', async () => {
    tradecloud.api.fault({ type: 'hang', times: 1 })
    let settled = false
    const hanging = getOrder()
      .catch((error: unknown) => (error as NodeJS.ErrnoException).code)
      .finally(() => (settled = true))
    await until(() => lastRequest()?.fault === 'hang')
    await expectHealthy()
    expect(settled).toBe(false)
    await tradecloud.close()
    expect(await hanging).toBe('ECONNRESET')
    expect(tradecloud.api.requests.find(({ fault }) => fault === 'hang')!.status).toBeUndefined()
  })

  it('drip: a byte at a time, all of them in the end', async () => {
    tradecloud.api.fault({ type: 'drip', everyMs: 2, times: 1 })
    const sizes: number[] = []
    const { headers, text } = await getOrder({ onData: ({ length }) => void sizes.push(length) })
    expect(JSON.parse(text)).toEqual(ORDER)
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
    // On a busy machine, several bytes may arrive together.
    expect(sizes.length).toBeGreaterThan(Buffer.byteLength(text) / 4)
  })

  it('drip: begins at once and goes on slowly', async () => {
    tradecloud.api.fault({ type: 'drip', everyMs: 60_000, times: 1 })
    const client = new AbortController()
    const { status, text, error } = await getOrder({ signal: client.signal, onHead: () => client.abort() })
    expect({ status, text }).toEqual({ status: 200, text: '' })
    expect(error).toBeDefined()
    await expectHealthy()
  })

  it('cut: the connection ends before the answer', async () => {
    tradecloud.api.fault({ type: 'cut', times: 1 })
    await expect(getOrder()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(lastRequest()).toMatchObject({ fault: 'cut' })
    expect(lastRequest()!.status).toBeUndefined()
    await expectHealthy()
  })

  it('cut: the connection ends in the middle of the answer', async () => {
    tradecloud.api.fault({ type: 'cut', when: 'middle', times: 1 })
    const { status, headers, bytes, error } = await getOrder()
    const whole = Buffer.from(JSON.stringify(ORDER))
    expect(status).toBe(200)
    expect(headers['content-length']).toBe(String(whole.length))
    expect(bytes.equals(whole.subarray(0, whole.length / 2))).toBe(true)
    expect(error).toMatchObject({ code: 'ECONNRESET' })
  })

  it('cut: in the middle of an answer without a body too', async () => {
    tradecloud.api.fault({ type: 'cut', when: 'middle', endpoint: 'logout' })
    const headers = { 'Refresh-Token': refreshToken }
    const answer = await ask(`${tradecloud.baseUrl}/authentication/logout`, { method: 'POST', headers })
    expect(answer).toMatchObject({ status: 200, text: '', error: { code: 'ECONNRESET' } })
  })

  it.each([
    ['html', 'text/html', /^<!DOCTYPE html>/],
    ['nothing', undefined, /^$/],
    ['object', 'application/json', /^\{\}$/],
    ['list', 'application/json', /^\[\]$/],
  ] as const)('nonsense: %s with status 200', async (body, type, text) => {
    tradecloud.api.fault({ type: 'nonsense', body, times: 2 })
    const answer = await getOrder()
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe(type)
    expect(answer.text).toMatch(text)
    const noTokens = await ask(`${tradecloud.baseUrl}/authentication/login`, { headers: basicUser })
    expect(noTokens.status).toBe(200)
    expect(noTokens.headers).not.toHaveProperty('set-authorization')
    await expectHealthy()
  })

  it('nonsense: the first half of the JSON as a whole answer', async () => {
    tradecloud.api.fault({ type: 'nonsense', body: 'truncated', times: 1 })
    const { status, text, error } = await getOrder()
    expect({ status, error }).toEqual({ status: 200, error: undefined })
    expect(text.length).toBeGreaterThan(0)
    expect(JSON.stringify(ORDER).startsWith(text)).toBe(true)
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
  })

  it('nonsense: JSON with a byte that is not UTF-8, which a careless reader does not notice', async () => {
    tradecloud.api.fault({ type: 'nonsense', body: 'not-utf8', times: 1 })
    const { bytes, text } = await getOrder()
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow()
    expect(JSON.parse(text)).toMatchObject({ id: 'c-1' })
  })

  it.each([
    [3_000_000, 3_000_000],
    [100_001, 100_001],
    [1, 22],
  ])('huge: a JSON object of %d bytes, inflated', async (bytes, length) => {
    tradecloud.api.fault({ type: 'huge', bytes, times: 2 })
    const answer = await getOrder({ headers: { ...bearer(access), 'Accept-Encoding': 'identity' } })
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-type': 'application/json' })
    const inflated = gunzipSync(answer.bytes)
    if (length > 1000) expect(answer.bytes.length).toBeLessThan(length / 100)
    const { id, filler } = JSON.parse(inflated.toString())
    expect(id).toBe('c-1')
    expect(filler).toMatch(/^x*$/)
    expect(inflated.length).toBe(Math.max(bytes, '{"id":"c-1","filler":""}'.length))
  })

  it('huge: not compressed, and a client that has enough hangs up', async () => {
    tradecloud.api.fault({ type: 'huge', bytes: 50_000, gzip: false, times: 1 })
    const plain = await getOrder()
    expect(plain.headers).not.toHaveProperty('content-encoding')
    expect(plain.bytes.length).toBe(50_000)
    // The body does not fit into memory, so it must be generated while it is sent.
    tradecloud.api.fault({ type: 'huge', bytes: 1e12, gzip: false, times: 1 })
    const client = new AbortController()
    const { error } = await getOrder({ signal: client.signal, onData: () => client.abort() })
    expect(error).toBeDefined()
    await expectHealthy()
  })
})
