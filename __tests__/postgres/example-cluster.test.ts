/** `npm run start:cluster` on PostgreSQL. */
import { testCluster } from '../example-cluster'
import { startPostgres, stopPostgresServers } from './postgres-server'

let connectionString: string
beforeAll(async () => {
  connectionString = (await startPostgres()).connectionString
})
afterAll(stopPostgresServers)

testCluster(() => ({ DATABASE_URL: connectionString }))
