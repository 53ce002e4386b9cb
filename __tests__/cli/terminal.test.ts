/** Output on a terminal and in a pipe, with texts that contain control characters. */
import { EVIL, UNPRINTABLE } from '../integration/evil-ids'
import { until } from '../wait'
import { cleanUp, cli, newSqlite, onTerminal, piped, put, retry, serve } from './cli'

afterEach(cleanUp)

const ESCAPES = /\u001b\[\d+m/g
const plain = (out: string) => out.replace(ESCAPES, '').replaceAll('\r', '')

test('order numbers keep their end, lines fit the terminal, and colours obey NO_COLOR', async () => {
  const { target, open } = await newSqlite()
  const inbox = await open()
  const id = await put(inbox, 'PO-2026/00013')
  await put(inbox, 'PO-2026/00013')
  serve(inbox, () => ({ result: 'dead', outcome: 'rejected', reason: 'a reason that is far too long for a terminal' }))
  await until(async () => (await inbox.stats()).dead === 2)
  // A terminal of unknown width reports 0 columns.
  for (const columns of [0, 60, 80, 120]) {
    const { out, code } = await onTerminal(['inbox', target, 'list'], { columns })
    expect(code).toBe(0)
    expect(out).toMatch(ESCAPES)
    const rows = plain(out).trimEnd().split('\n')
    expect(rows).toHaveLength(3)
    expect(rows[1]).toMatch(/^\S*…\S*PO-2026\/00013 +dead /)
    expect(rows[1]).toContain(` ${id.slice(0, 13)}`)
    expect(rows.filter((row) => row.length > (columns || 80))).toEqual([])
    if (columns === 0) expect(rows[0]!.length).toBeGreaterThan(60)
  }
  const { out } = await onTerminal(['inbox', target, 'list'], { env: { NO_COLOR: '1' } })
  expect(out).not.toMatch(ESCAPES)
  expect((await cli(['inbox', target, 'list'])).out).not.toMatch(ESCAPES)
})

test('a terminal shows 100 events, and how to show more', async () => {
  const { target, open } = await newSqlite()
  const inbox = await open()
  await Promise.all(Array.from({ length: 101 }, (_, i) => put(inbox, `PO${i}`)))
  const first = plain((await onTerminal(['inbox', target, 'list'])).out)
  expect(first.trimEnd().split('\n')).toHaveLength(102)
  expect(first).toContain('There are more than 100: use filters, or --limit all.')
  const all = plain((await onTerminal(['inbox', target, 'list', '--limit', 'all'])).out)
  expect(all.trimEnd().split('\n')).toHaveLength(102)
  expect(all).not.toContain('There are more')
})

test('a reader that has seen enough is no error; a disk that is full is one', async () => {
  const { target, open } = await newSqlite()
  const inbox = await open()
  await Promise.all(Array.from({ length: 500 }, (_, i) => put(inbox, `${'x'.repeat(400)}${i}`)))
  const { out, err, code } = await piped(['inbox', target, 'list'], 'head -1')
  expect([out.split('\n').length, err, code]).toEqual([2, '', 0])
  const failed = await piped(['inbox', target, 'list'], 'cat', '> /dev/full')
  expect([failed.code, failed.err]).toEqual([1, expect.stringContaining('ENOSPC')])
})

test('hostile texts in every field are made printable', async () => {
  const { target, open } = await newSqlite()
  const inbox = await open()
  const ids: string[] = []
  for (const text of EVIL) {
    const more = {
      eventName: text,
      path: `/${text}`,
      contentType: text,
      requestId: text,
      entity: { kind: 'order' as const, id: text },
    }
    const quarantine = { code: text, reason: text, issues: [{ pointer: text, message: text }] }
    ids.push(await put(inbox, '', more, JSON.stringify({ text, [text]: 1 })))
    ids.push(await put(inbox, '', { ...more, quarantine }, `no JSON: ${text}`))
  }
  const { deliveries } = serve(inbox, ({ event }) => retry(`cannot write ${event.entity?.id ?? ''}`))
  await until(async () => deliveries.length === EVIL.length && (await inbox.stats()).running === 0)
  const list = await cli(['inbox', target, 'list'])
  // One title and one line per event, so no text has added a line.
  expect(list.out.trimEnd().split('\n')).toHaveLength(ids.length + 1)
  const json = await cli(['inbox', target, 'list', '--json'])
  const found = json.out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { entity: { id: string } }).entity.id)
  expect(new Set(found)).toEqual(new Set(EVIL))
  const outputs = [list, json, await cli(['inbox', target, 'replay', '--state', 'waiting', '--wait', '100ms'])]
  for (const text of ['a\u202eb', '\u001b[2Ja', 'a\r\nX-Evil: 1']) {
    const at = 2 * EVIL.indexOf(text)
    for (const id of ids.slice(at, at + 2)) {
      outputs.push(await cli(['inbox', target, 'show', id]), await cli(['inbox', target, 'show', id, '--json']))
      outputs.push(await cli(['inbox', target, 'show', text]), await cli(['inbox', target, 'list', '--state', text]))
    }
  }
  for (const { out, err } of outputs)
    expect(`${out}${err}`.split('\n').filter((line) => UNPRINTABLE.test(line))).toEqual([])
})
