/** Tests of the commands of `inbox`, for any database. */
import type { InboxEntry } from '../../lib/inbox/inbox'
import { until } from '../wait'
import {
  cleanUp,
  cli,
  COMPANY,
  dead,
  DELIVERED,
  onTerminal,
  put,
  putSettled,
  retry,
  serve,
  type Script,
  type Storage,
} from './cli'

const json = (out: string) => JSON.parse(out) as Record<string, unknown>
const lines = (out: string) => out.trimEnd().split('\n')

export function testInboxCommands(newStorage: () => Promise<Storage>): void {
  let storage: Storage
  beforeEach(async () => {
    storage = await newStorage()
  })
  afterEach(cleanUp)
  const inbox = (...words: string[]) => cli(['inbox', storage.target, ...words])
  const listed = async (...words: string[]) => {
    const { out, err, code } = await inbox('list', '--json', ...words)
    expect([err, code]).toEqual(['', 0])
    return out === '' ? [] : lines(out).map((line) => JSON.parse(line) as InboxEntry)
  }
  const stateOf = async (id: string) => (await listed()).find((entry) => entry.id === id)?.state

  test('list: JSON and the table show the same, alongside a process that runs the inbox', async () => {
    const server = await storage.open()
    const blocked = await put(server, 'PO-2026/00013')
    const behind = await put(server, 'PO-2026/00013')
    serve(server, () => retry())
    await until(async () => (await listed('--state', 'waiting')).some(({ attempts }) => attempts === 1))
    const [first, second] = await listed()
    expect(first).toMatchObject({ id: blocked, state: 'waiting', attempts: 1, reason: 'the ERP is down' })
    expect(second).toMatchObject({ id: behind, state: 'waiting', attempts: 0, waitsBehind: blocked })
    const { out } = await inbox('list')
    const [title, ...rows] = lines(out)
    expect(title).toMatch(/^ORDER OR SHIPMENT/)
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatch(
      new RegExp(`^${COMPANY}-PO-2026/00013 +waiting +\\d+s +1 +in \\d+m .*${blocked} +the ERP is down$`),
    )
    expect(rows[1]).toMatch(new RegExp(`^${COMPANY}-PO-2026/00013 +waiting +.* behind ${blocked} .*${behind}$`))
  })

  test('list: filters', async () => {
    const server = await storage.open()
    const at = (time: string) => ({ receivedAt: time })
    const ids = [
      await put(server, 'PO1', at('2026-01-01T00:00:00.000Z')),
      await put(server, 'PO-21', {
        kind: 'shipment',
        eventName: 'ShipmentIssuedBySupplier',
        ...at('2026-02-01T00:00:00.000Z'),
      }),
      await put(server, 'PO-3', at('2026-03-01T00:00:00.000Z')),
    ]
    const [first, second, third] = ids
    const found = async (...words: string[]) => (await listed(...words)).map(({ id }) => id)
    expect(await found()).toEqual(ids)
    expect(await found('--newest-first')).toEqual(ids.toReversed())
    expect(await found('--limit', '2')).toEqual([first, second])
    expect(await found('--state', 'waiting', '--kind', 'order')).toEqual([first, third])
    expect(await found('--state', 'dead')).toEqual([])
    expect(await found('--event-name', 'ShipmentIssuedBySupplier')).toEqual([second])
    expect(await found('--entity', '1')).toEqual([first, second])
    expect(await found('--entity=-21')).toEqual([second])
    expect(await found('--since', '2026-02-01')).toEqual([second, third])
    expect(await found('--since', '2h')).toEqual([])
    expect(await found('--before', '2026-02-01T00:00:00Z')).toEqual([first])
  })

  test('list: more events than a page, in full if the output is no terminal', async () => {
    const server = await storage.open()
    const ids: string[] = []
    for (let i = 0; i < 450; i += 50)
      ids.push(
        ...(await Promise.all(Array.from({ length: 50 }, (_, n) => put(server, `${'long'.repeat(60)}${i + n}`)))),
      )
    expect((await listed()).map(({ id }) => id).sort()).toEqual(ids.sort())
    const { out } = await inbox('list')
    expect(lines(out)).toHaveLength(451)
    expect(out).toContain(`${COMPANY}-${'long'.repeat(60)}449 `)
    expect(out).not.toContain('…')
  })

  test('IDs: any unique beginning is enough, and of several the candidates are named', async () => {
    const server = await storage.open()
    const ids: string[] = []
    // Among 17 event IDs, at least two begin with the same hex digit.
    for (let i = 0; i < 17; i++) ids.push(await put(server, `PO${i}`))
    const [id = ''] = ids
    const digit =
      Array.from('0123456789abcdef').find((one) => ids.filter((each) => each.startsWith(one)).length > 1) ?? ''
    const shown = await inbox('show', `${id.slice(0, 12).toUpperCase()}…`, '--json')
    expect(json(shown.out).id).toBe(id)
    const several = await inbox('show', digit)
    expect(several.code).toBe(2)
    expect(several.err).toContain(`Several IDs begin with ${digit}:`)
    for (const one of ids) expect(several.err.includes(`${one} ${COMPANY}-PO`)).toBe(one.startsWith(digit))
    const undashed = await inbox('show', id.replaceAll('-', '').slice(0, 12))
    expect([undashed.code, undashed.err]).toEqual([2, expect.stringContaining('no event whose ID begins with')])
    const none = await inbox('show', '00000000-0000')
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('no event whose ID begins with 00000000-0000')])
  })

  test('show: history, reason and body; the same as JSON; the bytes as they are', async () => {
    const body = `{"price":1.10,"big":12345678901234567890,"text":"a\\u001b[31m\u202e","list":[],"a":{"b":[1,2]}}`
    const server = await storage.open()
    const id = await put(server, 'PO1', {}, body)
    const { stop } = serve(server, () => retry('it said: "no\u001b[2J"'))
    await until(async () => (await server.list()).entries[0]?.attempts === 1)
    await stop()
    const { out, code } = await inbox('show', id.slice(0, 13))
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^Order +${COMPANY}-PO1$`, 'm'))
    expect(out).toMatch(/^Reason +"it said: \\"no\\u001b\[2J\\""$/m)
    expect(out).toMatch(/^\S+ {2}attempt of \d+ ms: handler_failed, "it said/m)
    expect(out).toMatch(/\n {2}"price": 1.10,\n {2}"big": 12345678901234567890,\n/)
    expect(out).toMatch(/"text": "a\\u001b\[31m\\u202e",\n {2}"list": \[\],\n {2}"a": \{\n {4}"b": \[\n {6}1,\n {6}2\n/)
    const model = json((await inbox('show', id, '--json')).out)
    expect(model).toMatchObject({ id, state: 'waiting', attempts: 1, body, bodyEncoding: 'utf8', method: 'POST' })
    expect(model.history).toEqual([expect.objectContaining({ outcome: 'handler_failed', endedAt: expect.any(String) })])
    expect((await inbox('show', id, '--raw')).out).toBe(body)
  })

  test('show: bytes that are no text, and an event without a body', async () => {
    const server = await storage.open()
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x1b, 0x0a])
    const id = await put(server, 'PO1', {}, bytes)
    const got = await put(server, 'PO2', { trigger: 'id', method: 'GET', key: undefined }, Buffer.alloc(0))
    expect((await inbox('show', id)).out).toContain('The body of 5 bytes is not text: --raw writes it.')
    expect((await inbox('show', id, '--raw')).raw).toEqual(bytes)
    expect(json((await inbox('show', id, '--json')).out)).toMatchObject({
      body: bytes.toString('base64'),
      bodyEncoding: 'base64',
    })
    expect((await inbox('show', got)).out).toContain('No body: the order or shipment is fetched')
    expect(await inbox('show', got, '--raw')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('has no body'),
    })
  })

  test('replay: waits until the running process has delivered, and exits 0', async () => {
    const ids = await putSettled(storage, ['PO1', 'PO2', 'PO3'], () => dead())
    const { deliveries } = serve(await storage.open(), () => DELIVERED)
    const { out, code } = await inbox('replay', ...ids.slice(0, 2).map((id) => id.slice(0, 13)))
    expect([lines(out).at(-1), code]).toEqual(['Queued 2 events, delivered 2, failed again 0, still waiting 0.', 0])
    expect(deliveries.map(({ event, replay }) => [event.id, replay]).sort()).toEqual(
      ids
        .slice(0, 2)
        .map((id) => [id, true])
        .sort(),
    )
    expect(await stateOf(ids[2]!)).toBe('dead')
  })

  test('replay: exits 1 and prints the reasons if some failed again', async () => {
    const ids = await putSettled(storage, ['PO1', 'PO2', 'PO3'], () => dead('wrong unit'))
    const script: Script = ({ event }) =>
      event.id === ids[0] ? dead('still the\u001b[2J wrong unit') : event.id === ids[1] ? retry('away') : DELIVERED
    serve(await storage.open(), script)
    const { out, code } = await inbox('replay', '--state', 'dead')
    expect(code).toBe(1)
    expect(out).toContain(`${ids[0]} failed again (${COMPANY}-PO1, dead): "rejected: still the\\u001b[2J wrong unit"`)
    expect(out).toMatch(
      new RegExp(`${ids[1]} failed again \\(${COMPANY}-PO2, next attempt in \\d+m\\): handler_failed: away`),
    )
    expect(out).toContain('Queued 3 events, delivered 1, failed again 2, still waiting 0.')
  })

  test('replay: filters choose dead events only, unless they say otherwise', async () => {
    const [delivered] = await putSettled(storage, ['PO1'], () => DELIVERED)
    const [given] = await putSettled(storage, ['PO1'], () => dead())
    const { deliveries } = serve(await storage.open(), () => DELIVERED)
    const first = json((await inbox('replay', '--entity', 'PO1', '--json')).out)
    expect(first).toEqual({ queued: 1, delivered: 1, failed: [], waiting: [], refused: [] })
    expect(deliveries.map(({ event }) => event.id)).toEqual([given])
    await inbox('replay', '--state', 'delivered', '--entity', 'PO1')
    expect(
      deliveries
        .map(({ event }) => event.id)
        .slice(1)
        .sort(),
    ).toEqual([delivered, given].sort())
  })

  test('replay: says that an event waits behind one that failed again', async () => {
    const server = await storage.open()
    const [first, second] = [await put(server, 'PO1', {}, '{"a":1}'), await put(server, 'PO1', {}, '{"a":2}')]
    serve(server, () => retry('away'))
    const { out, code } = await inbox('replay', '--state', 'waiting', '--wait', '1s')
    expect(code).toBe(1)
    expect(out).toContain(`${second} still waits (${COMPANY}-PO1), behind ${first}`)
    expect(out).toMatch(/\nThey are delivered once the events ahead of them are\.\n$/)
  })

  test('replay: where no process takes the events, it does not wait and exits 3', async () => {
    const server = await storage.open()
    const id = await put(server, 'PO1')
    // The test gives up the event directly, instead of starting a process that takes and rejects the event. Even after
    // its end, such a process would count as one that takes events, because it may be restarting.
    await server.giveUp(id, 'no such item')
    const { out, code } = await inbox('replay', id, '--json')
    expect(code).toBe(3)
    expect(json(out)).toMatchObject({ queued: 1, delivered: 0, waiting: [{ id, state: 'waiting' }] })
    const { deliveries } = serve(await storage.open(), () => DELIVERED)
    await until(() => deliveries.length === 1)
    expect(deliveries[0]?.replay).toBe(true)
  })

  test('replay: waits for an event from quarantine, which any process takes', async () => {
    const server = await storage.open()
    const quarantine = { code: 'invalid_body', reason: 'the body is not an event', issues: [] }
    const id = await put(server, 'PO1', { quarantine })
    serve(server, () => DELIVERED, [{ kind: 'shipment' }])
    const { out, code } = await inbox('replay', id, '--json')
    expect(code).toBe(0)
    expect(json(out)).toMatchObject({ queued: 1, delivered: 1, waiting: [] })
  })

  test('replay: --wait bounds the wait for a process that hangs; --wait 0 only queues', async () => {
    const ids = await putSettled(storage, ['PO1', 'PO2'], () => dead())
    serve(await storage.open(), () => undefined)
    const bounded = await inbox('replay', ids[0]!, '--wait', '300ms')
    expect([bounded.code, bounded.out]).toEqual([3, expect.stringContaining('still waiting 1')])
    const queued = await inbox('replay', ids[1]!, '--wait', '0')
    expect([queued.code, queued.out]).toEqual([0, 'Queued 1 event.\n'])
    await until(async () => (await listed('--state', 'running')).length === 2)
    const running = await inbox('replay', ids[0]!)
    expect([running.code, running.out]).toEqual([1, expect.stringContaining('it is being delivered at the moment')])
  })

  test('give-up: ends an event that blocks its order, and the next one is delivered', async () => {
    const server = await storage.open()
    const first = await put(server, 'PO1')
    const second = await put(server, 'PO1')
    const { deliveries } = serve(server, ({ event }) => (event.id === first ? retry() : DELIVERED))
    await until(async () => (await listed('--state', 'waiting')).some(({ attempts }) => attempts === 1))
    const { out, code } = await inbox('give-up', first.slice(0, 13), '--reason', 'wrong\u001b[31m customer')
    expect([code, out]).toEqual([0, `Given up: ${first}, ${COMPANY}-PO1.\n`])
    await until(() => deliveries.some(({ event }) => event.id === second))
    const [entry] = await listed('--state', 'dead')
    expect(entry).toMatchObject({ id: first, outcome: 'given_up', reason: 'wrong\u001b[31m customer' })
    const again = await inbox('give-up', first, '--reason', 'x')
    expect([again.code, again.err]).toEqual([1, expect.stringContaining(`Event ${first} is dead`)])
  })

  test('purge: asks, and removes only dead and quarantined events', async () => {
    const ids = await putSettled(storage, ['PO1', 'PO2', 'PO3'], () => dead())
    const waiting = await put(await storage.open(), 'PO4')
    const unasked = await inbox('purge', '--state', 'dead')
    expect([unasked.code, unasked.err]).toEqual([
      2,
      expect.stringContaining('would remove 3 events: confirm with --yes'),
    ])
    const wrong = await inbox('purge', waiting, '--yes')
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('is waiting: only dead')])
    const refused = await onTerminal(['inbox', storage.target, 'purge', ids[0]!], { answers: ['n'] })
    expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('Remove 1 event permanently? [y/N]')])
    expect(await listed()).toHaveLength(4)
    const confirmed = await onTerminal(['inbox', storage.target, 'purge', ids[0]!], { answers: ['y'] })
    expect([confirmed.code, confirmed.out]).toEqual([0, expect.stringContaining('Removed 1 event.')])
    const rest = await inbox('purge', '--state', 'dead', '--yes', '--json')
    expect([rest.code, json(rest.out)]).toEqual([0, { purged: 2, left: 0 }])
    expect((await listed()).map(({ id }) => id)).toEqual([waiting])
  })

  test('stats and check: counts, the age of the oldest, and an exit code', async () => {
    expect(await inbox('check')).toMatchObject({ code: 0, out: 'OK: 0 waiting, 0 dead, 0 quarantined\n', err: '' })
    const server = await storage.open()
    await put(server, 'PO1', { receivedAt: new Date(Date.now() - 3_600_000).toISOString() })
    const late = await inbox('check', '--max-age', '30m')
    expect([late.code, late.out]).toEqual([
      1,
      'WARNING: the oldest event has been waiting for more than 30m: 1 waiting (oldest 1h), 0 dead, 0 quarantined\n',
    ])
    expect((await inbox('check', '--max-age', '2h')).code).toBe(0)
    expect(json((await inbox('stats', '--json')).out)).toMatchObject({ waiting: 1, dead: 0, waitingBytes: 36 })
    expect((await inbox('stats')).out).toMatch(
      /^waiting +1\n(.*\n)*The oldest has been waiting since .* \(1h\); 36 bytes are waiting\.\n$/,
    )
    await put(server, 'PO2')
    serve(server, ({ event }) => (event.entity?.id.endsWith('PO2') ? dead() : undefined))
    await until(async () => (await listed('--state', 'dead')).length === 1)
    const given = await inbox('check', '--max-age', '2h', '--json')
    expect([given.code, json(given.out)]).toEqual([1, expect.objectContaining({ ok: false, dead: 1 })])
  })
}
