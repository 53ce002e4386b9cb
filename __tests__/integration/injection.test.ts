/** Hostile IDs and names are never interpreted as an API path, header, log line, terminal sequence or prototype. */
import createDebug from 'debug'
import fc from 'fast-check'
import { createTradecloudWebhook, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import { clockForEach } from '../clock'
import { EVIL, UNPRINTABLE } from './evil-ids'
import { apiOf, closeAll, startRig, startTradecloud } from './harness'

afterEach(closeAll)
clockForEach()

describe('an ID is one segment of the path of the API, or nothing is asked', () => {
  const start = async () => {
    const tradecloud = await startTradecloud()
    const rig = await startRig({
      api: { ...apiOf(tradecloud), notFoundRetryMs: 0 },
      fetch: 'always',
      notFoundGraceMs: 0,
    })
    return { tradecloud, rig }
  }

  async function check({ tradecloud, rig }: Awaited<ReturnType<typeof start>>, id: string): Promise<void> {
    const asked = (): string[] =>
      tradecloud.api.requests.filter(({ endpoint }) => !['login', 'refresh'].includes(endpoint)).map(({ url }) => url)
    const before = asked().length
    const encoded = encodeURIComponent(id)
    for (const answer of [
      await rig.get(`/order/${encoded}`),
      await rig.get(`/?shipmentId=${encoded}`),
      await rig.post({ orderEvent: { orderId: id } }),
      await rig.post({ shipment: { id } }),
    ]) {
      expect(answer.status).not.toBe(500)
      expect(Object.keys(answer.headers).filter((name) => /evil|cookie|location/.test(name))).toEqual([])
      expect(answer.text).not.toContain('evil')
    }
    for (const url of asked().slice(before)) {
      const [, segment] = /^\/v2\/(?:order|shipment)\/([^/?#\\]+)$/.exec(url) ?? []
      expect({ url, id: segment && decodeURIComponent(segment) }).toEqual({ url, id })
    }
    // No ID may reach another endpoint of the API, such as the logout or a poll.
    expect(tradecloud.api.counts).toMatchObject({ logouts: 0, polls: 0 })
  }

  test('of those that are made for it', async () => {
    const started = await start()
    for (const id of EVIL) await check(started, id)
    const { counts } = started.tradecloud.api
    expect(counts.orderRequests + counts.shipmentRequests).toBeGreaterThan(50)
    expect(counts.logins).toBe(1)
  })

  test('of any text', async () => {
    const started = await start()
    const piece = fc.constantFrom(
      '/',
      '\\',
      '..',
      '%',
      '2f',
      '?',
      '#',
      '@',
      ':',
      ';',
      '&',
      '=',
      '\r\n',
      ' ',
      '\0',
      'a',
      'é',
      '😀',
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    )
    await fc.assert(
      fc.asyncProperty(
        text.filter((id) => !/\p{Cs}/u.test(id)),
        (id) => check(started, id),
      ),
      { numRuns: 30 },
    )
  })
})

test('log and debug lines are one line each, of plain text', async () => {
  const lines: string[] = []
  const debugLog = createDebug.log
  createDebug.log = (...line: unknown[]) => void lines.push(line.map(String).join(' '))
  createDebug.enable('tradecloud-webhook:*')
  try {
    const rig = await startRig({
      dedupe: {
        store: {
          claim: () => Promise.reject(new Error('down\r\nforged: line\u001b[2J')),
          renew: async () => true,
          complete: async () => true,
          release: async () => undefined,
        },
      },
      onOrder: ({ orderId }) => {
        throw new Error(`cannot write ${orderId}`)
      },
    })
    for (const text of EVIL) {
      const key = { [text]: 1, lines: [{ [text]: 1 }, 5], [`${text}\u001b`]: {} }
      await rig.post({ eventName: text, orderEvent: { orderId: text, version: 'x', ...key, buyerOrder: 1 } })
      await rig.post({ [text]: 1 })
      await rig.post(
        { eventName: text, orderEvent: { orderId: 'other' } },
        { path: `/order/${encodeURIComponent(text)}` },
      )
      await rig.get(`/order/${encodeURIComponent(text)}`)
      await rig.get(`/order/1`, { headers: { 'X-Forwarded-For': text.replace(/[^\x20-\x7e]/g, '') } })
    }
    const all = [...lines, ...rig.log.map(({ line }) => line)]
    expect(all.length).toBeGreaterThan(100)
    expect(all.some((line) => line.includes('deviates'))).toBe(true)
    expect(all.filter((line) => UNPRINTABLE.test(line)).map((line) => JSON.stringify(line))).toEqual([])
    expect(Math.max(...all.map((line) => line.length))).toBeLessThan(20_000)
  } finally {
    createDebug.disable()
    createDebug.log = debugLog
  }
})

test('no prototype changes, whatever body, query, headers and options say', async () => {
  const keysBefore = Reflect.ownKeys(Object.prototype)
  const rig = await startRig()
  for (const evil of [
    '"__proto__":{"polluted":1}',
    '"constructor":{"prototype":{"polluted":1}}',
    '"\\u005f_proto__":{"polluted":1}',
  ]) {
    for (const text of [
      `{"eventName":"x",${evil}}`,
      `{"orderEvent":{"orderId":"1","lines":[{${evil}}],${evil}}}`,
      `{${evil},"shipment":{"id":"1","meta":{${evil}}}}`,
    ]) {
      const { status } = await rig.send({
        method: 'POST',
        path: '/order',
        body: text,
        headers: { 'Content-Type': 'application/json' },
      })
      expect(status).toBe(200)
    }
  }
  for (const path of [
    '/?__proto__[polluted]=1&orderId=1',
    '/?__proto__=1&constructor[prototype][polluted]=1&shipmentId=1',
  ])
    expect((await rig.get(path, { headers: { __proto__x: '1', constructor: 'x' } })).status).toBe(200)
  for (const { event } of rig.calls) {
    const copied = Object.assign({}, event, event.order, event.shipment, event.body)
    expect(copied.polluted).toBeUndefined()
    expect(JSON.stringify(event)).not.toContain('polluted')
  }
  expect(rig.calls).toHaveLength(11)
  // An app may read its options from a JSON file that an attacker can write.
  const options = JSON.parse('{"__proto__":{"auth":"none","polluted":1}}') as TradecloudWebhookOptions
  expect(() => createTradecloudWebhook({ ...options, onOrder: () => undefined })).toThrow('__proto__')
  expect(Reflect.ownKeys(Object.prototype)).toEqual(keysBefore)
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})
