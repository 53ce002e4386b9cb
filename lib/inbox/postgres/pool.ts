/** The inbox's own pool of connections. */
import type { PostgresPool } from './client'
import { CONNECT_MS } from './connections'

export const DEFAULT_POOL = 10

export function createPool(connectionString: string): PostgresPool {
  const { Pool } = loadPg()
  return new Pool({ connectionString, max: DEFAULT_POOL, connectionTimeoutMillis: CONNECT_MS, keepAlive: true })
}

function loadPg() {
  try {
    return require('pg') as {
      Pool: new (options: object) => PostgresPool
    }
  } catch (cause) {
    throw new Error('postgresInbox needs the package pg: npm i pg@8', { cause })
  }
}
