/** Inboxes in PostgreSQL for fault tests. `newSchema` names an unused schema; `closeInboxes` ends inboxes and pools. */
import { Pool, type QueryConfig } from 'pg'
import type { Inbox, InboxDelivery } from '../../lib/inbox/inbox'
import { postgresInbox, type PostgresInboxOptions } from '../../lib/inbox/postgres'
import { until } from '../wait'

const opened: Inbox[] = []
const pools: Pool[] = []
let schemas = 0

export const newSchema = (): string => `faults_${++schemas}`

/** A pool without an error listener. The inbox must add the listener. */
export function poolOf(connectionString: string, max = 10): Pool {
  const pool = new Pool({ connectionString, max })
  pools.push(pool)
  return pool
}

/**
 * Prepares each statement once per connection: on the small tables of a test, planning costs the server more than
 * execution.
 */
export function prepareStatements(pool: Pool): Pool {
  const names = new Map<string, string>()
  return pool.on('connect', (client) => {
    const query = client.query.bind(client) as (config: QueryConfig) => unknown
    const prepare = (config: QueryConfig): unknown => {
      const { text, values } = config
      if (values === undefined) return query(config)
      const name = names.get(text) ?? `statement_${names.size}`
      names.set(text, name)
      return query({ ...config, name })
    }
    client.query = prepare as typeof client.query
  })
}

export function open(options: PostgresInboxOptions): Inbox {
  const inbox = postgresInbox(options)
  opened.push(inbox)
  return inbox
}

export async function closeInboxes(): Promise<void> {
  await Promise.all(opened.splice(0).map((inbox) => inbox.close()))
  await Promise.all(pools.splice(0).map((pool) => pool.end()))
}

export function attach(
  inbox: Inbox,
  { maxDelayMs = 900_000, handlerTimeoutMs }: { maxDelayMs?: number; handlerTimeoutMs?: number } = {},
): { alarms: string[] } {
  const alarms: string[] = []
  inbox.attach({
    name: 'faults',
    wanted: [{ kind: 'order' }],
    maxDelayMs,
    handlerTimeoutMs,
    wake: () => undefined,
    leaseLost: () => undefined,
    alarm: ({ message }) => alarms.push(message),
  })
  return { alarms }
}

/** Tries to take an event until one was taken, because the database may fail. */
export async function takeOne(inbox: Inbox): Promise<InboxDelivery> {
  const taken: InboxDelivery[] = []
  await until(async () => {
    const { deliveries } = await inbox.take({ limit: 1, maxBytes: 1e9 }).catch(() => ({ deliveries: [] }))
    taken.push(...deliveries)
    return taken.length > 0
  }, 'nothing was taken')
  return taken[0]!
}

export async function errorOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was refused',
    (error: unknown) => String(error),
  )
}
