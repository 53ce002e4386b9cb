/** The memory of an inbox does not grow with the number of events that pass through it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import type { InboxDelivery } from '../../lib/inbox/inbox'
import { isFull } from '../size'
import { until } from '../wait'
import { eventOf } from './numbered-event'
import { attach } from './postgres-inboxes'
import { openInbox, type EngineOptions } from './protocol'

const EVENTS = isFull ? 200_000 : 4_000
const AT_ONCE = 100
/**
 * The allowed growth in the second half of the run, in bytes. This is about 5 bytes per event of that half at full
 * size, and about 260 at smaller sizes.
 */
const GROWTH_BYTES = 512 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-memory-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(stopPostgresServers)

/** Memory of the main thread after a garbage collection, in bytes. */
async function usedBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Repeats an operation until it succeeds, because it may be refused on a busy machine. */
async function untilDone<T>(act: () => Promise<T>): Promise<T> {
  const results: T[] = []
  await until(async () => {
    await act().then(
      (result) => results.push(result),
      () => undefined,
    )
    return results.length > 0
  })
  return results[0]!
}

async function deliverAll(engine: EngineOptions): Promise<void> {
  const inbox = openInbox(engine)
  try {
    await inbox.ready()
    attach(inbox)
    const used: number[] = []
    const resident: number[] = []
    for (let first = 0; first < EVENTS; first += AT_ONCE) {
      if (first === EVENTS / 2) {
        used.push(await usedBytes())
        resident.push(process.memoryUsage.rss())
      }
      const numbers = Array.from({ length: AT_ONCE }, (_, i) => first + i)
      const accept = (number: number) => inbox.accept(...eventOf({ number, entity: `order-${number}` }, 1_000))
      await Promise.all(numbers.map((number) => untilDone(() => accept(number))))
      for (let left = AT_ONCE; left > 0;) {
        const { deliveries } = await untilDone(() => inbox.take({ limit: AT_ONCE, maxBytes: 1e9 }))
        const settle = (delivery: InboxDelivery) => inbox.settle(delivery, { result: 'delivered' })
        await Promise.all(deliveries.map((delivery) => untilDone(() => settle(delivery))))
        left -= deliveries.length
      }
    }
    used.push(await usedBytes())
    resident.push(process.memoryUsage.rss())
    const [before = NaN, after = NaN] = used
    if (isFull)
      console.log(
        `${engine.type}: ${EVENTS / 2} events more, ${after - before} bytes more; resident ${resident.join()}`,
      )
    expect(after - before).toBeLessThan(GROWTH_BYTES)
  } finally {
    await inbox.close()
  }
}

test('SQLite: memory is the same after many events as after half of them', async () => {
  await deliverAll({ type: 'sqlite', file: join(folder, 'inbox.db') })
})

test('PostgreSQL: the same', async () => {
  const { connectionString: url } = await startPostgres()
  await deliverAll({ type: 'postgres', url, schema: 'memory' })
})
