/** Which Redis the inbox on BullMQ takes, what it says of one that it does not take, and its options. */
import { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { bullmqInbox, type BullmqInboxOptions } from '../../lib/bullmq'
import { body, closeInboxes, freshName, gate, Host, makeEvent, openInbox, timed, until } from './bullmq-harness'
import { WaitaofProxy } from './bullmq-proxy'
import { startRedis, stopRedisServers, type RedisServer } from './redis-server'

jest.setTimeout(30_000)

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})
afterEach(async () => {
  await closeInboxes()
  const safe = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
  for (const [name, value] of Object.entries(safe)) await server.command('CONFIG', 'SET', name, value)
  await server.command('CONFIG', 'SET', 'no-appendfsync-on-rewrite', 'no')
})
afterAll(stopRedisServers)

const unavailable = (...texts: string[]) => ({
  name: 'TradecloudWebhookError',
  code: 'unavailable',
  message: expect.stringMatching(new RegExp(texts.join('.*'))),
})

describe('a Redis that may lose events', () => {
  it.each([
    ['appendonly', 'no', 'appendonly is no', 'CONFIG SET appendonly yes'],
    ['appendfsync', 'everysec', 'appendfsync is everysec', 'CONFIG SET appendfsync always', 'Redis 7.2'],
    ['appendfsync', 'no', 'appendfsync is no', 'CONFIG SET appendfsync always'],
    ['no-appendfsync-on-rewrite', 'yes', 'no-appendfsync-on-rewrite is yes', 'no-appendfsync-on-rewrite no'],
    ['maxmemory-policy', 'allkeys-lru', 'maxmemory-policy is allkeys-lru', 'CONFIG SET maxmemory-policy noeviction'],
  ])('is refused: %s %s', async (name, value, ...texts) => {
    await server.command('CONFIG', 'SET', name, value)
    const inbox = openInbox(server, { queueName: freshName() })
    await expect(inbox.ready()).rejects.toMatchObject(unavailable(...texts))
    await expect(inbox.ready()).rejects.toMatchObject(unavailable(...texts))
    await expect(inbox.accept(makeEvent('A'), body())).rejects.toMatchObject(unavailable(...texts))
    const host = new Host(inbox)
    inbox.deliver(host)
    await reconnect()
    await expect(inbox.ready()).rejects.toMatchObject(unavailable(...texts))
    expect(host.alarms).toMatchObject([unavailable(...texts)])

    const trusting = openInbox(server, { queueName: freshName(), trustPersistence: true })
    // Trust in what it keeps is none in what it throws away.
    if (name === 'maxmemory-policy') await expect(trusting.ready()).rejects.toMatchObject(unavailable(...texts))
    else expect(await trusting.accept(...(await accepted(trusting)))).toBe('queued')
  })

  it('is refused where CONFIG cannot be read, unless it is trusted', async () => {
    await server.command('ACL', 'SETUSER', 'app', 'on', '>pass', '~*', '&*', '+@all', '-config')
    const connection = `redis://app:pass@127.0.0.1:${server.port}`
    const inbox = openInbox(server, { connection, queueName: freshName() })
    await expect(inbox.ready()).rejects.toMatchObject(unavailable('CONFIG GET appendonly', 'trustPersistence'))
    await expect(inbox.accept(makeEvent('A'), body())).rejects.toMatchObject(unavailable('trustPersistence'))
    const trusting = openInbox(server, { connection, queueName: freshName(), trustPersistence: true })
    expect(await trusting.accept(...(await accepted(trusting)))).toBe('queued')
  })

  it('is taken once it is mended, and refused again when it is spoilt, with an alarm each time', async () => {
    await server.command('CONFIG', 'SET', 'appendfsync', 'everysec')
    const inbox = openInbox(server, { queueName: freshName() })
    const host = new Host(inbox)
    inbox.deliver(host)
    await expect(inbox.ready()).rejects.toThrow('everysec')
    await server.command('CONFIG', 'SET', 'appendfsync', 'always')
    await reconnect()
    await until(() =>
      inbox.ready().then(
        () => true,
        () => false,
      ),
    )
    expect(await inbox.accept(makeEvent('A'), body())).toBe('queued')
    await server.command('CONFIG', 'SET', 'appendfsync', 'everysec')
    await reconnect()
    await until(() => host.alarms.length === 2)
    await expect(inbox.accept(makeEvent('A'), body())).rejects.toThrow('everysec')
  })
})

describe('a Redis that is away at the start', () => {
  it('is waited for', async () => {
    const late = await startRedis()
    await late.kill()
    const inbox = openInbox(late)
    const ready = inbox.ready()
    await expect(inbox.accept(makeEvent('A'), body())).rejects.toMatchObject({ code: 'unavailable' })
    expect(await Promise.race([ready.then(() => 'ready'), sleep(700, 'pending')])).toBe('pending')
    const host = new Host(inbox)
    inbox.deliver(host)
    await late.restart()
    await ready
    await inbox.accept(makeEvent('A'), body())
    await until(() => host.noted.length === 1)
    await closeInboxes()
    await late.stop()
  })

  it('is not waited for by a closed inbox', async () => {
    const gone = await startRedis()
    await gone.kill()
    const inbox = openInbox(gone)
    const ready = inbox.ready()
    await inbox.close()
    await expect(ready).rejects.toMatchObject(unavailable('closed'))
    await expect(inbox.ready()).rejects.toMatchObject(unavailable('closed'))
    await expect(inbox.accept(makeEvent('A'), body())).rejects.toMatchObject(unavailable('closed'))
    await gone.stop()
  })
})

describe('a Redis that has WAITAOF', () => {
  let proxy: WaitaofProxy
  const openProxied = async () => {
    proxy = new WaitaofProxy(server.port)
    await server.command('CONFIG', 'SET', 'appendfsync', 'everysec')
    const inbox = openInbox(server, { connection: `redis://127.0.0.1:${await proxy.listen()}`, queueName: freshName() })
    await inbox.ready()
    return inbox
  }
  afterEach(() => proxy.close())

  it('has it called after the write, on the same connection, and is waited for', async () => {
    const inbox = await openProxied()
    const { open, opened } = gate()
    proxy.hold = opened
    const event = makeEvent('A')
    let safe = false
    const queued = inbox.accept(event, body()).finally(() => (safe = true))
    await until(async () => (await inbox.stats()).waiting === 1)
    // Its copy is no more on disk than itself.
    const duplicate = inbox.accept(event, body())
    await sleep(300)
    expect(safe).toBe(false)
    open()
    expect(await queued).toBe('queued')
    expect(await duplicate).toBe('duplicate')
    const waits = proxy.commands.filter(({ name, args }) => name === 'WAITAOF' && args[0] === '1')
    expect(waits.length).toBeGreaterThan(0)
    for (const { args } of waits) expect(args.slice(0, 2)).toEqual(['1', '0'])
    const { connection } = waits[0]!
    const names = proxy.commands.filter((command) => command.connection === connection).map(({ name }) => name)
    expect(names.slice(names.findIndex((name) => name.startsWith('EVAL'))).join(' ')).toMatch(
      /^(EVAL(SHA)? )+INCR WAITAOF/,
    )
  })

  it('comes after a script that Redis had forgotten and was sent once more', async () => {
    const inbox = await openProxied()
    await inbox.accept(makeEvent('A'), body())
    await server.command('SCRIPT', 'FLUSH')
    const before = proxy.commands.length
    proxy.scriptMs = 200
    expect(await inbox.accept(makeEvent('B'), body())).toBe('queued')
    const since = proxy.commands.slice(before)
    const { connection } = since.find(({ name, args }) => name === 'WAITAOF' && args[0] === '1')!
    const names = since.filter((command) => command.connection === connection).map(({ name }) => name)
    expect(names).toEqual(['EVALSHA', 'EVAL', 'INCR', 'WAITAOF'])
  })

  it('is given many events for one wait', async () => {
    const inbox = await openProxied()
    proxy.delayMs = 900
    const { ms } = await timed(() =>
      Promise.all(Array.from({ length: 200 }, (_, n) => inbox.accept(makeEvent(`E${n}`), body()))),
    )
    expect(ms).toBeLessThan(2_500)
    const waits = proxy.commands.filter(({ name, args }) => name === 'WAITAOF' && args[0] === '1')
    expect(waits.length).toBeLessThan(5)
    // One that comes while those wait does not have to wait for them first.
    const results: Promise<unknown>[] = []
    for (let n = 0; n < 60; n++) {
      results.push(timed(() => inbox.accept(makeEvent('X'), body())))
      await sleep(20)
    }
    for (const result of await Promise.all(results)) expect(result).toMatchObject({ value: 'queued', error: undefined })
  })

  it('answers no event that it did not write to its disk in time', async () => {
    const inbox = await openProxied()
    proxy.local = 0
    const event = makeEvent('A')
    await expect(inbox.accept(event, body())).rejects.toMatchObject(unavailable('disk'))
    await expect(inbox.accept(event, body())).rejects.toMatchObject(unavailable('disk'))
    proxy.local = 1
    expect(await inbox.accept(event, body())).toBe('duplicate')
    proxy.hold = new Promise(() => undefined)
    const { ms, error } = await timed(() => inbox.accept(makeEvent('A'), body()))
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(ms).toBeLessThan(2_500)
  })
})

describe('options', () => {
  const given = { connection: 'redis://127.0.0.1:1' }
  it.each([
    [undefined, 'options'],
    [{}, 'connection'],
    [{ connection: 'localhost:6379:secret' }, 'connection'],
    [{ connection: 7 }, 'connection'],
    [{ connection: { keyPrefix: 'x' } }, 'connection'],
    [{ connection: { isCluster: true, duplicate: String, defineCommand: String } }, 'connection'],
    [{ connection: { duplicate: String, sendCommand: String } }, 'connection'],
    [{ ...given, prefix: '{x}' }, 'prefix'],
    [{ ...given, prefix: '' }, 'prefix'],
    [{ ...given, queueName: 'a:b' }, 'queueName'],
    [{ ...given, trustPersistence: 'yes' }, 'trustPersistence'],
    [{ ...given, leaseMs: 10 }, 'leaseMs'],
    [{ ...given, sweepIntervalMs: 0 }, 'sweepIntervalMs'],
    [{ ...given, dedupeTtlMs: 1.5 }, 'dedupeTtlMs'],
    [{ ...given, maxBytes: -1 }, 'maxBytes'],
    [{ ...given, maxQuarantineBytes: '1' }, 'maxQuarantineBytes'],
    [{ ...given, lease: 1 }, 'lease'],
  ])('%#: a wrong one names itself', (options, name) => {
    const make = () => bullmqInbox(options as unknown as BullmqInboxOptions)
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(make).toThrow(`\`${name}\``)
    expect(make).not.toThrow('secret')
  })

  it('takes an instance of ioredis, and does not close it', async () => {
    const mine = new Redis({ port: server.port, lazyConnect: true })
    await mine.connect()
    const listeners = mine.listenerCount('error')
    const inbox = openInbox(server, { connection: mine, queueName: freshName() })
    const host = new Host(inbox)
    inbox.deliver(host)
    expect(await inbox.accept(...(await accepted(inbox)))).toBe('queued')
    await until(() => host.noted.length === 1)
    await inbox.close()
    expect(await mine.ping()).toBe('PONG')
    expect(mine.listenerCount('error')).toBe(listeners)
    mine.disconnect()
  })

  it('keeps inboxes with different names apart', async () => {
    const [one, other] = [freshName(), freshName()].map((queueName) => openInbox(server, { queueName }))
    const event = makeEvent('A')
    await Promise.all([one!.ready(), other!.ready()])
    expect(await one!.accept(event, body())).toBe('queued')
    expect(await other!.accept(event, body())).toBe('queued')
    expect(await one!.stats()).toMatchObject({ waiting: 1 })
  })
})

/** Breaks all connections. */
async function reconnect(): Promise<void> {
  await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await sleep(300)
}

/** Arguments for `accept` of an inbox that is ready. */
async function accepted(inbox: { ready(): Promise<void> }): Promise<[ReturnType<typeof makeEvent>, Buffer]> {
  await inbox.ready()
  return [makeEvent('A'), body()]
}
