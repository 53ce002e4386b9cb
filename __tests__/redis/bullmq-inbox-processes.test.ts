/** The inbox on BullMQ in several processes, which die or stand still, and wake-ups that are lost. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InboxDelivery } from '../../lib/inbox/inbox'
import { body, closeInboxes, delivered, freshName, gate, Host, makeEvent, openInbox } from './bullmq-harness'
import { retry, until } from './bullmq-harness'
import type { WorkerReport } from './bullmq-worker'
import { startRedis, stopRedisServers, type RedisServer } from './redis-server'

jest.setTimeout(60_000)

let server: RedisServer
let queueName: string
const workers = new Set<ChildProcess>()

beforeAll(async () => {
  server = await startRedis()
})
beforeEach(() => {
  queueName = freshName()
})
afterEach(async () => {
  server.thaw()
  for (const worker of workers) worker.kill('SIGKILL')
  workers.clear()
  await closeInboxes()
})
afterAll(stopRedisServers)

async function open(options: Parameters<typeof openInbox>[1] = {}) {
  const inbox = openInbox(server, { queueName, ...options })
  await inbox.ready()
  return inbox
}

async function startWorker(): Promise<{ child: ChildProcess; reports: WorkerReport[] }> {
  const child = fork(join(__dirname, 'bullmq-worker.ts'), [String(server.port), queueName], {
    execArgv: ['--import', 'tsx'],
  })
  workers.add(child)
  const reports: WorkerReport[] = []
  child.on('message', (report: WorkerReport) => reports.push(report))
  await until(() => reports.some(({ what }) => what === 'ready'), 'the worker')
  return { child, reports }
}

describe('two processes', () => {
  it('share the work: never two of an entity at a time, in the order in which Redis took them', async () => {
    const entities = new Set<string>()
    const [one, two] = [await open(), await open()]
    const calls: InboxDelivery[] = []
    const failedOnce = new Set<string>()
    const handler = async (delivery: InboxDelivery) => {
      calls.push(delivery)
      await sleep(Math.random() * 5)
      if (calls.length % 7 !== 0 || failedOnce.has(delivery.event.id)) return delivered
      failedOnce.add(delivery.event.id)
      calls.splice(calls.indexOf(delivery), 1)
      return retry(Math.random() * 50)
    }
    const hosts = [new Host(one, handler, 8, entities), new Host(two, handler, 8, entities)]
    one.deliver(hosts[0]!)
    two.deliver(hosts[1]!)
    const order = new Map<string, string[]>()
    const senders = Array.from({ length: 20 }, async (_, n) => {
      for (let i = 0; i < 15; i++) {
        const event = makeEvent(`E${n}`)
        order.set(`E${n}`, [...(order.get(`E${n}`) ?? []), event.id])
        expect(await (i % 2 ? one : two).accept(event, body())).toBe('queued')
      }
    })
    await Promise.all(senders)
    await until(() => calls.length === 300 && hosts.every(({ running }) => running === 0))
    for (const [entity, ids] of order)
      expect(calls.filter(({ event }) => event.entity!.id === entity).map(({ event }) => event.id)).toEqual(ids)
    expect(hosts.map(({ overlaps }) => overlaps)).toEqual([0, 0])
    expect(failedOnce.size).toBeGreaterThan(0)
    for (const host of hosts) expect(host.calls.length).toBeGreaterThan(0)
    for (const host of hosts) expect(host.alarms).toEqual([])
    expect(await one.stats()).toMatchObject({ waiting: 0, running: 0, bytes: 0 })
  })

  it('are woken once too often, and still run one event at a time', async () => {
    const entities = new Set<string>()
    const { open: finish, opened } = gate()
    const inboxes = [await open(), await open()]
    const hosts = inboxes.map((inbox) => new Host(inbox, () => opened.then(() => delivered), 8, entities))
    hosts.forEach((host, n) => inboxes[n]!.deliver(host))
    const events = [makeEvent('A'), makeEvent('A')]
    for (const event of events) await inboxes[0]!.accept(event, body())
    const running = () => hosts[0]!.running + hosts[1]!.running
    await until(() => running() === 1)
    for (const inbox of [...inboxes, ...inboxes]) expect(await inbox.replay(events[1]!.id)).toBe(true)
    await sleep(500)
    expect(running()).toBe(1)
    expect(hosts.flatMap((host) => host.ids())).toEqual([events[0]!.id])
    finish()
    await until(() => hosts[0]!.noted.length + hosts[1]!.noted.length === 2)
    expect(hosts.map(({ overlaps }) => overlaps)).toEqual([0, 0])
  })

  it('one is killed, and the next one too: the third attempt arrives, and nothing is lost', async () => {
    const inbox = await open()
    const events = [makeEvent('A'), makeEvent('A'), makeEvent('B')]
    for (const event of events) await inbox.accept(event, body())
    for (const attempt of [1, 2]) {
      const { child, reports } = await startWorker()
      const called = (id: string) =>
        reports.some((report) => report.what === 'call' && report.id === id && report.attempt === attempt)
      await until(() => called(events[0]!.id) && called(events[2]!.id), `attempt ${attempt}`)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const host = new Host(inbox)
    inbox.deliver(host)
    await until(() => host.noted.length === 3)
    const attempts = Object.fromEntries(host.calls.map(({ event, attempt }) => [event.id, attempt]))
    expect(attempts).toEqual({ [events[0]!.id]: 3, [events[1]!.id]: 1, [events[2]!.id]: 3 })
    expect(host.ids().filter((id) => id !== events[2]!.id)).toEqual([events[0]!.id, events[1]!.id])
  })

  it('one stands still for longer than its lease: the other goes on, and the first one hears of it', async () => {
    const { child, reports } = await startWorker()
    const inbox = await open()
    const event = makeEvent('A')
    await inbox.accept(event, body())
    await until(() => reports.some(({ what }) => what === 'call'))
    child.kill('SIGSTOP')
    const { open: finish, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered))
    inbox.deliver(host)
    await until(() => host.running === 1)
    expect(host.calls[0]!.attempt).toBe(2)
    child.kill('SIGCONT')
    await until(() => reports.some(({ what }) => what === 'alarm'))
    child.send('settle')
    await until(() => reports.some(({ what }) => what === 'settled'))
    expect(reports.slice(2)).toEqual([
      { what: 'alarm', code: 'lease_lost' },
      { what: 'settled', noted: false, aborted: true },
    ])
    finish()
    await until(() => host.noted.length === 1)
    expect(host.noted).toEqual([true])
    expect(host.alarms).toEqual([])
  })

  it('one that closes its inbox ends by itself, with or without Redis', async () => {
    const inbox = await open()
    for (const dies of [false, true]) {
      const { child, reports } = await startWorker()
      await inbox.accept(makeEvent(String(dies)), body())
      await until(() => reports.some(({ what }) => what === 'call'))
      if (dies) {
        child.send('settle')
        await until(() => reports.some(({ what }) => what === 'settled'))
        await sleep(500) // BullMQ waits for the next job
        await server.kill()
        await sleep(500)
      }
      child.send('close')
      expect(await Promise.race([once(child, 'exit'), sleep(10_000, 'runs on', { ref: false })])).toEqual([0, null])
    }
    await server.restart()
  })

  it('one has lost its lease without knowing, and is told when it settles', async () => {
    const inbox = await open({ leaseMs: 60_000 })
    const { open: finish, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered))
    inbox.deliver(host)
    const event = makeEvent('A')
    await inbox.accept(event, body())
    await until(() => host.running === 1)
    const base = `{tradecloud-webhook}:${queueName}:store:`
    await server.command('HSET', `${base}event:${event.id}`, 'run', 'of another one')
    finish()
    await until(() => host.noted.length === 1)
    expect(host.noted).toEqual([false])
    expect(host.calls[0]!.signal.aborted).toBe(true)
    expect(host.alarms).toMatchObject([{ code: 'lease_lost' }])
    expect(await inbox.stats()).toMatchObject({ running: 1 })
  })

  it('a lease that ran out and was taken by nobody is no loss', async () => {
    const inbox = await open()
    const { open: finish, opened } = gate()
    const host = new Host(inbox, () => opened.then(() => delivered))
    inbox.deliver(host)
    await inbox.accept(makeEvent('A'), body())
    await until(() => host.running === 1)
    const lease = `{tradecloud-webhook}:${queueName}:store:lease:order:A`
    expect(await server.command('DEL', lease)).toBe(1)
    await until(async () => (await server.command('EXISTS', lease)) === 1, 'renewal')
    finish()
    await until(() => host.noted.length === 1)
    expect(host.noted).toEqual([true])
    expect(host.alarms).toEqual([])
  })
})

describe('wake-ups', () => {
  it('that were lost are made up for by the sweep', async () => {
    const inbox = await open()
    const host = new Host(inbox, ({ attempt }) => (attempt === 1 ? retry(1_500) : delivered))
    inbox.deliver(host)
    await inbox.accept(makeEvent('A'), body())
    await until(() => host.noted.length === 1)
    const jobs = async () => {
      const keys = (await server.command('KEYS', `{tradecloud-webhook}:${queueName}:*`)) as string[]
      return keys.filter((key) => !key.includes(':store:') && !/:(meta|id|events)$/.test(key))
    }
    await until(async () => (await jobs()).some((key) => key.endsWith(':delayed')))
    expect(await server.command('DEL', ...((await jobs()) as [string]))).toBeGreaterThan(0)
    await until(() => host.noted.length === 2)
    expect(host.calls[1]!.attempt).toBe(2)
  })

  it('are not needed where the sweep is slow: a retry wakes itself', async () => {
    const inbox = await open({ sweepIntervalMs: 3_600_000 })
    const host = new Host(inbox, ({ attempt, event }) =>
      attempt < 3 ? retry(event.entity!.id === 'E0' ? 1_200 : 100) : delivered,
    )
    inbox.deliver(host)
    await sleep(200) // after the sweep of the start
    for (let n = 0; n < 20; n++) await inbox.accept(makeEvent(`E${n < 2 ? 0 : 1 + (n % 2)}`), body())
    await until(() => host.noted.length === 60)
  })
})
