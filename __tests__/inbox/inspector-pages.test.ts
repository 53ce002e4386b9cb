/**
 * The inspector with a large inbox: each page is read without sorting, and every event is on exactly one page.
 * `bench/inspector` measures the times.
 */
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { createInspector } from 'tradecloud-webhook/inspector'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { operations } from '../../lib/inbox/sql/operations'
import type { SqlValue } from '../../lib/inbox/sql/tables'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { openTables } from '../../lib/inbox/sqlite/open'
import { SqliteTables } from '../../lib/inbox/sqlite/tables'
import { eventOf } from './numbered-event'

const EVENTS = 2_000
const auth = { type: 'basic', username: 'operator', password: 'secret' } as const

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inspector-pages-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

class Recording extends SqliteTables {
  readonly statements = new Set<string>()

  override all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    this.statements.add(sql)
    return super.all<Row>(sql, ...values)
  }
}

test('the first page and the chart', async () => {
  const { tables: opened } = openTables(chooseDriver(), join(folder, 'inbox.db'))
  const tables = new Recording(opened.database)
  await operations.list(tables, { newestFirst: true, limit: 50 })
  await operations.list(tables, { newestFirst: true, limit: 50, state: 'dead', after: '7' })
  await operations.hours(tables, 0)
  const plans = [...tables.statements].map((sql) =>
    opened.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail),
  )
  // Both lists first read the running events, which are few.
  const [running = [], first = [], dead = [], hours = []] = plans
  expect(running[0]).toBe('SEARCH events USING INDEX events_by_state (state=?)')
  // The events are read in table order up to the limit, without sorting.
  expect(first[0]).toBe('SCAN events')
  expect(dead[0]).toMatch(/^SEARCH events USING INDEX events_by_state \(state=\? AND event<\?\)/)
  expect(hours[0]).toMatch(/^SEARCH events USING COVERING INDEX events_by_state \(state=\? AND event>\?\)/)
  expect([...first, ...dead].join()).not.toContain('TEMP B-TREE')
  opened.database.close()
})

test(`${EVENTS} events`, async () => {
  const file = join(folder, 'inbox.db')
  const { tables } = openTables(chooseDriver(), file)
  tables.database.exec('BEGIN')
  for (let number = 0; number < EVENTS; number++) {
    const [event, bytes] = eventOf({ number, entity: `PO-${number}` }, 100)
    const receivedAt = new Date(Date.now() - (EVENTS - number) * 800).toISOString()
    await operations.accept(tables, { event: { ...event, name: 'tradecloud', receivedAt }, size: bytes.length, bytes })
  }
  tables.database.exec('COMMIT')
  tables.database.close()
  const webhook = createTradecloudWebhook({ auth, inbox: sqliteInbox({ file }), deliver: false })
  await webhook.ready()
  const server = createServer(createInspector({ webhook, auth }))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const headers = { Authorization: `Basic ${Buffer.from('operator:secret').toString('base64')}` }
  const found = new Set<string>()
  let pages = 0
  for (let next: string | undefined = ''; next !== undefined;) {
    const text: string = await (await fetch(`${url}${next}`, { headers })).text()
    pages++
    for (const [, id] of text.matchAll(/href="event\/([\da-f-]{36})"/g)) found.add(id!)
    next = /href="(\?[^"]*)"\s*rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
  }
  expect(found.size).toBe(EVENTS)
  expect(pages).toBe(EVENTS / 50)
  server.close()
  await webhook.close()
})
