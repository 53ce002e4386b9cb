/** The inbox on BullMQ against a real Redis: what people do with events. */
import type { ManagedInbox } from '../../lib/inbox/inbox'
import {
  Host,
  body,
  closeInboxes,
  dead,
  delivered,
  freshName,
  gate,
  listed,
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

describe('for people', () => {
  it('lists the oldest first, with filters, over several pages', async () => {
    const events = Array.from({ length: 450 }, (_, n) =>
      makeEvent(`E${n}`, {
        kind: n % 2 ? 'shipment' : 'order',
        eventName: n % 3 ? 'A' : 'B',
        receivedAt: new Date(1_700_000_000_000 + n * 1_000).toISOString(),
        ...(n % 10 === 0 && { quarantine: { code: 'invalid_body', reason: 'x' } }),
      }),
    )
    for (const event of events) await inbox.accept(event, body())
    const ids = (of: typeof events) => of.map(({ id }) => id)
    expect(await listed(inbox)).toEqual(ids(events))
    expect(await listed(inbox, { state: 'quarantined' })).toEqual(ids(events.filter(({ quarantine }) => quarantine)))
    expect(await listed(inbox, { kind: 'shipment', eventName: 'B' })).toEqual(
      ids(events.filter(({ kind, eventName }) => kind === 'shipment' && eventName === 'B')),
    )
    expect(await listed(inbox, { entityId: 'E7' })).toEqual([events[7]!.id])
    expect(await listed(inbox, { before: new Date(1_700_000_003_000) })).toEqual(ids(events.slice(0, 3)))
    expect((await inbox.stats()).oldestWaitingAt).toEqual(new Date(1_700_000_001_000))
    expect(await inbox.show('nothing')).toBeUndefined()
  })

  it('replays a dead event at the end of its line, from the first attempt', async () => {
    let settlement = dead
    const host = new Host(inbox, ({ attempt }) => (attempt === 1 && settlement === dead ? retry(0) : settlement), 1)
    inbox.deliver(host)
    const event = makeEvent('A')
    await inbox.accept(event, body())
    await until(() => host.noted.length === 2)
    settlement = delivered
    expect(await inbox.replay(event.id)).toBe(true)
    await until(() => host.noted.length === 3)
    expect(host.calls[2]).toMatchObject({ attempt: 1, replay: true })
    expect(host.calls[2]!.firstAttemptAt.getTime()).toBeGreaterThan(host.calls[1]!.firstAttemptAt.getTime())
    expect(await inbox.replay(event.id)).toBe(false)
    expect(await inbox.replay('nothing')).toBe(false)
  })

  it('replays a quarantined event: behind those that wait, and its bytes count as theirs', async () => {
    const event = makeEvent('A', { quarantine: { code: 'invalid_body', reason: 'x' } })
    const waiting = makeEvent('A')
    await inbox.accept(event, body())
    await inbox.accept(waiting, body())
    const before = await inbox.stats()
    expect(await inbox.replay(event.id)).toBe(true)
    expect(await inbox.stats()).toMatchObject({
      ...{ waiting: 2, quarantined: 0, quarantineBytes: 0 },
      bytes: before.bytes + before.quarantineBytes,
    })
    const host = new Host(inbox)
    inbox.deliver(host)
    await until(() => host.noted.length === 2)
    expect(host.ids()).toEqual([waiting.id, event.id])
    expect(host.calls.map(({ replay }) => replay)).toEqual([false, true])
  })

  it('tries a waiting event at once, and leaves it its place; not one that runs', async () => {
    const { open, opened } = gate()
    const host = new Host(inbox, ({ event, replay }) =>
      event.id === second.id ? opened.then(() => delivered) : replay ? delivered : retry(600_000),
    )
    inbox.deliver(host)
    const [first, second] = [makeEvent('A'), makeEvent('A')]
    await inbox.accept(first, body())
    await inbox.accept(second, body())
    await until(() => host.noted.length === 1)
    expect(await inbox.replay(first.id)).toBe(true)
    await until(() => host.calls.length === 3)
    expect(host.ids()).toEqual([first.id, first.id, second.id])
    expect(host.calls[1]).toMatchObject({ attempt: 1, replay: true })
    expect(await inbox.replay(second.id)).toBe(false)
    open()
    await until(() => host.noted.length === 3)
  })

  it('replays all dead ones, says how far it is, and can be ended', async () => {
    let settlement = dead
    const host = new Host(inbox, () => settlement)
    inbox.deliver(host)
    const events = Array.from({ length: 6 }, (_, n) => makeEvent(`E${n % 2}`))
    for (const event of events) await inbox.accept(event, body())
    await until(async () => (await inbox.stats()).dead === 6)
    settlement = delivered
    const progress: unknown[] = []
    const ending = new AbortController()
    const onProgress = (step: { done: number; total: number }) => {
      progress.push(step)
      if (step.done === 2) ending.abort()
    }
    expect(await inbox.replayAll(undefined, { onProgress, signal: ending.signal })).toBe(2)
    expect(progress).toEqual([
      { done: 1, total: 6 },
      { done: 2, total: 6 },
    ])
    expect(await inbox.replayAll({ state: 'dead', entityId: 'E0' })).toBe(2)
    expect(await inbox.replayAll()).toBe(2)
    await until(() => host.noted.length === 12)
    expect(host.calls).toHaveLength(12)
  })

  it('purges dead ones for good, keys and bytes included, and never what waits', async () => {
    const host = new Host(inbox, ({ event }) => (event.entity!.id === 'A' ? dead : retry(600_000)))
    inbox.deliver(host)
    const [gone, kept] = [makeEvent('A'), makeEvent('B')]
    const broken = makeEvent('A', { quarantine: { code: 'invalid_body', reason: 'x' } })
    for (const event of [gone, kept, broken]) await inbox.accept(event, body())
    await until(() => host.noted.length === 2)
    expect(await inbox.purge({ state: 'dead' })).toBe(1)
    expect(await inbox.show(gone.id)).toBeUndefined()
    expect(await server.command('KEYS', `*known:${gone.key}`)).toEqual([])
    expect(await listed(inbox)).toEqual([kept.id, broken.id])
    expect(await inbox.purge({ state: 'quarantined', entityId: 'B' })).toBe(0)
    expect(await inbox.purge({ state: 'quarantined' })).toBe(1)
    await expect(inbox.purge({ state: 'waiting' } as never)).rejects.toMatchObject({ code: 'invalid_option' })
    expect(await inbox.stats()).toMatchObject({ waiting: 1, dead: 0, quarantined: 0, quarantineBytes: 0 })
    expect(await inbox.accept(gone, body())).toBe('queued')
  })

  it('leaves nothing behind but the keys of delivered events', async () => {
    const host = new Host(inbox, ({ attempt }) => (attempt === 1 ? retry(0) : delivered))
    inbox.deliver(host)
    const events = ['A', 'A', 'B', undefined].map((order) => makeEvent(order))
    for (const event of events) await inbox.accept(event, body())
    await until(() => host.noted.length === 8)
    const keys = async () => (await server.command('KEYS', `{tradecloud-webhook}:${queueName}:*`)) as string[]
    const ours = async () =>
      (await keys()).filter((key) => key.includes(':store:')).map((key) => key.split(':store:')[1])
    await until(async () => (await ours()).length === 5, 'only keys left')
    expect((await ours()).toSorted()).toEqual(['counters', ...events.map(({ key }) => `known:${key}`)].toSorted())
    // Of BullMQ only what it always has.
    const jobs = async () => (await keys()).filter((key) => /:\d+$|:sweep-/.test(key))
    await until(async () => (await jobs()).length === 0, 'no job left')
  })
})
