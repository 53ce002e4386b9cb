// The types of a consumer of the subpaths with peers: compiled, not run.
import { Redis } from 'ioredis'
import { createTradecloudWebhook, fileInbox, type Inbox, type InboxStats } from 'tradecloud-webhook'
import { bullmqInbox } from 'tradecloud-webhook/bullmq'
import { redisStore } from 'tradecloud-webhook/redis'

const redis = new Redis()
const inboxes: Inbox[] = [fileInbox({ directory: 'x' }), bullmqInbox({ connection: redis, leaseMs: 1000 })]
for (const inbox of inboxes)
  createTradecloudWebhook({ auth: { type: 'bearer', token: 'x' }, inbox, onOrder: () => undefined })
createTradecloudWebhook({
  auth: { type: 'bearer', token: 'x' },
  dedupe: { store: redisStore({ sendCommand: (command, ...args) => redis.call(command, ...args) }) },
  onOrder: () => undefined,
})
export const oldest = (stats: InboxStats): Date | undefined => stats.oldestWaitingAt
// @ts-expect-error a connection is required
bullmqInbox({})
