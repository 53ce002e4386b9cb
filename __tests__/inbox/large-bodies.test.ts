/** Large bodies arrive at the same time (with TEST_SIZE=full, ten of 60 MB), and small events are stored in between. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Accepted, Inbox } from '../../lib/inbox/inbox'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { isFull } from '../size'
import { pause } from '../wait'
import { Latencies } from './latencies'
import { eventOf } from './numbered-event'
import { openInbox, type EngineOptions } from './protocol'

const LARGE = { count: isFull ? 10 : 3, bytes: (isFull ? 60 : 20) * 1024 * 1024 }
const SMALL = { perSecond: 50, bytes: 8 * 1024 }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-large-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
afterAll(stopPostgresServers)

async function acceptAlongside(engine: EngineOptions, whenStored = (): void => undefined): Promise<void> {
  const inbox = openInbox(engine)
  try {
    await inbox.ready()
    const bodies = Array.from({ length: LARGE.count }, (_, i) =>
      eventOf({ number: i + 1, entity: `large-${i}` }, LARGE.bytes),
    )
    const stored: Array<'large' | 'small'> = []
    let left = bodies.length
    const storing = bodies.map(async ([event, bytes]) => {
      try {
        await inbox.accept(event, bytes)
        stored.push('large')
      } finally {
        left--
      }
    })
    const latencies = new Latencies()
    const small: Array<Promise<unknown>> = []
    for (let number = 1_000; left > 0; number++) {
      small.push(latencies.of(acceptSmall(inbox, number)).then(() => stored.push('small')))
      await pause(1_000 / SMALL.perSecond)
    }
    await Promise.all([...storing, ...small])
    whenStored()
    // Small events are sent after the large bodies, but some are stored earlier: between the parts of the bodies.
    expect(stored.indexOf('small')).toBeLessThan(stored.indexOf('large'))
    expect(stored.slice(0, stored.lastIndexOf('large')).filter((one) => one === 'small').length).toBeGreaterThan(5)
    for (const [event, bytes] of bodies) expect((await inbox.show(event.id))?.bytes?.equals(bytes)).toBe(true)
    if (isFull) {
      latencies.report(`${engine.type}, alongside large bodies`)
      await reportAlone(inbox, engine.type)
    }
  } finally {
    await inbox.close()
  }
}

function acceptSmall(inbox: Inbox, number: number): Promise<Accepted> {
  return inbox.accept(...eventOf({ number, entity: `small-${number}` }, SMALL.bytes))
}

/** Reports how long storing small events takes without other load, as a measure of the machine's speed. */
async function reportAlone(inbox: Inbox, engine: string): Promise<void> {
  const latencies = new Latencies()
  const small: Array<Promise<unknown>> = []
  for (let number = 100_000; number < 100_500; number++) {
    small.push(latencies.of(acceptSmall(inbox, number)))
    await pause(1_000 / SMALL.perSecond)
  }
  await Promise.all(small)
  latencies.report(`${engine}, small events alone`)
}

test('SQLite: small events are stored in between the parts of large bodies', async () => {
  const file = join(folder, 'inbox.db')
  await acceptAlongside({ type: 'sqlite', file }, () => {
    // The WAL stays small: copying a large WAL into the database in one go would block small events.
    expect(statSync(`${file}-wal`).size).toBeLessThan(24 * 1024 * 1024)
  })
})

test('PostgreSQL: the same', async () => {
  const { connectionString: url } = await startPostgres()
  await acceptAlongside({ type: 'postgres', url, schema: 'large' })
})
