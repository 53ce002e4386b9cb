/** Bodies that cannot be read when their event is taken, because the database fails at that moment. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Inbox, InboxDelivery } from '../../lib/inbox/inbox'
import type { Engine } from '../../lib/inbox/sql/engine'
import { SqlInbox } from '../../lib/inbox/sql/sql-inbox'
import { SqliteEngine } from '../../lib/inbox/sqlite/engine'
import { resolveSqliteInbox } from '../../lib/inbox/sqlite/options'
import { pause, until } from '../wait'
import { eventOf } from './numbered-event'

const LARGE = 100_000
const folder = mkdtempSync(join(tmpdir(), 'tradecloud-inbox-'))
const alarms: string[] = []
let inbox: Inbox

afterEach(async () => {
  await inbox.close()
  rmSync(folder, { recursive: true, force: true })
})

/** `fails` is called before each operation. If it resolves with an error, the operation fails with this error. */
async function open(fails: (operation: string) => Promise<Error | undefined>): Promise<void> {
  const options = resolveSqliteInbox({ file: join(folder, 'inbox.db') })
  inbox = new SqlInbox(options, (events) => {
    const engine: Engine = new SqliteEngine(options, events)
    const run: Engine['run'] = engine.run.bind(engine)
    const failing: Pick<Engine, 'run'> = {
      run: (name, argument) =>
        fails(name).then((failure) => {
          if (failure) throw failure
          return run(name, argument)
        }),
    }
    return Object.assign(engine, failing)
  })
  await inbox.ready()
  inbox.attach({
    name: 'faults',
    wanted: [{ kind: 'order' }],
    maxDelayMs: 10,
    wake: () => undefined,
    leaseLost: () => undefined,
    alarm: ({ message }) => alarms.push(message),
  })
}

async function deliver(count: number): Promise<InboxDelivery[]> {
  const delivered: InboxDelivery[] = []
  await until(async () => {
    const { deliveries } = await inbox.take({ limit: 10, maxBytes: 1e9 }).catch(() => ({ deliveries: [] }))
    for (const delivery of deliveries)
      if (await inbox.settle(delivery, { result: 'delivered' })) delivered.push(delivery)
    return delivered.length >= count
  }, 'not every event was handed out')
  return delivered
}

const numbersOf = (deliveries: InboxDelivery[]) => deliveries.map(({ event }) => event.requestId).toSorted()

test.each(['works', 'fails as well'])(
  'one body that cannot be read holds up no other event, and is read later, if noting that %s',
  async (settling) => {
    const broken = new Set(settling === 'works' ? ['readPart'] : ['readPart', 'settle'])
    let release: () => void = () => undefined
    const isReleased = new Promise<void>((resolve) => (release = resolve))
    await open(async (operation) => {
      // The first read of a body fails. Later reads wait until the test calls `release`.
      if (operation === 'readPart' && !broken.has(operation)) await isReleased
      return broken.delete(operation) ? new Error('the connection was cut') : undefined
    })
    for (const number of [1, 2]) await inbox.accept(...eventOf({ number, entity: `${number}` }, LARGE))
    const delivering = deliver(2)
    await until(() => !broken.has('readPart'), 'nothing failed')
    await pause(50)
    release()
    const delivered = await delivering
    expect(numbersOf(delivered)).toEqual(['1', '2'])
    expect(delivered.every(({ bytes }) => bytes.length === LARGE)).toBe(true)
    expect(alarms.some((text) => text.includes('the connection was cut'))).toBe(true)
  },
)
