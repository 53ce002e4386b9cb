/**
 * A worker keeps its process alive, because nothing else does so: a worker listens on no port, and an idle inbox does
 * not keep a process alive.
 */
import { createTradecloudWorker } from '../../../lib/compose/create-worker'
import type { Inbox } from '../../../lib/inbox/inbox'

const idleInbox = {
  ready: () => Promise.resolve(),
  accept: () => undefined,
  isWanted: () => undefined,
  attach: () => () => undefined,
  take: () => Promise.resolve({ deliveries: [] }),
  settle: () => undefined,
  list: () => undefined,
  show: () => undefined,
  replay: () => undefined,
  giveUp: () => undefined,
  purge: () => undefined,
  stats: () => undefined,
  close: () => Promise.resolve(),
} as unknown as Inbox
const logger = { warn: () => undefined, error: () => undefined }

/** Number of timers that keep the process alive. */
const timers = () => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length

test('a worker keeps the process alive until it is closed', async () => {
  const before = timers()
  const worker = createTradecloudWorker({ inbox: idleInbox, onOrder: () => undefined, logger })
  await worker.ready()
  expect(timers()).toBe(before + 1)
  await worker.close()
  expect(timers()).toBe(before)
})
