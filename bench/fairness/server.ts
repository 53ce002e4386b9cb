/** The server under test. Small events are timed while large ones arrive. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openSqlite } from '../inbox/inboxes'
import { createWebhook } from '../webhook'

export type Candidate = 'listener' | 'listener with sqliteInbox' | 'express 5 + express.json'

async function createListener(candidate: Candidate, folder: string): Promise<RequestListener> {
  if (candidate === 'listener') return createWebhook().listener
  if (candidate === 'listener with sqliteInbox') {
    const webhook = createWebhook({ inbox: openSqlite({ file: `${folder}/inbox.db` }) })
    await webhook.ready()
    return webhook.listener
  }
  const { default: express } = await import('express')
  const app = express()
  app.use(express.json({ limit: '64mb' }))
  app.post('/order', (_req, res) => void res.json({ outcome: 'delivered' }))
  return app
}

async function main(): Promise<void> {
  const [candidate, folder] = process.argv.slice(2) as [Candidate, string]
  const server = createServer(await createListener(candidate, folder))
  // Idle connections stay open for the whole run.
  server.keepAliveTimeout = 3_600_000
  process.once('disconnect', () => process.exit())
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

void main()
