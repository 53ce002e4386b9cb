/** The inbox on BullMQ when Redis dies or freezes, and when it is closed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { body, closeInboxes, delivered, freshName, gate, Host, makeEvent, openInbox } from './bullmq-harness'
import { LEASE_MS, timed, until } from './bullmq-harness'
import { WaitaofProxy } from './bullmq-proxy'
import { startRedis, stopRedisServers, type RedisServer } from './redis-server'

jest.setTimeout(60_000)

/** What an accept may take, and after what time all must work again. */
const ACCEPT_MS = 2_500
const RECOVERY_MS = 5_000

let server: RedisServer
let queueName: string

beforeAll(async () => {
  server = await startRedis()
})
beforeEach(() => {
  queueName = freshName()
})
afterEach(async () => {
  server.thaw()
  await closeInboxes()
})
afterAll(stopRedisServers)

async function open(options: Parameters<typeof openInbox>[1] = {}) {
  const inbox = openInbox(server, { queueName, ...options })
  await inbox.ready()
  return inbox
}

describe('Redis', () => {
  it('is killed and started again: nothing is lost, and all goes on', async () => {
    const inbox = await open()
    const { open: finish, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered), 2)
    inbox.deliver(host)
    const events = Array.from({ length: 12 }, (_, n) => makeEvent(`E${n % 4}`))
    for (const event of events.slice(0, 8)) await inbox.accept(event, body())
    await until(() => host.running === 2)
    await server.kill()
    const refused = await timed(() => inbox.accept(events[8]!, body()))
    expect(refused.error).toMatchObject({ code: 'unavailable' })
    expect(refused.ms).toBeLessThan(ACCEPT_MS)
    finish() // settled as soon as Redis is back
    await sleep(1_000)
    await server.restart()
    const recovered = await timed(() =>
      until(() =>
        inbox.accept(events[8]!, body()).then(
          () => true,
          () => false,
        ),
      ),
    )
    expect(recovered.ms).toBeLessThan(RECOVERY_MS)
    for (const event of events.slice(9)) await inbox.accept(event, body())
    await until(() => host.noted.length === 12)
    expect(host.noted).not.toContain(false)
    expect(host.ids().toSorted()).toEqual(events.map(({ id }) => id).toSorted())
    for (const n of [0, 1, 2, 3]) {
      const of = (list: { id: string; entity?: { id: string } | undefined }[]) =>
        list.filter(({ entity }) => entity?.id === `E${n}`).map(({ id }) => id)
      expect(of(host.calls.map(({ event }) => event))).toEqual(of(events))
    }
    expect(host.alarms).toEqual([])
    expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, dead: 0, bytes: 0 })
  })

  it('is frozen: each accept rejects in time, and works again afterwards; what ran late does no harm', async () => {
    const inbox = await open()
    const { open: finish, opened } = gate()
    const first = makeEvent('first')
    const host = new Host(inbox, ({ event }) => (event.id === first.id ? opened.then(() => delivered) : delivered))
    inbox.deliver(host)
    await inbox.accept(first, body())
    await until(() => host.running === 1)
    server.freeze()
    finish() // is settled while Redis is frozen
    const events = Array.from({ length: 20 }, (_, n) => makeEvent(`E${n % 5}`))
    const results: ReturnType<typeof timed>[] = []
    for (const event of events) {
      results.push(timed(() => inbox.accept(event, body())))
      await sleep(100)
    }
    for (const { ms, error } of await Promise.all(results)) {
      expect(error).toMatchObject({ code: 'unavailable' })
      expect(ms).toBeLessThan(ACCEPT_MS)
    }
    expect(host.noted).toEqual([])
    server.thaw()
    const recovered = await timed(() =>
      until(() =>
        inbox.accept(makeEvent('after'), body()).then(
          () => true,
          () => false,
        ),
      ),
    )
    expect(recovered.ms).toBeLessThan(RECOVERY_MS)
    // Tradecloud sends them again.
    for (const event of events) expect(['queued', 'duplicate']).toContain(await inbox.accept(event, body()))
    await until(() => host.noted.length === 22)
    await sleep(300)
    expect(host.calls).toHaveLength(22)
    expect(new Set(host.ids()).size).toBe(22)
    expect(host.noted).not.toContain(false)
  })

  it('is frozen for longer than connections wait: they are made anew, and all goes on', async () => {
    const inbox = await open({ leaseMs: 30_000 })
    const host = new Host(inbox)
    inbox.deliver(host)
    await inbox.accept(makeEvent('A'), body())
    await until(() => host.noted.length === 1)
    server.freeze()
    for (let n = 0; n < 7; n++) {
      const { ms, error } = await timed(() => inbox.accept(makeEvent('B'), body()))
      expect(error).toMatchObject({ code: 'unavailable' })
      expect(ms).toBeLessThan(ACCEPT_MS)
      await sleep(Math.max(0, 2_000 - ms))
    }
    server.thaw()
    const after = makeEvent('C')
    const recovered = await timed(() =>
      until(async () => {
        await inbox.accept(after, body()).catch(() => undefined)
        return host.ids().includes(after.id)
      }),
    )
    expect(recovered.ms).toBeLessThan(RECOVERY_MS)
  })

  it('is not heard of any more on connections that are open: they are given up, and all goes on', async () => {
    const proxy = new WaitaofProxy(server.port)
    const inbox = await open({ connection: `redis://127.0.0.1:${await proxy.listen()}`, leaseMs: 30_000 })
    const host = new Host(inbox)
    inbox.deliver(host)
    await inbox.accept(makeEvent('A'), body())
    await until(() => host.noted.length === 1)
    proxy.mute()
    const refused = await timed(() => inbox.accept(makeEvent('B'), body()))
    expect(refused.error).toMatchObject({ code: 'unavailable' })
    expect(refused.ms).toBeLessThan(ACCEPT_MS)
    const after = makeEvent('C')
    await until(async () => {
      await inbox.accept(after, body()).catch(() => undefined)
      return host.ids().includes(after.id)
    })
    await inbox.close()
    proxy.close()
  })

  it('is dead or frozen when the inbox is closed: it closes all the same', async () => {
    const own = await startRedis()
    for (const [fault, options] of [
      [() => own.freeze(), {}],
      [() => own.kill(), { queueName }],
    ] as const) {
      const inbox = openInbox(own, options)
      await inbox.ready()
      const stuck = gate()
      const host = new Host(inbox, () => stuck.opened.then(() => delivered))
      inbox.deliver(host)
      await inbox.accept(makeEvent('A'), body())
      await until(() => host.running === 1)
      await fault()
      expect((await timed(() => inbox.close())).ms).toBeLessThan(RECOVERY_MS)
      stuck.open()
      await until(() => host.noted.length === 1)
      expect(host.noted).toEqual([false])
      own.thaw()
    }
    await own.stop()
  })
})

describe('the end', () => {
  it('stops handing out; what runs is settled, and the rest is delivered by the next inbox', async () => {
    const inbox = await open()
    const { open: finish, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered), 1)
    const stop = inbox.deliver(host)
    const events = [makeEvent('A'), makeEvent('A'), makeEvent('B')]
    for (const event of events) await inbox.accept(event, body())
    await until(() => host.running === 1)
    stop()
    finish()
    await until(() => host.noted.length === 1)
    await sleep(500)
    expect(host.noted).toEqual([true])
    expect(host.calls).toHaveLength(1)
    expect(await inbox.accept(makeEvent('C'), body())).toBe('queued') // others may deliver it
    await inbox.close()
    await expect(inbox.accept(makeEvent('D'), body())).rejects.toMatchObject({ code: 'unavailable' })

    const next = await open()
    const nextHost = new Host(next)
    next.deliver(nextHost)
    await until(() => nextHost.noted.length === 3)
    expect(nextHost.calls.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
    expect(nextHost.alarms).toEqual([])
  })

  it('takes back what it has begun and not handed out', async () => {
    const inbox = await open()
    const host = new Host(inbox)
    const events = [makeEvent('A'), makeEvent('A')]
    for (const event of events) await inbox.accept(event, body())
    const run = host.run.bind(host)
    host.run = async (delivery) => {
      await run(delivery)
      setImmediate(stop) // the next one has been asked for, and has not come
    }
    const stop = inbox.deliver(host)
    await until(async () => (await inbox.stats()).waiting === 1 && host.noted.length === 1)
    await sleep(300)
    expect(host.calls).toHaveLength(1)
    expect((await inbox.show(events[1]!.id))!.entry).toMatchObject({ state: 'waiting', attempts: 0 })
    expect(await inbox.stats()).toMatchObject({ waiting: 1, running: 0 })
  })

  it('does not wait for a callback that does not end: its event is delivered again after the lease', async () => {
    const inbox = await open()
    const { open: finish, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered))
    inbox.deliver(host)
    const event = makeEvent('A')
    await inbox.accept(event, body())
    await until(() => host.running === 1)
    const { ms } = await timed(() => inbox.close())
    expect(ms).toBeLessThan(RECOVERY_MS)
    expect(host.calls[0]!.signal.aborted).toBe(true)
    expect(host.alarms).toEqual([])
    finish()
    await until(() => host.noted.length === 1)
    expect(host.noted).toEqual([false])
    const next = await open()
    const nextHost = new Host(next)
    next.deliver(nextHost)
    const again = await timed(() => until(() => nextHost.noted.length === 1))
    expect(again.ms).toBeGreaterThan(LEASE_MS / 10)
    expect(nextHost.calls[0]).toMatchObject({ attempt: 2, event: { id: event.id } })
  })
})
