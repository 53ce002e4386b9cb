/** A simulated Tradecloud with its own clock, and a worker or webhook whose catch-up polls it. */
import {
  createTradecloudWorker,
  type CatchUpOptions,
  type CatchUpReport,
  type Inbox,
  type TradecloudWorker,
  type TradecloudWorkerOptions,
} from 'tradecloud-webhook'
import {
  createTradecloudSimulator,
  type TradecloudSimulator,
  type TradecloudSimulatorOptions,
} from 'tradecloud-webhook/testing'
import { storedFound } from '../../lib/inbox/found-event'
import { memoryInbox } from '../testing/memory-inbox'
import { MemoryStorage } from '../testing/memory-storage'
import { MemoryCatchUpInbox } from '../unit/catch-up/memory-catch-up-inbox'
import { closeLater, collectInto, emptyCollection, fastApiOf, type Collected } from './harness'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const SETTLE = 10 * MINUTE
export const START = new Date(Date.UTC(2025, 10, 2, 10))
export const FROM = new Date(START.getTime() - 1).toISOString()

export async function startClockedTradecloud(options: TradecloudSimulatorOptions = {}): Promise<TradecloudSimulator> {
  const tradecloud = await createTradecloudSimulator({ startAt: START, rateLimit: false, ...options })
  closeLater(() => tradecloud.close())
  return tradecloud
}

/**
 * Returns `inbox`, a function that opens an inbox in memory. All these inboxes share their events, as the inboxes of
 * several processes do. They also share `storage`, in which the catch-up stores its own data.
 */
export function memoryCatchUp(name = 'tradecloud'): { storage: MemoryCatchUpInbox; inbox: () => Inbox } {
  const shared = new MemoryStorage()
  const storage = new MemoryCatchUpInbox()
  const open = (): Inbox => {
    const inbox = memoryInbox(shared)
    storage.onStored = (found) => {
      const { event, bytes } = storedFound(name, found, Date.now())
      void inbox.accept(event, bytes)
    }
    return {
      ...inbox,
      accept: (event, bytes, arrival) => {
        if (arrival) storage.arrive(arrival)
        return inbox.accept(event, bytes)
      },
      catchUp: () => storage,
      recordsArrivals: async () => true,
    }
  }
  return { storage, inbox: open }
}

export const CATCH_UP: CatchUpOptions = { from: FROM, want: 'all', form: 'deliverySchedule', everyMs: false }

type PollingOptions = Partial<Omit<TradecloudWorkerOptions, 'catchUp'>> & { catchUp?: Partial<CatchUpOptions> }

interface Polling extends Collected {
  worker: TradecloudWorker
  reports: CatchUpReport[]
}

/** Starts a worker that, by default, polls only when `worker.catchUp()` is called. */
export function startPolling(
  tradecloud: TradecloudSimulator,
  { catchUp, inbox = memoryCatchUp().inbox(), ...options }: PollingOptions = {},
): Polling {
  const collected = emptyCollection()
  const reports: CatchUpReport[] = []
  const { onOrder, onShipment, logger } = collectInto(collected)
  const worker = createTradecloudWorker({
    ...{ onOrder, onShipment, logger, inbox, api: fastApiOf(tradecloud) },
    onCatchUp: (report) => void reports.push(report),
    ...options,
    catchUp: { ...CATCH_UP, ...catchUp },
  })
  closeLater(() => worker.close({ timeoutMs: 500 }))
  return { ...collected, worker, reports }
}
