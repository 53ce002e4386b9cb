/** The inbox on BullMQ against a real Redis: triggers that merge, quarantine, bounds. */
import type { ManagedInbox } from '../../lib/inbox/inbox'
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

describe('triggers with an ID', () => {
  const trigger = (orderId: string) => makeEvent(orderId, { trigger: 'id', method: 'GET' })

  it('merge into one that waits, and not into one that runs', async () => {
    expect(await inbox.accept(trigger('A'), Buffer.alloc(0))).toBe('queued')
    expect(await inbox.accept(trigger('A'), Buffer.alloc(0))).toBe('merged')
    expect(await inbox.accept(trigger('B'), Buffer.alloc(0))).toBe('queued')
    const { open, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered))
    inbox.deliver(host)
    await until(() => host.running === 2)
    expect(await inbox.accept(trigger('A'), Buffer.alloc(0))).toBe('queued')
    expect(await inbox.accept(trigger('A'), Buffer.alloc(0))).toBe('merged')
    open()
    await until(() => host.noted.length === 3)
    expect(host.calls[0]!.bytes).toHaveLength(0)
    expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, bytes: 0 })
  })

  it('merge into one that waits for its retry', async () => {
    const host = new Host(inbox, ({ attempt }) => (attempt === 1 ? retry(400) : delivered))
    inbox.deliver(host)
    await inbox.accept(trigger('A'), Buffer.alloc(0))
    await until(() => host.noted.length === 1)
    expect(await inbox.accept(trigger('A'), Buffer.alloc(0))).toBe('merged')
    await until(() => host.noted.length === 2)
    expect(await inbox.accept(trigger('A'), Buffer.alloc(0))).toBe('queued')
  })
})

describe('quarantine', () => {
  const broken = { quarantine: { code: 'invalid_body', reason: 'no order' } }

  it('keeps what cannot be read, and hands it to nobody', async () => {
    const host = new Host(inbox)
    inbox.deliver(host)
    const event = makeEvent('A', broken)
    expect(await inbox.accept(event, body())).toBe('queued')
    expect(await inbox.accept(event, body())).toBe('duplicate')
    const after = makeEvent('A')
    await inbox.accept(after, body())
    await until(() => host.noted.length === 1)
    expect(host.ids()).toEqual([after.id])
    const shown = await inbox.show(event.id)
    expect(shown!.entry).toMatchObject({ state: 'quarantined', attempts: 0, reason: 'no order', bytes: body().length })
    expect(shown!.bytes.equals(body())).toBe(true)
    const stats = await inbox.stats()
    expect(stats).toMatchObject({ quarantined: 1, waiting: 0, bytes: 0 })
    expect(stats.quarantineBytes).toBeGreaterThan(body().length)
  })

  it('queues it when it comes again and can be read', async () => {
    const event = makeEvent('A', broken)
    await inbox.accept(event, body('{'))
    expect(await inbox.accept({ ...event, quarantine: undefined }, body())).toBe('queued')
    const host = new Host(inbox)
    inbox.deliver(host)
    await until(() => host.noted.length === 1)
    expect(host.calls[0]!.bytes.equals(body())).toBe(true)
    expect(await inbox.stats()).toMatchObject({ quarantined: 0, quarantineBytes: 0, bytes: 0 })
  })

  it('takes what turns out to be unreadable at its delivery, and lets the entity go on', async () => {
    const event = makeEvent('A')
    const next = makeEvent('A')
    await inbox.accept(event, body())
    await inbox.accept(next, body())
    const host = new Host(inbox, (delivery) =>
      delivery.event.id === event.id ? { result: 'quarantined', reason: 'torn' } : delivered,
    )
    inbox.deliver(host)
    await until(() => host.noted.length === 2)
    expect((await inbox.show(event.id))!.entry).toMatchObject({ state: 'quarantined', reason: 'torn' })
    const { bytes, quarantineBytes } = await inbox.stats()
    expect(bytes).toBe(0)
    expect(quarantineBytes).toBeGreaterThan(0)
  })

  it('has a bound of its own', async () => {
    const small = openInbox(server, { queueName: freshName(), maxQuarantineBytes: 2_000 })
    await small.ready()
    await small.accept(makeEvent('A', broken), Buffer.alloc(1_000))
    const refused = small.accept(makeEvent('A', broken), Buffer.alloc(1_000))
    await expect(refused).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('maxQuarantineBytes'),
    })
    expect(await small.accept(makeEvent('A'), Buffer.alloc(5_000))).toBe('queued')
  })
})

describe('bounds', () => {
  it('refuses events above maxBytes until there is room again, dead ones counted', async () => {
    const small = openInbox(server, { queueName: freshName(), maxBytes: 4_000 })
    await small.ready()
    const event = makeEvent('A')
    await small.accept(event, Buffer.alloc(3_000))
    const refusal = { code: 'unavailable', message: expect.stringContaining('maxBytes') }
    await expect(small.accept(makeEvent('B'), Buffer.alloc(3_000))).rejects.toMatchObject(refusal)
    let settlement = dead
    const host = new Host(small, () => settlement)
    small.deliver(host)
    await until(() => host.noted.length === 1)
    await expect(small.accept(makeEvent('B'), Buffer.alloc(3_000))).rejects.toMatchObject(refusal)
    // Its own bytes make room for those of its new copy.
    settlement = delivered
    expect(await small.accept(event, Buffer.alloc(3_100))).toBe('queued')
    await until(() => host.noted.length === 2)
    expect(await small.accept(makeEvent('B'), Buffer.alloc(3_000))).toBe('queued')
  })

  it('notes what became of an event while the memory of Redis is full', async () => {
    const own = await startRedis()
    const full = openInbox(own)
    await full.ready()
    const { open, opened } = gate()
    const host = new Host(full, () => opened.then(() => delivered))
    full.deliver(host)
    await full.accept(makeEvent('A'), body())
    await until(() => host.running === 1)
    await own.command('CONFIG', 'SET', 'maxmemory', '1mb')
    await expect(full.accept(makeEvent('B'), body())).rejects.toMatchObject({ code: 'unavailable' })
    open()
    await until(() => host.noted.length === 1)
    expect(host.noted).toEqual([true])
    expect(await full.stats()).toMatchObject({ waiting: 0, running: 0, bytes: 0 })
    await own.stop()
  })
})
