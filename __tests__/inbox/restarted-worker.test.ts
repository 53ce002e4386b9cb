/**
 * Requests to a webhook that has no callback for shipments, while the only process with such a callback is killed and
 * restarted.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { chooseDriver } from '../../lib/inbox/sqlite/driver'
import { openTables } from '../../lib/inbox/sqlite/open'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { until } from '../wait'
import { Member, readLedger } from './members'
import { openInbox, type EngineOptions } from './protocol'

let folder: string
const closing: Array<() => Promise<unknown>> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-restarted-'))
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})
afterAll(stopPostgresServers)

function startWorker(engine: EngineOptions, ledger: string): Member {
  const worker = new Member({
    ...{ engine, ledger, callbackMs: 1, failing: 0, concurrency: 8, bodyBytes: 100 },
    wanted: [{ kind: 'shipment' }],
  })
  closing.push(() => worker.kill())
  return worker
}

/** Starts a webhook, and returns a function that posts a shipment and resolves with the status and outcome. */
async function startWebhook(engine: EngineOptions): Promise<(id: string) => Promise<string>> {
  const webhook = createTradecloudWebhook({
    auth: { type: 'bearer', token: 'secret' },
    logger: { warn: () => undefined, error: () => undefined },
    name: 'faults',
    inbox: openInbox(engine),
    onOrder: () => undefined,
  })
  await webhook.ready()
  const server: Server = createServer(webhook.listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    await webhook.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shipment`
  const headers = { Authorization: 'Bearer secret', 'Content-Type': 'application/json' }
  return async (id) => {
    const body = JSON.stringify({ eventName: 'ShipmentIssuedBySupplier', shipment: { id } })
    const response = await fetch(url, { method: 'POST', headers, body })
    return `${response.status} ${((await response.json()) as { outcome?: string }).outcome}`
  }
}

async function restart(engine: EngineOptions, countProcesses: () => Promise<number>): Promise<void> {
  const ledger = join(folder, 'ledger')
  const post = await startWebhook(engine)
  const worker = startWorker(engine, ledger)
  await worker.ready
  // The inbox of the webhook reads the callbacks of other processes once a second.
  await until(async () => (await post('first')) === '202 queued', 'the worker to be known')
  await worker.kill()
  await until(async () => (await countProcesses()) === 1, 'the killed worker to be removed')
  // A newly started webhook has no cached knowledge, only the content of the inbox.
  const postToNext = await startWebhook(engine)
  expect(await postToNext('while no worker runs')).toBe('202 queued')
  startWorker(engine, ledger)
  const ended = () => readLedger(ledger).filter(({ step }) => step === 'end').length
  await until(() => ended() === 2, 'both shipments to be delivered')
}

test('SQLite: its events are stored meanwhile, and delivered by the next one', async () => {
  const file = join(folder, 'inbox.db')
  await restart({ type: 'sqlite', file }, async () => {
    const { tables } = openTables(chooseDriver(), file, false)
    const { length } = tables.all('SELECT id FROM processes')
    tables.database.close()
    return Promise.resolve(length)
  })
})

test('PostgreSQL: the same', async () => {
  const server = await startPostgres()
  const engine = { type: 'postgres', url: server.connectionString, schema: 'restarted' } as const
  await restart(engine, async () => (await server.query('SELECT id FROM restarted.processes')).rows.length)
})
