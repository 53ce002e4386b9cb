/** The inbox on BullMQ against a real Redis: order, duplicates, callbacks that do not end. */
import type { InboxDelivery, ManagedInbox } from '../../lib/inbox/inbox'
import {
  Host,
  body,
  closeInboxes,
  dead,
  delivered,
  freshName,
  gate,
  makeEvent,
  openInbox,
  retry,
  until,
} from './bullmq-harness'
import { startRedis, stopRedisServers, type RedisServer } from './redis-server'

jest.setTimeout(30_000)

let server: RedisServer
let inbox: ManagedInbox
let queueName: string

beforeAll(async () => {
  server = await startRedis()
})
beforeEach(async () => {
  queueName = freshName()
  inbox = openInbox(server, { queueName })
  await inbox.ready()
})
afterEach(closeInboxes)
afterAll(stopRedisServers)

describe('order', () => {
  it('delivers the events of an entity one at a time, in the order in which they were accepted', async () => {
    const host = new Host(inbox)
    const events = Array.from({ length: 20 }, () => makeEvent('A'))
    for (const event of events) expect(await inbox.accept(event, body())).toBe('queued')
    inbox.deliver(host)
    await until(() => host.noted.length === 20)
    expect(host.ids()).toEqual(events.map(({ id }) => id))
    expect(host.overlaps).toBe(0)
    expect(host.mostRunning).toBe(1)
    expect(await inbox.stats()).toEqual({
      ...{ waiting: 0, running: 0, dead: 0, quarantined: 0, bytes: 0, quarantineBytes: 0 },
      oldestWaitingAt: undefined,
    })
  })

  it('hands out what was stored, byte for byte', async () => {
    const host = new Host(inbox)
    inbox.deliver(host)
    const bytes = Buffer.from([0, 13, 10, 255, 254, 0, 128])
    const event = makeEvent('ü:{}\r\n "1"', { key: 'key with \u0000 and ü' })
    const from = Date.now()
    await inbox.accept(event, bytes)
    await until(() => host.noted.length === 1)
    const [delivery] = host.calls
    expect(delivery!.event).toEqual(JSON.parse(JSON.stringify(event)))
    expect(delivery!.bytes.equals(bytes)).toBe(true)
    expect(delivery).toMatchObject({ attempt: 1, replay: false })
    expect(Math.abs(delivery!.firstAttemptAt.getTime() - from)).toBeLessThan(5_000)
    expect(host.noted).toEqual([true])
  })

  it('runs entities beside each other, and no more than the host can take', async () => {
    const { open, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered), 3)
    inbox.deliver(host)
    for (let n = 0; n < 5; n++) await inbox.accept(makeEvent(`E${n}`), body())
    await inbox.accept(makeEvent(undefined), body())
    await until(() => host.running === 3)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(host.calls).toHaveLength(3)
    open()
    await until(() => host.noted.length === 6)
    expect(host.mostRunning).toBe(3)
  })

  it('has no more bytes out than the host can take, and a larger body alone', async () => {
    const host = new Host(
      inbox,
      async ({ bytes }) => {
        out += bytes.length
        most = Math.max(most, out)
        if (bytes.length > 10_000) alone.push(host.running)
        await new Promise((resolve) => setTimeout(resolve, 5))
        out -= bytes.length
        return delivered
      },
      8,
    )
    host.maxBytes = 10_000
    let [out, most] = [0, 0]
    const alone: number[] = []
    const sizes = Array.from({ length: 60 }, (_, n) => (n % 20 === 7 ? 15_000 : n % 3 ? 4_000 : 100))
    for (const [n, size] of sizes.entries()) await inbox.accept(makeEvent(`E${n % 12}`), Buffer.alloc(size))
    inbox.deliver(host)
    await until(() => host.noted.length === 60)
    expect(host.noted).not.toContain(false)
    expect(most).toBe(15_000)
    expect(alone).toEqual([1, 1, 1])
    expect(host.mostRunning).toBeGreaterThan(2)
    expect(host.alarms).toEqual([])
  })

  it('tries an event again, and holds up only its own entity meanwhile', async () => {
    const host = new Host(inbox, ({ attempt, event }) =>
      event.entity?.id === 'A' && attempt < 3 ? retry(300) : delivered,
    )
    const first = makeEvent('A')
    const second = makeEvent('A')
    const other = makeEvent('B')
    for (const event of [first, second, other]) await inbox.accept(event, body())
    inbox.deliver(host)
    await until(() => host.noted.length === 5)
    expect(host.ids().filter((id) => id !== other.id)).toEqual([first.id, first.id, first.id, second.id])
    expect(host.ids().indexOf(other.id)).toBeLessThan(2)
    expect(host.calls.filter(({ event }) => event.id === first.id).map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    const begins = host.calls.filter(({ event }) => event.id === first.id).map(({ firstAttemptAt }) => +firstAttemptAt)
    expect(new Set(begins).size).toBe(1)
  })

  it('says in the list why and until when an event waits', async () => {
    const host = new Host(inbox, () => retry(60_000))
    inbox.deliver(host)
    const event = makeEvent('A')
    await inbox.accept(event, body())
    await until(() => host.noted.length === 1)
    const shown = await inbox.show(event.id)
    expect(shown!.entry).toMatchObject({ state: 'waiting', attempts: 1, reason: 'ERP is down' })
    expect(Math.abs(Date.parse(shown!.entry.nextAttemptAt!) - Date.now() - 60_000)).toBeLessThan(5_000)
  })

  it('belongs to one webhook', async () => {
    inbox.deliver(new Host(inbox))
    expect(() => inbox.deliver(new Host(inbox))).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })
})

describe('duplicates', () => {
  const again = (event: ReturnType<typeof makeEvent>) => ({ ...event, requestId: 'again' })

  it('knows an event that waits, runs, or was delivered', async () => {
    const event = makeEvent('A')
    expect(await inbox.accept(event, body())).toBe('queued')
    expect(await inbox.accept(again(event), body())).toBe('duplicate')
    const { open, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered))
    inbox.deliver(host)
    await until(() => host.running === 1)
    expect(await inbox.accept(again(event), body())).toBe('duplicate')
    open()
    await until(() => host.noted.length === 1)
    expect(await inbox.accept(again(event), body())).toBe('duplicate')
    expect(host.calls).toHaveLength(1)
  })

  it('knows a delivered event only for so long', async () => {
    const short = openInbox(server, { queueName: freshName(), dedupeTtlMs: 200 })
    await short.ready()
    const host = new Host(short)
    short.deliver(host)
    const event = makeEvent('A')
    await short.accept(event, body())
    await until(() => host.noted.length === 1)
    expect(await short.accept(event, body())).toBe('duplicate')
    await until(async () => (await short.accept(event, body())) === 'queued')
    await until(() => host.noted.length === 2)
  })

  it('takes one of three that come at the same time', async () => {
    const host = new Host(inbox)
    inbox.deliver(host)
    const events = Array.from({ length: 10 }, (_, n) => makeEvent(`E${n % 3}`))
    const answers = await Promise.all(events.flatMap((event) => [1, 2, 3].map(() => inbox.accept(event, body()))))
    expect(answers.filter((answer) => answer === 'queued')).toHaveLength(10)
    expect(answers.filter((answer) => answer === 'duplicate')).toHaveLength(20)
    await until(() => host.noted.length === 10)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(host.calls).toHaveLength(10)
  })

  it('queues a dead event again when it is sent again, with its new bytes and from the first attempt', async () => {
    let settlement = dead
    const host = new Host(inbox, () => settlement)
    inbox.deliver(host)
    const event = makeEvent('A')
    await inbox.accept(event, body('old'))
    await until(() => host.noted.length === 1)
    expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, dead: 1 })
    expect((await inbox.show(event.id))!.entry).toMatchObject({ state: 'dead', attempts: 1, reason: 'given up' })
    settlement = delivered
    expect(await inbox.accept(event, body('new bytes'))).toBe('queued')
    await until(() => host.noted.length === 2)
    expect(host.calls[1]).toMatchObject({ attempt: 1, replay: false })
    expect(host.calls[1]!.bytes.toString()).toBe('new bytes')
    expect(await inbox.stats()).toMatchObject({ dead: 0, bytes: 0 })
  })

  it('does not overwrite an event that has the same ID and another key', async () => {
    const event = makeEvent('A')
    await inbox.accept(event, body())
    await expect(inbox.accept({ ...event, key: 'other' }, body())).rejects.toMatchObject({ code: 'unavailable' })
    expect((await inbox.show(event.id))!.event.key).toBe(event.key)
  })
})

describe('a callback that does not end', () => {
  it('frees its slot, keeps its entity blocked, and lets it go on once settled', async () => {
    inbox = openInbox(server, { queueName: freshName(), sweepIntervalMs: 3_600_000 }) // no help from the sweep
    await inbox.ready()
    const stuck: InboxDelivery[] = []
    const host = new Host(inbox, () => delivered, 1)
    const run = host.run.bind(host)
    host.run = async (delivery) => {
      if (delivery.event.entity!.id !== 'A' || stuck.length > 0) return run(delivery)
      stuck.push(delivery) // resolves at once, and settles later
    }
    inbox.deliver(host)
    const [first, second, other] = [makeEvent('A'), makeEvent('A'), makeEvent('B')]
    await inbox.accept(first, body())
    await until(() => stuck.length === 1)
    await inbox.accept(second, body())
    await inbox.accept(other, body())
    await until(() => host.noted.length === 1)
    // Longer than the lease, which is renewed all the time.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(host.ids()).toEqual([other.id])
    expect(await inbox.stats()).toMatchObject({ running: 1, waiting: 1 })
    expect(stuck[0]!.signal.aborted).toBe(false)
    expect(await inbox.settle(stuck[0]!, delivered)).toBe(true)
    expect(await inbox.settle(stuck[0]!, delivered)).toBe(false)
    await until(() => host.noted.length === 2)
    expect(host.ids()).toEqual([other.id, second.id])
  })
})
