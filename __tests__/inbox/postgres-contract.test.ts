/** The contract of inboxes, on PostgreSQL. */
import { Pool } from 'pg'
import { postgresInbox } from '../../lib/inbox/postgres'
import { inboxContract } from '../../lib/testing/inbox-contract'
import { startPostgres, stopPostgresServers, type PostgresServer } from '../postgres/postgres-server'

describe('the inbox in PostgreSQL', () => {
  let server: PostgresServer
  let count = 0
  const pools: Pool[] = []
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()))
  })
  afterAll(stopPostgresServers)

  const tests = inboxContract(() => {
    const schema = `contract_${++count}`
    return {
      open: () => {
        const pool = new Pool({ connectionString: server.connectionString, max: 6 })
        // A pool emits an error if an idle connection ends.
        pool.on('error', () => undefined)
        pools.push(pool)
        return postgresInbox({ pool, schema })
      },
    }
  })
  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run())
})
