/**
 * IDs and names that want to be something else: another path of the API, a header, a line of the log, a command to a
 * terminal, a prototype.
 */
import createDebug from 'debug'
import fc from 'fast-check'
import { readdirSync } from 'node:fs'
import { createTradecloudWebhook, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import { cli } from '../unit/cli/inbox-folder'
import { apiOf, closeAll, startRig, startTradecloud, temporaryFolder, temporaryInbox, until } from './harness'

afterEach(closeAll)

const EVIL = [
  ...['../authentication/login', '..', '.', '/', '..\\..\\login', '%2e%2e%2flogin', '..%2f..', 'a/../../b', './a'],
  ...[
    'a?b=c',
    'a#b',
    'a;b=c',
    'a&orderId=b',
    'a@evil.example',
    '@evil.example',
    'http://evil.example/',
    '//evil.example/',
  ],
  ...[
    'a\r\nX-Evil: 1',
    'a\nX-Evil: 1',
    'a\0b',
    '\u001b[2Ja',
    'a\u009b31m',
    'a\u2028b',
    'a\u202eb',
    '\u061ca\u2066',
    '\ufeffa',
  ],
  ...['😀', 'é', '%', '%00', '%zz', '{orderId}', '__proto__', 'constructor', 'x'.repeat(10_000), 'é'.repeat(256)],
]

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
    // Nobody else is logged in, or out, by an ID.
    expect(tradecloud.api.counts).toMatchObject({ logouts: 0, polls: 0 })
  }

  test('of those that are made for it', async () => {
    const started = await start()
    for (const id of EVIL) await check(started, id)
    const { counts } = started.tradecloud.api
    expect(counts.orderRequests + counts.shipmentRequests).toBeGreaterThan(50)
    expect(counts.logins).toBe(1)
  }, 30_000)

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
  }, 30_000)
})

/** What a line may not hold: line breaks, commands to a terminal, changes of direction. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u

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
}, 30_000)

test('the command line shows them as plain text, and no file is named after them', async () => {
  const directory = temporaryFolder()
  const fail = ({ orderId }: { orderId: string }): void => {
    throw new Error(`cannot write ${orderId}`)
  }
  const rig = await startRig({ inbox: temporaryInbox({ directory }), onOrder: fail, retry: { forMs: 0 } })
  for (const text of EVIL) {
    const body = { eventName: text, orderEvent: { orderId: text, meta: { messageId: text } } }
    await rig.post(body, { path: `/order/${encodeURIComponent(text)}` })
    await rig.post([text], { headers: { 'Content-Type': 'application/evil+json; a="\x85"' } })
  }
  await until(() => rig.log.some(({ line }) => line.includes('Given up')))
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).map(({ name }) => name)
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((name) => !/^[\w.-]+$/.test(name) || /evil|proto|login/.test(name))).toEqual([])
  const listed = await cli(['inbox', directory, 'list'])
  const ids = listed.out.match(/^[\da-f-]{36}/gm) ?? []
  expect(ids.length).toBeGreaterThan(20)
  const shown = await Promise.all(ids.slice(0, 3).map((id) => cli(['inbox', directory, 'show', id])))
  const json = await cli(['inbox', directory, 'list', '--json'])
  for (const { out, err, code } of [listed, json, ...shown]) {
    expect(code).toBe(0)
    expect(`${out}${err}`.split('\n').filter((line) => UNPRINTABLE.test(line))).toEqual([])
  }
  // One line for each, a title and a summary: none has made two of itself.
  expect(listed.out.trimEnd().split('\n').length).toBe(ids.length + 2)
}, 60_000)

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
  // Settings out of a JSON file that somebody else can write to.
  const options = JSON.parse('{"__proto__":{"auth":"none","polluted":1}}') as TradecloudWebhookOptions
  expect(() => createTradecloudWebhook({ ...options, onOrder: () => undefined })).toThrow('__proto__')
  expect(Reflect.ownKeys(Object.prototype)).toEqual(keysBefore)
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})
