/**
 * CPU of the catch-up of changed orders: once if all changes have arrived, and once if none has. It is measured with
 * each of the two inboxes, and compared with only reading the same list. Another process simulates Tradecloud, without
 * a rate limit.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { stopPostgresServers } from '../../__tests__/postgres/postgres-server'
import type { Inbox, TradecloudWorker } from '../../lib'
import { built } from '../package'
import { digits, measureCpu, median, ratioOf, table } from '../statistics'
import type { Simulated } from './catch-up-server'
import { openPostgres, openSqlite, startSlowPostgres, withFolder } from './inboxes'

export async function run(quick: boolean): Promise<string> {
  const orders = quick ? 200 : 1_000
  const server = fork(join(__dirname, 'catch-up-server.ts'), [String(orders)])
  const [simulated] = (await once(server, 'message')) as [Simulated]
  try {
    return await withFolder((folder) => measure(folder, simulated, orders, quick ? 5 : 15))
  } finally {
    server.disconnect()
    await stopPostgresServers()
  }
}

async function measure(
  folder: string,
  { api, from, bytes }: Simulated,
  orders: number,
  rounds: number,
): Promise<string> {
  const { TradecloudClient } = built<typeof import('../../lib/api')>('api/index')
  const { RateLimit } = built<typeof import('../../lib/api/rate-limit')>('api/rate-limit')
  const { createTradecloudWorker } = built<typeof import('../../lib')>()
  const { connectionString } = await startSlowPostgres(folder, 0)
  const client = new TradecloudClient(api, new RateLimit(Infinity))
  let opened = 0
  const inboxes: Record<string, () => Inbox> = {
    sqliteInbox: () => openSqlite({ file: join(folder, `${++opened}.db`) }),
    postgresInbox: () => openPostgres({ connectionString, schema: `bench${++opened}` }),
  }

  /** Starts a worker with a new inbox, and resolves when it has found and delivered all orders. */
  const recover = async (inbox: Inbox): Promise<TradecloudWorker> => {
    let delivered = 0
    let done = (): void => undefined
    const all = new Promise<void>((resolve) => (done = resolve))
    const worker = createTradecloudWorker({
      ...{ api: client, inbox, logger: { warn: () => undefined, error: () => undefined } },
      onOrder: () => {
        if (++delivered === orders) done()
      },
      catchUp: { from, want: 'all', form: 'deliverySchedule', everyMs: false, shipments: false },
    })
    await worker.ready()
    await expectFound(worker, orders)
    await all
    return worker
  }
  const expectFound = async (worker: TradecloudWorker, expected: number): Promise<void> => {
    const { recoveredTotal, error } = await worker.catchUp({ from })
    if (error) throw error
    if (recoveredTotal !== expected) throw new Error(`The catch-up found ${recoveredTotal} orders, not ${expected}.`)
  }

  const workers: TradecloudWorker[] = []
  const work: Record<string, () => Promise<void>> = {}
  for (const [name, open] of Object.entries(inboxes)) {
    const worker = await recover(open())
    workers.push(worker)
    work[`${name}: all had arrived`] = () => expectFound(worker, 0)
    work[`${name}: none had arrived, all are delivered`] = async () => (await recover(open())).close()
  }
  work['TradecloudClient: only reads the list'] = async () => {
    for await (const found of client.pollOrders({ lastUpdatedAfter: from })) if (found.type === 'cursor') break
  }
  const measured = await measureCpu(1, rounds, work)
  for (const worker of workers) await worker.close()
  await client.close()
  const bare = measured.at(-1)?.times ?? []
  return table(
    [`${orders} orders of ${digits(bytes / 1024)} KB`, 'CPU, µs an order', 'ratio'],
    measured.map(({ name, times }) => [name, digits(median(times) / orders), digits(ratioOf(times, bare))]),
  )
}
