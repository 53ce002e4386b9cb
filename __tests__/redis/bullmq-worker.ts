/**
 * A process with an inbox on BullMQ, to be killed or stopped: tells its parent of each call, and settles it as delivered
 * once the parent says so. Arguments: port of Redis, name of the queue.
 */
import { LEASE_MS, SWEEP_MS } from './bullmq-harness'
import { bullmqInbox } from '../../lib/bullmq'
import type { InboxDelivery } from '../../lib/inbox/inbox'

export type WorkerReport =
  | { what: 'ready' }
  | { what: 'call'; id: string; attempt: number }
  | { what: 'settled'; noted: boolean; aborted: boolean }
  | { what: 'alarm'; code: string }

const [port = '', queueName = ''] = process.argv.slice(2)
const tell = (report: WorkerReport): void => void process.send?.(report)
const inbox = bullmqInbox({
  connection: { host: '127.0.0.1', port: Number(port) },
  ...{ queueName, leaseMs: LEASE_MS, sweepIntervalMs: SWEEP_MS },
})
const running: InboxDelivery[] = []

process.on('message', () => {
  const delivery = running.shift()
  if (!delivery) return
  void inbox
    .settle(delivery, { result: 'delivered' })
    .then((noted) => tell({ what: 'settled', noted, aborted: delivery.signal.aborted }))
})
process.on('disconnect', () => process.exit())

void inbox.ready().then(() => {
  inbox.deliver({
    concurrency: 4,
    maxBytes: Infinity,
    run(delivery) {
      running.push(delivery)
      tell({ what: 'call', id: delivery.event.id, attempt: delivery.attempt })
      return new Promise<void>(() => undefined)
    },
    alarm: ({ code }) => tell({ what: 'alarm', code }),
  })
  tell({ what: 'ready' })
})
