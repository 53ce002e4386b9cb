/**
 * An app with an inspector, in a process of its own. It reports its memory use when the parent process sends a message.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openPostgres, openSqlite } from '../inbox/inboxes'
import { built } from '../package'
import { createWebhook, credential } from '../webhook'

async function main(): Promise<void> {
  const [target = ''] = process.argv.slice(2)
  const inbox = /^postgres(?:ql)?:/.test(target)
    ? openPostgres({ connectionString: target })
    : openSqlite({ file: target })
  const webhook = createWebhook({
    inbox,
    deliver: false,
    onOrder: undefined,
    onShipment: undefined,
    onOrderDocuments: undefined,
  })
  await webhook.ready()
  const { createInspector } = built<typeof import('../../lib/inspector')>('inspector/index')
  const server = createServer(createInspector({ webhook, auth: credential }))
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('message', () => {
    globalThis.gc?.()
    process.send?.(process.memoryUsage.rss())
  })
  process.once('disconnect', () => process.exit())
}

void main()
