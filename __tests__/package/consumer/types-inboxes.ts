// The types that a user with an inbox needs. This file is compiled but not run.
import { Pool, type PoolClient } from 'pg'
import {
  createTradecloudWebhook,
  createTradecloudWorker,
  notOwnRequest,
  type CatchUpOptions,
  type CatchUpReport,
  type Inbox,
  type OrderEvent,
  type SettledRecord,
  type TradecloudWorker,
  type WebhookContext,
} from 'tradecloud-webhook'
import { postgresInbox, postgresInboxSql, type PostgresInboxOptions } from 'tradecloud-webhook/postgres'
import { sqliteInbox, type KeepDeliveredOptions, type SqliteInboxOptions } from 'tradecloud-webhook/sqlite'
import { inboxContract, type InboxContractStorage } from 'tradecloud-webhook/testing'

const keepDelivered: KeepDeliveredOptions = { forMs: 1000 }
const options: SqliteInboxOptions = { file: 'inbox.db', keepDelivered }
const onPostgres: PostgresInboxOptions = { pool: new Pool(), migrate: 'check' }
const sql: string = postgresInboxSql('tradecloud')

async function onOrder(event: OrderEvent, context: WebhookContext): Promise<void> {
  const client = context.transaction as PoolClient
  await client.query('INSERT INTO orders (id) VALUES ($1)', [event.orderId])
}

const webhook = createTradecloudWebhook({ auth: 'none', inbox: sqliteInbox(options), deliver: false })
const worker: TradecloudWorker = createTradecloudWorker({
  inbox: postgresInbox(onPostgres),
  onOrder,
  delivery: { transaction: true, onSettled: ({ result }: SettledRecord) => console.log(result, sql) },
})
void Promise.all([webhook.ready(), worker.ready(), worker.close({ timeoutMs: 1000 })])

const api = { environment: 'acceptance', username: 'a', password: 'b' } as const
const catchUp: CatchUpOptions = {
  from: '2025-11-01',
  want: notOwnRequest('buyer'),
  form: 'singleDelivery',
  sweep: false,
}
const polling = createTradecloudWorker({ inbox: sqliteInbox(options), api, catchUp, onOrder })
const report: Promise<CatchUpReport> = polling.catchUp({ from: '2025-11-01', dryRun: true })
void report.then(({ recovered, error }) => console.log(recovered[0]?.id, error?.message))
void webhook.catchUp({ all: true })
// @ts-expect-error `want` is required
createTradecloudWorker({ inbox: sqliteInbox(options), api, onOrder, catchUp: { form: 'singleDelivery' } })

const storage: InboxContractStorage = { open: (): Inbox => sqliteInbox(options) }
for (const { name, run } of inboxContract(() => storage)) void [name, run]
// @ts-expect-error a worker receives no requests, so it has no option `auth`
createTradecloudWorker({ auth: 'none', inbox: sqliteInbox(options), onOrder })
// @ts-expect-error `handlerTimeoutMs` is an option of `delivery`
createTradecloudWebhook({ auth: 'none', inbox: sqliteInbox(options), onOrder, handlerTimeoutMs: 1 })
