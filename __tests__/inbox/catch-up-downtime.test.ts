/** After a long downtime, everything is delivered in order, without too many requests or waiting events. */
import { TradecloudClient, type Inbox } from 'tradecloud-webhook'
import { RateLimit } from '../../lib/api/rate-limit'
import { postgresInbox } from '../../lib/inbox/postgres'
import { CATCH_UP, FROM, HOUR, MINUTE, SETTLE, startClockedTradecloud } from '../integration/catch-up-rig'
import { apiOf, closeAll, closeLater, credential, startRig, temporaryInbox, until } from '../integration/harness'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { bySize, isFull } from '../size'
import { poolOf } from './postgres-inboxes'

afterEach(closeAll)
afterAll(stopPostgresServers)

const ORDERS = bySize({ quick: 1_050, ci: 1_050, full: 5_000 })
/** Limit of the request rate. It is lower than Tradecloud's limit, so that even a slow machine reaches it. */
const PER_SECOND = 3

const inboxes: Record<string, () => Promise<Inbox>> = {
  SQLite: async () => temporaryInbox(),
  PostgreSQL: async () => {
    const { connectionString } = await startPostgres({ fsync: 'off' })
    const pool = poolOf(connectionString)
    closeLater(() => pool.end())
    return postgresInbox({ pool, unsafe: true })
  },
}

/** PostgreSQL takes half a minute on a busy machine, so it is tested only at full size. */
const ENGINES = isFull ? Object.keys(inboxes) : ['SQLite']

test.each(ENGINES)(
  'two weeks, %s: events of each order in order, within the rate, and at most 1,000 found events wait',
  async (engine) => {
    const tradecloud = await startClockedTradecloud({ rateLimit: { perSecond: PER_SECOND } })
    const { clock, world } = tradecloud
    const inbox = (await inboxes[engine]?.())!
    const api = new TradecloudClient(apiOf(tradecloud), new RateLimit(PER_SECOND))
    closeLater(() => api.close())
    const gate = { open: false, waiting: [] as Array<() => void> }
    /** Time and source of the delivered events, by order. */
    const given = new Map<string, string[]>()
    const { webhook, url } = await startRig({
      ...{ inbox, api, concurrency: 4, catchUp: { ...CATCH_UP, shipments: false } },
      onOrder: async ({ orderId, lastUpdatedAt = '' }, { source }) => {
        if (!gate.open) await new Promise<void>((resolve) => gate.waiting.push(resolve))
        given.set(orderId, [...(given.get(orderId) ?? []), `${lastUpdatedAt} ${source}`])
      },
    })
    await webhook.ready()
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < ORDERS; i++) {
        clock.advance(Math.floor((7 * 24 * HOUR) / ORDERS))
        world.change(`PO-${i}`, { lines: ['a'], deliver: 'lose' })
      }
    }
    clock.advance(SETTLE + MINUTE)
    let isDone = false
    const running = webhook.catchUp().finally(() => (isDone = true))
    await until(async () => (await inbox.stats()).waiting >= 990)
    // Gives the run some time, in which it must not store more events than the limit.
    for (let i = 0; i < 5; i++) await inbox.stats()
    const { waiting, running: atCallbacks } = await inbox.stats()
    expect([waiting + atCallbacks <= 1_000, isDone]).toEqual([true, false])
    // Meanwhile, the webhook receives new changes of some orders. For these orders, changes that the catch-up has found
    // are still waiting.
    const changed = Array.from({ length: 50 }, (_, i) => `PO-${i * 10}`)
    for (const id of changed) {
      clock.advance(1_000)
      world.change(id, { lines: ['a'] })
    }
    const { delivered } = await world.deliver({ url: `${url}/order`, auth: credential })
    expect(delivered).toHaveLength(changed.length)
    gate.open = true
    for (const resolve of gate.waiting) resolve()
    expect(await running).toMatchObject({ error: undefined, recoveredTotal: ORDERS })
    await until(() => [...given.values()].flat().length === ORDERS + changed.length)
    for (let i = 0; i < ORDERS; i++) {
      const calls = given.get(`PO-${i}`) ?? []
      const sources = changed.includes(`PO-${i}`) ? ['catch-up', 'webhook'] : ['catch-up']
      expect(calls.map((call) => call.split(' ')[1])).toEqual(sources)
      expect(calls).toEqual([...calls].sort())
      expect(calls.at(-1)).toContain(world.order(`PO-${i}`)?.lastUpdatedAt)
    }
    // A run that stores nothing is limited only by the request rate.
    const { error, polled } = await webhook.catchUp({ from: FROM, dryRun: true })
    expect(error).toBeUndefined()
    // Offsets above 1,000 are rejected, so the list is restarted. At each restart, an order may be read twice.
    expect(polled).toBeGreaterThanOrEqual(ORDERS)
    expect(polled).toBeLessThanOrEqual(ORDERS * 1.01)
    expect(tradecloud.api.requests.filter(({ status }) => status === 429)).toEqual([])
  },
)
