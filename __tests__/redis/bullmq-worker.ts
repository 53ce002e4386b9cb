/**
 * A process with an inbox on BullMQ, to be killed or stopped: tells its parent of each call, and settles it as delivered
 * once the parent says so,
 * or closes its inbox. Arguments: port of Redis, name of the queue.
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
const running: { delivery: InboxDelivery; done: () => void }[] = []
const exit = (): void => process.exit(1)

process.on('message', (message) => {
  if (message === 'close') {
    process.off('disconnect', exit)
    return void inbox.close().then(() => process.disconnect()) // and ends, if nothing is left
  }
  const next = running.shift()
  if (!next) return
  const { delivery, done } = next
  void inbox
    .settle(delivery, { result: 'delivered' })
    .then((noted) => tell({ what: 'settled', noted, aborted: delivery.signal.aborted }))
    .then(done)
})
process.on('disconnect', exit)

void inbox.ready().then(() => {
  inbox.deliver({
    concurrency: 4,
    maxBytes: Infinity,
    run(delivery) {
      tell({ what: 'call', id: delivery.event.id, attempt: delivery.attempt })
      return new Promise<void>((done) => running.push({ delivery, done }))
    },
    alarm: ({ code }) => tell({ what: 'alarm', code }),
  })
  tell({ what: 'ready' })
})
