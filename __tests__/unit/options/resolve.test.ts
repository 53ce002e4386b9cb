/** Valid options: their defaults, and the values that are used. */
import { TradecloudClient } from '../../../lib/api'
import { MemoryStore } from '../../../lib/deliver/dedupe/memory-store'
import { resolveOptions } from '../../../lib/options/resolve'
import { API, create, logger, REQUIRED, resolve, OPTIONAL } from './set-up'

describe('defaults', () => {
  it('are those of the documentation', () => {
    expect(resolveOptions(REQUIRED)).toMatchObject({
      fetch: 'get',
      validation: 'tolerant',
      bodyLimit: 67_108_864,
      maxBytesInFlight: 4 * 67_108_864,
      uploadIdleTimeoutMs: 10_000,
      concurrency: 32,
      answerTimeoutMs: 30_000,
      fetchTimeoutMs: 20_000,
      notFoundGraceMs: 3_600_000,
      refusals: 'final',
      trustProxy: false,
      name: 'tradecloud',
      logger: console,
      dedupe: { store: expect.any(MemoryStore), ttlMs: 86_400_000 },
      client: undefined,
      ownsClient: false,
    })
  })

  it('stand in for options that are undefined', () => {
    const names = [...OPTIONAL, 'retry', 'maxBytesInFlight', 'closeTimeoutMs', 'whatever']
    const unset = Object.fromEntries(names.map((name) => [name, undefined]))
    expect({ ...resolve(unset), logger: 0, dedupe: 0 }).toEqual({ ...resolve(), logger: 0, dedupe: 0 })
    expect(() => create({ ...REQUIRED, ...unset, logger })).not.toThrow()
    expect(resolve({ dedupe: { store: undefined, ttlMs: undefined } }).dedupe).toMatchObject({ ttlMs: 86_400_000 })
    expect(() => resolve({ api: { ...API, baseUrl: undefined, fetchTimeoutMs: undefined } })).not.toThrow()
  })

  it('of the total of bytes follow the limit of one body', () => {
    expect(resolve({ bodyLimit: 10 }).maxBytesInFlight).toBe(40)
    expect(
      resolve({ bodyLimit: 10, limits: { maxBytesInFlight: 10, uploadIdleTimeoutMs: undefined } }).maxBytesInFlight,
    ).toBe(10)
  })

  it('are not shared: each webhook has a store of its own', () => {
    const [first, second] = [resolve(), resolve()]
    expect(first.dedupe && second.dedupe && first.dedupe.store !== second.dedupe.store).toBe(true)
  })
})

describe('what is given', () => {
  it('is taken, and the object stays as it was', () => {
    const store = new MemoryStore()
    const given = Object.freeze({
      ...REQUIRED,
      logger,
      fetch: 'never',
      validation: 'strict',
      bodyLimit: 1000,
      limits: Object.freeze({ maxBytesInFlight: 5000, uploadIdleTimeoutMs: 1 }),
      concurrency: 1,
      answerTimeoutMs: 2,
      fetchTimeoutMs: 3,
      notFoundGraceMs: 0,
      refusals: 'retry',
      unmatched: 'next',
      allow: ['production', '192.0.2.0/24'],
      trustProxy: 1,
      name: 'acme',
      telemetry: [{ attach: () => ({}) }],
      dedupe: Object.freeze({ store, ttlMs: 1 }),
    })
    const { client, ownsClient, delivery, deliver, txmlBodyLimit, ...rest } = resolveOptions(given)
    const { limits, ...others } = given
    expect(rest).toEqual({ ...others, ...limits })
    expect([client, ownsClient, deliver]).toEqual([undefined, false, true])
    expect(delivery).toMatchObject({ quarantine: false, handlerTimeoutMs: 300_000 })
    expect(txmlBodyLimit).toBe(given.bodyLimit)
  })

  it('may switch dedupe off', () => expect(resolve({ dedupe: false }).dedupe).toBe(false))

  it('may be a client, which is then not ours to close', async () => {
    const client = new TradecloudClient(API)
    expect(resolve({ api: client })).toMatchObject({ client, ownsClient: false })
    const made = resolve({ api: API })
    expect(made.client).toBeInstanceOf(TradecloudClient)
    expect(made.ownsClient).toBe(true)
    await Promise.all([client.close(), made.client?.close()])
  })

  it.each([
    ['a client with its own', () => new TradecloudClient({ ...API, fetchTimeoutMs: 700 }), undefined, 700],
    [
      'a client with its own, beside that of the webhook',
      () => new TradecloudClient({ ...API, fetchTimeoutMs: 700 }),
      9,
      700,
    ],
    ['a client without, beside that of the webhook', () => new TradecloudClient(API), 9, 9],
    ['a client without', () => new TradecloudClient(API), undefined, 20_000],
    ['options with their own', () => ({ ...API, fetchTimeoutMs: 700 }), 9, 700],
    ['options with an undefined one', () => ({ ...API, fetchTimeoutMs: undefined }), 9, 9],
    ['options without', () => API, undefined, 20_000],
  ])('fetchTimeoutMs: %s', async (_what, api, fetchTimeoutMs, expected) => {
    const given = api()
    const { client, fetchTimeoutMs: resolved } = resolve({ api: given, fetchTimeoutMs })
    expect(resolved).toBe(expected)
    // `context.api` has the same deadline as the webhook's own fetches.
    if (client !== given && fetchTimeoutMs !== undefined) expect(client?.ownFetchTimeoutMs).toBe(expected)
    await client?.close()
  })
})

describe('creation', () => {
  it('tells which callbacks are missing, once', () => {
    const lines: string[] = []
    const noting = { warn: (text: string) => lines.push(text), error: (text: string) => lines.push(text) }
    create({ ...REQUIRED, logger: noting })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/onOrderDocuments.*onShipment/)
  })

  it('does not fail by a logger that does', () => {
    const failing = () => {
      throw new Error('disk full')
    }
    expect(() => create({ ...REQUIRED, logger: { warn: failing, error: failing } })).not.toThrow()
  })
})
