/** `list`: what a person and what a program get to see of a folder, beside a server and without one. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InboxEntry } from '../../lib/inbox/inbox'
import { cli, closeAll, entriesOf, filesIn, fill, newFolder, piped, put, serve, until } from './inbox-folder'

afterEach(closeAll)
const parse = (out: string): InboxEntry[] =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as InboxEntry)
/** As JSON leaves it: without what is undefined. */
const plain = (entries: InboxEntry[]): InboxEntry[] => JSON.parse(JSON.stringify(entries)) as InboxEntry[]
const agoIso = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()

test('shows beside a server what its own list holds, whole and by each filter', async () => {
  const directory = newFolder()
  const server = await serve(directory, ({ event }) => {
    if (event.entity?.id === 'bad') return { result: 'dead', reason: 'rejected: no such company' }
    return { result: 'retry', delayMs: 3_600_000, reason: 'handler_failed: ERP is down' }
  })
  await put(server, { entity: { kind: 'order', id: 'bad' }, receivedAt: agoIso(3 * 24 * 60 + 1) })
  await put(server, { entity: { kind: 'order', id: 'late' }, receivedAt: agoIso(5 * 60 + 1) })
  await put(
    server,
    { kind: 'shipment', eventName: undefined, trigger: 'id', entity: { kind: 'shipment', id: 'S-1' } },
    Buffer.alloc(0),
  )
  await put(server, {
    kind: 'orderDocuments',
    eventName: 'OrderDocumentsAttached',
    entity: { kind: 'order', id: 'bad' },
  })
  await put(
    server,
    {
      kind: 'unknown',
      eventName: undefined,
      entity: undefined,
      quarantine: { code: 'invalid_body', reason: 'does not fit' },
    },
    Buffer.from([0xff]),
  )
  await until(async () => {
    const { waiting, running, dead } = await server.inbox.stats()
    return waiting === 2 && running === 0 && dead === 2
  })
  const before = new Date(Date.now() - 3_600_000)
  // Of each pair, both filters leave out what the other one would show.
  const [all, first, second, third, table, narrow, none] = await Promise.all([
    cli(['inbox', directory, 'list', '--json']),
    cli(['inbox', directory, 'list', '--json', '--state=dead', '--before', before.toISOString()]),
    cli(['inbox', directory, 'list', '--json', '--kind', 'order', '--entity', 'bad']),
    cli(['inbox', directory, 'list', '--json', '--event-name', 'OrderLinesAcceptedBySupplier', '--state', 'waiting']),
    cli(['inbox', directory, 'list'], { COLUMNS: '150' }),
    cli(['inbox', directory, 'list', '--state', 'dead'], { COLUMNS: '80' }),
    cli(['inbox', directory, 'list', '--entity', 'nobody']),
  ])
  const expected = plain(await entriesOf(server))
  expect(expected).toHaveLength(5)
  expect(parse(all.out)).toEqual(expected)
  expect(expected.map(({ state }) => state)).toEqual(['dead', 'waiting', 'waiting', 'dead', 'quarantined'])
  expect(parse(first.out)).toEqual([expected[0]])
  expect(parse(second.out)).toEqual([expected[0]])
  expect(parse(third.out)).toEqual([expected[1]])

  const lines = table.out.split('\n')
  expect(lines[0]).toMatch(/^ID +AGE +STATE +TRIES +NEXT +OF +EVENT +REASON$/)
  expect(lines.slice(1, 6).map((line) => line.slice(0, 36))).toEqual(expected.map(({ id }) => id))
  expect(lines[1]).toMatch(/  3d +dead +1 +bad +OrderLinesAccepted\S+ +rejected: no such company$/)
  expect(lines[2]).toMatch(/  5h +waiting +1 +in (59m|1h) +late +OrderLines\S+ +handler_failed: ERP is down$/)
  expect(lines.slice(6)).toEqual(['2 waiting (oldest 5h), 2 dead, 1 quarantined, 20 KiB on disk', ''])
  expect(narrow.out.split('\n').slice(-2)[0]).toMatch(/^Shown 2 of 5: 2 waiting/)
  for (const line of narrow.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(none.out).toMatch(/^Shown 0 of 5: [^\n]+\n$/)
  for (const { code, err } of [all, first, second, third, table, narrow, none])
    expect({ code, err }).toEqual({ code: 0, err: '' })
})

test('shows the reason of a replayed event as its inbox does: none', async () => {
  const directory = newFolder()
  const server = await serve(directory)
  const id = await put(server, { quarantine: { code: 'invalid_body', reason: 'does not fit' } })
  expect(await server.inbox.replay(id)).toBe(true)
  const { out } = await cli(['inbox', directory, 'list', '--json'])
  expect(parse(out)).toEqual(plain(await entriesOf(server)))
})

test('lets no ID move the cursor, forge a line or push others out, and gives programs the ID as it is', async () => {
  const directory = newFolder()
  const ids = [
    `x\n${randomUUID()}  1s   waiting  forged`,
    '\u001b[2J\u001b[H\u001b]0;title\u0007clear',
    'c1\u009b2J\u0085next',
    'rtl\u202egnp.exe\u2066',
    'sep\u2028line\u2029par\r\t\b\u007f',
    'long'.repeat(5_000),
    '訂單'.repeat(200),
    'e\u0301\u0301\u0301\u0301'.repeat(100),
    '\ud800 half a pair',
    ' "quoted" ',
    '\u200b\ufeff\u3164',
  ]
  const server = await serve(directory)
  for (const id of ids) await put(server, { entity: { kind: 'order', id }, eventName: id, path: `/${id}` })
  await server.close()
  const [table, wide, json] = await Promise.all([
    cli(['inbox', directory, 'list'], { COLUMNS: '80' }),
    cli(['inbox', directory, 'list'], { COLUMNS: '120' }),
    cli(['inbox', directory, 'list', '--json']),
  ])
  for (const [{ out }, width] of [
    [table, 80],
    [wide, 120],
  ] as const) {
    const lines = out.split('\n')
    expect(lines).toHaveLength(ids.length + 3)
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\u3164]/u)
    for (const line of lines.slice(0, -2)) {
      // CJK takes two columns.
      const columns = Array.from(line).reduce((sum, char) => sum + (/[\u4e00-\u9fff]/.test(char) ? 2 : 1), 0)
      expect(columns).toBeLessThanOrEqual(width)
      if (!line.startsWith('ID')) expect(line).toMatch(/^[\da-f-]{36}  \d+s +waiting  \S/)
    }
  }
  expect(wide.out).toContain('"\\u001b[2J')
  expect(wide.out).toContain('訂單')
  expect(parse(json.out).map((entry) => entry.entity?.id)).toEqual(ids)
  expect(json.out.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
})

test('lists 2,000 events, also while they are delivered, to a reader that leaves, and changes nothing', async () => {
  const directory = newFolder()
  await fill(directory, 'waiting', 2_000, (i) => ({ entity: { kind: 'order', id: `order ${i}` } }))
  const files = filesIn(directory)
  const [all, head, jsonHead] = await Promise.all([
    cli(['inbox', directory, 'list']),
    piped(['inbox', directory, 'list'], 'head -1'),
    piped(['inbox', directory, 'list', '--json'], 'head -1'),
  ])
  const lines = all.out.split('\n')
  expect(lines).toHaveLength(2_003)
  expect(lines[1]).toContain('order 0 ')
  expect(lines[2_000]).toContain('order 1999 ')
  expect(lines[2_001]).toMatch(/^2,000 waiting \(oldest \w+\), 0 dead, 0 quarantined, 7.8 MiB on disk$/)
  expect(head).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^ID .+\n$/) })
  expect(jsonHead).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^\{.+\}\n$/) })
  expect(filesIn(directory)).toEqual(files)

  let delivered = 0
  const server = await serve(directory, () => {
    delivered++
    return { result: 'delivered' }
  })
  const running = await cli(['inbox', directory, 'list', '--json'])
  expect(running).toMatchObject({ code: 0, err: '' })
  parse(running.out)
  await until(() => delivered === 2_000)
  expect(server.alarms).toEqual([])
})

test('counts files that are not whole and names one, and lists the others', async () => {
  const directory = newFolder()
  await fill(directory, 'dead', 2)
  const [torn] = filesIn(directory)
  writeFileSync(join(directory, torn!), '{"format":1,"id":')
  writeFileSync(join(directory, 'dead', 'no-event'), 'something else')
  const { code, out, err } = await cli(['inbox', directory, 'list'])
  expect(code).toBe(0)
  expect(out.split('\n').slice(-2)[0]).toMatch(/^0 waiting, 1 dead, 0 quarantined, 1 damaged, /)
  expect(err).toContain(join(directory, torn!))
})
