/** The contract of inboxes, on PostgreSQL. */
import { Pool } from 'pg'
import { postgresInbox } from '../../lib/inbox/postgres'
import { inboxContract } from '../../lib/testing/inbox-contract'

describe('the inbox in PostgreSQL', () => {
  let count = 0
  const pools: Pool[] = []
  const tests = inboxContract(() => {
    const schema = `contract_${process.pid}_${++count}`
    return {
      open: () => {
        const pool = new Pool({ connectionString: process.env.PGURL, max: 6 })
        pools.push(pool)
        return postgresInbox({ pool, schema })
      },
    }
  })
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()))
  })
  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run(), 60_000)
})
