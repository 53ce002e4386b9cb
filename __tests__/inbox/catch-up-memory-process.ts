/**
 * A worker with a catch-up in a process of its own, so that its memory can be measured. It polls once, then reports.
 */
import { createTradecloudWorker } from '../../lib'
import { sqliteInbox } from '../../lib/inbox/sqlite'

export interface MemoryProcessOptions {
  baseUrl: string
  username: string
  password: string
  file: string
  from: string
  /** The process reports once it has delivered this number of orders. */
  orders: number
}

/** The highest memory use, in MB: until the run begins (`before`), and until all orders are delivered (`peak`). */
export interface MemoryReport {
  before: number
  peak: number
  recoveredTotal: number
  error?: string | undefined
}

const peakNow = (): number => Math.round(process.resourceUsage().maxRSS / 1024)

async function main({ file, from, orders, ...api }: MemoryProcessOptions): Promise<void> {
  const delivered = new Set<string>()
  let done = (): void => undefined
  const all = new Promise<void>((resolve) => (done = resolve))
  const worker = createTradecloudWorker({
    ...{ api, inbox: sqliteInbox({ file }), logger: { warn: () => undefined, error: () => undefined } },
    onOrder: ({ orderId }) => {
      if (delivered.add(orderId).size === orders) done()
    },
    catchUp: { from, want: 'all', form: 'deliverySchedule', everyMs: false, shipments: false },
  })
  await worker.ready()
  const before = peakNow()
  const { recoveredTotal, error } = await worker.catchUp()
  if (error === undefined) await all
  process.send?.({ before, peak: peakNow(), recoveredTotal, error: error?.message } satisfies MemoryReport)
  await worker.close()
  process.disconnect()
}

void main(JSON.parse(process.argv[2] ?? '{}') as MemoryProcessOptions)
