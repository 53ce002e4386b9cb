/**
 * The incident in docs/operate.md, from the alert to the replay: the ERP system rejects one order. The alert rules
 * notice it, the command line finds and explains it, and an operator replays the order or gives it up.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Registry } from 'prom-client'
import { createTradecloudWebhook, RejectEvent, type TradecloudWebhook } from 'tradecloud-webhook'
import { prometheusMetrics } from 'tradecloud-webhook/prometheus'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { orderEvent } from 'tradecloud-webhook/testing'
import { cli } from '../cli/cli'
import { until } from '../wait'
import { expectAlerts } from './promtool'

const SECRET = 'incident-secret'
/** The message of the ERP system in docs/operate.md. */
const REASON = 'the ERP system responded 422: unknown item 4711'

let folder: string
let file: string
let webhook: TradecloudWebhook
let server: Server
let register: Registry
let url: string
const scrapes: string[] = []
const erp = { knowsItem: false, isDown: false, orders: [] as string[] }
const settled: string[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'incident-'))
  file = join(folder, 'inbox.db')
  register = new Registry()
  webhook = createTradecloudWebhook({
    auth: { type: 'bearer', token: SECRET },
    inbox: sqliteInbox({ file }),
    telemetry: [prometheusMetrics({ register })],
    delivery: {
      retry: { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
      onSettled: ({ result }) => void settled.push(result),
    },
    logger: { warn: () => undefined, error: () => undefined },
    onOrder: ({ orderId }) => {
      if (erp.isDown) throw new Error('the ERP system does not respond')
      if (orderId.endsWith('00013') && !erp.knowsItem) throw new RejectEvent(REASON)
      erp.orders.push(orderId)
    },
  })
  await webhook.ready()
  server = createServer(webhook.listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/order`
})

afterAll(async () => {
  server.close()
  await webhook.close()
  rmSync(folder, { recursive: true, force: true })
})

async function send(number: string): Promise<void> {
  const before = settled.length
  const headers = { Authorization: `Bearer ${SECRET}`, 'Content-Type': 'application/json' }
  const body = JSON.stringify(orderEvent({ orderId: `company-${number}` }))
  expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(202)
  await until(() => settled.length > before)
}

const scrape = async (): Promise<void> => void scrapes.push(await register.metrics())
const inbox = (...words: string[]) => cli(['inbox', file, ...words])

const given = 'TradecloudEventsGivenUp{outcome="rejected",severity="critical",webhook="tradecloud"}'
const person = 'TradecloudEventsNeedAPerson{severity="warning",state="dead",webhook="tradecloud"}'

test('noticed: one rejected order among others fires the alerts, and nothing else does', async () => {
  await send('PO-2026/00012')
  await scrape()
  expectAlerts(scrapes)
  await send('PO-2026/00013')
  await send('PO-2026/00014')
  await scrape()
  expectAlerts(scrapes, given, person)
  const check = await inbox('check')
  expect(check).toMatchObject({ code: 1, out: expect.stringContaining('1 event given up') as string })
})

test('found by its number, and understood: the reason of the ERP system, each attempt, and the body', async () => {
  const list = await inbox('list', '--entity', 'PO-2026/00013')
  expect(list.code).toBe(0)
  const lines = list.out.trim().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[1]).toMatch(/company-PO-2026\/00013 +dead .*unknown item 4711/)
  const [id = ''] = /[\da-f]{8}-[\da-f-]{27}/.exec(lines[1] ?? '') ?? []
  const show = await inbox('show', id.slice(0, 8))
  expect(show.code).toBe(0)
  expect(show.out).toContain(REASON)
  expect(show.out).toContain('rejected')
})

test('fixed and replayed: the order is in the ERP system, and the alerts end', async () => {
  const tooEarly = await inbox('replay', '--entity', 'PO-2026/00013')
  expect(tooEarly).toMatchObject({ code: 1, out: expect.stringContaining('unknown item 4711') as string })
  erp.knowsItem = true
  expect(await inbox('replay', '--entity', 'PO-2026/00013')).toMatchObject({ code: 0 })
  expect(erp.orders).toContain('company-PO-2026/00013')
  expect(await inbox('check')).toMatchObject({ code: 0 })
  await scrape()
  await scrape()
  await scrape()
  expectAlerts(scrapes)
})

test('or given up: an order that blocks the ones behind it is ended with a reason, and removed', async () => {
  erp.isDown = true
  await send('PO-2026/00015')
  erp.isDown = false
  const entity = ['--entity', 'PO-2026/00015']
  const [waiting = ''] = (await inbox('list', ...entity, '--json')).out.split('\n')
  const { id, state } = JSON.parse(waiting) as { id: string; state: string }
  expect(state).toBe('waiting')
  expect(await inbox('give-up', id, '--reason', 'deleted in the ERP system')).toMatchObject({ code: 0 })
  expect((await inbox('list', ...entity)).out).toContain('deleted in the ERP system')
  expect(await inbox('purge', id, '--yes')).toMatchObject({ code: 0 })
  expect((await inbox('list', ...entity)).err).toContain('There are no such events.')
})

test('the page walks through the same commands', () => {
  const page = readFileSync(resolve(__dirname, '../../docs/operate.md'), 'utf8')
  for (const part of [
    'check',
    'list --entity PO-2026/00013',
    'show ',
    'replay --entity PO-2026/00013',
    'give-up ',
    'purge ',
  ])
    expect(page).toContain(`inbox ${part}`)
  for (const text of [REASON, 'TradecloudEventsGivenUp', 'TradecloudEventsNeedAPerson']) expect(page).toContain(text)
})
