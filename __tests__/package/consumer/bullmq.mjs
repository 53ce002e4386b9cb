// Loads the inbox on BullMQ beside its peers, without a Redis: it says so and ends.
import { createRequire } from 'node:module'
import { bullmqInbox } from 'tradecloud-webhook/bullmq'

const required = createRequire(import.meta.url)('tradecloud-webhook/bullmq')
const inbox = bullmqInbox({ connection: 'redis://127.0.0.1:1' })
try {
  await inbox.accept({ id: 'x' }, Buffer.alloc(0))
} catch (error) {
  console.log(error.code, required.bullmqInbox === bullmqInbox)
}
await inbox.close()
