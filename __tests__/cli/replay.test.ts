/** `replay`: beside a server that runs, and on a folder that none owns for now. */
import { randomUUID } from 'node:crypto'
import { chownSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createTradecloudWebhook, RejectEvent, type WebhookContext } from 'tradecloud-webhook'
import { fileInbox } from '../../lib/inbox/file'
import { FolderLock } from '../../lib/inbox/file/lock'
import { cli, closeAll, entriesOf, filesIn, fill, newFolder, onTerminal, put, serve, until } from './inbox-folder'

afterEach(closeAll)
const requestsIn = (directory: string): string[] => readdirSync(join(directory, 'requests'))

test('has the webhook that runs deliver an event again, with context.replay', async () => {
  const directory = newFolder()
  const contexts: WebhookContext[] = []
  const webhook = createTradecloudWebhook({
    auth: { type: 'basic', username: 'tradecloud', password: 'secret' },
    inbox: fileInbox({ directory }),
    logger: { warn: () => undefined, error: () => undefined },
    onOrder: (_event, context) => {
      contexts.push(context)
      if (contexts.length === 1) throw new RejectEvent('not now')
    },
  })
  const server = createServer((req, res) => webhook.listener(req, res))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/order`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('tradecloud:secret')}`, 'content-type': 'application/json' },
      body: '{"eventName":"OrderLinesAcceptedBySupplier","orderEvent":{"id":"1"},"messageId":"m"}',
    })
    expect(answer.status).toBe(202)
    await until(() => readdirSync(join(directory, 'dead'), { recursive: true }).length === 2)
    const [entry] = (await cli(['inbox', directory, 'list', '--json'])).out.split('\n')
    const { code, out, err } = await cli(['inbox', directory, 'replay', JSON.parse(entry!).id])
    expect({ code, out, err }).toEqual({
      code: 0,
      out: 'Queued 1 event.\nDelivered 1, failed again 0, still waiting 0.\n',
      err: '',
    })
    expect(contexts.map(({ replay, attempt }) => ({ replay, attempt }))).toEqual([
      { replay: false, attempt: 1 },
      { replay: true, attempt: 1 },
    ])
    expect(contexts[1]!.deliveryId).toBe(contexts[0]!.deliveryId)
    expect(requestsIn(directory)).toEqual([])
  } finally {
    await webhook.close()
    server.close()
    server.closeAllConnections()
  }
})

test('tells what was delivered and what failed again, of those alone that match', async () => {
  const directory = newFolder()
  const results = { fine: 'delivered', worse: 'dead', later: 'retry', other: 'delivered' }
  await fill(directory, 'dead', 4, (i) => ({
    eventName: i === 3 ? 'OtherEvent' : 'ThisEvent',
    entity: { kind: 'order', id: Object.keys(results)[i]! },
  }))
  const server = await serve(directory, ({ event }) => {
    const result = results[event.entity!.id as keyof typeof results] as 'delivered' | 'dead' | 'retry'
    return { result, delayMs: 600_000, reason: 'handler_failed: again' }
  })
  const { code, out, err } = await cli(['inbox', directory, 'replay', '--all', '--event-name', 'ThisEvent'])
  expect({ code, out, err }).toEqual({
    code: 0,
    out: 'Queued 3 events.\nDelivered 1, failed again 2, still waiting 0.\n',
    err: '',
  })
  expect(server.deliveries.map(({ event, replay }) => [event.entity!.id, replay])).toEqual([
    ['fine', true],
    ['worse', true],
    ['later', true],
  ])
  // The one that waits for its retry is tried at once; whoever does not wait is not told.
  const woken = await cli(['inbox', directory, 'replay', '--all', '--state', 'waiting', '--no-wait'])
  expect(woken).toMatchObject({ code: 0, out: 'Queued 1 event.\n', err: '' })
  await until(() => server.deliveries.length === 4)
  expect(server.deliveries[3]).toMatchObject({ attempt: 2, replay: true, event: { entity: { id: 'later' } } })
  expect((await entriesOf(server, { state: 'dead' })).map(({ entity }) => entity?.id)).toEqual(['other', 'worse'])
})

test('queues 450 events beside a server, in their order, and tells how far it is', async () => {
  const directory = newFolder()
  const ids = await fill(directory, 'dead', 450)
  const server = await serve(directory, () => ({ result: 'delivered' }))
  const { code, out, err } = await cli(['inbox', directory, 'replay', '--all'])
  expect({ code, out }).toEqual({
    code: 0,
    out: 'Queued 450 events.\nDelivered 450, failed again 0, still waiting 0.\n',
  })
  expect(err).toMatch(/^(Queued \d00 of 450\n)?/)
  expect(err.split('\n').length).toBeLessThan(6)
  expect(server.deliveries.map(({ event }) => event.id)).toEqual(ids)
  expect(requestsIn(directory)).toEqual([])
})

test('rewrites one line on a terminal, and takes it away in the end', async () => {
  const directory = newFolder()
  await fill(directory, 'dead', 250, (i) => ({ entity: { kind: 'order', id: String(i) } }))
  await serve(directory, () => ({ result: 'delivered' }))
  const { code, out } = await onTerminal(['inbox', directory, 'replay', '--all'])
  expect(code).toBe(0)
  expect(out).toMatch(/\rQueued \d00 of 250 +\r/)
  expect(out).toMatch(/\r\u001b\[KQueued 250 events\.\r\n/)
  expect(out).toMatch(/Delivered 250, failed again 0, still waiting 0\.\r\n$/)
})

test('queues without a server for its next start, and leaves the folder free', async () => {
  const directory = newFolder()
  const dead = await fill(directory, 'dead', 3)
  const [quarantined] = await fill(directory, 'quarantine', 1, () => ({
    quarantine: { code: 'invalid_body', reason: 'no' },
    entity: undefined,
  }))
  const said = (events: string): string =>
    `Queued ${events}. No server runs on this folder: they are delivered when it starts.\n`
  const two = await cli(['inbox', directory, 'replay', dead[2]!, quarantined!, quarantined!])
  expect(two).toMatchObject({ code: 0, out: said('2 events'), err: '' })
  const rest = await cli(['inbox', directory, 'replay', '--all'])
  expect(rest).toMatchObject({ code: 0, out: said('2 events'), err: '' })
  const none = await cli(['inbox', directory, 'replay', '--all'])
  expect(none).toMatchObject({ code: 0, out: 'Nothing to replay.\n', err: '' })
  expect(filesIn(directory).filter((name) => !name.startsWith('waiting'))).toEqual([])
  const server = await serve(directory, () => ({ result: 'delivered' }))
  await until(() => server.deliveries.length === 4)
  expect(server.deliveries.every(({ replay }) => replay)).toBe(true)
  const order = server.deliveries.map(({ event }) => event.id).filter((id) => id !== quarantined)
  expect(order).toEqual([dead[2], dead[0], dead[1]])
})

test('queues nothing where one ID is not there, and is no success where one runs just now', async () => {
  const directory = newFolder()
  const dead = await fill(directory, 'dead', 1, () => ({ entity: undefined }))
  const server = await serve(directory, ({ event }) => (event.id === dead[0] ? { result: 'delivered' } : undefined))
  const running = await put(server)
  await until(() => server.deliveries.length === 1)
  const missing = randomUUID()
  const refused = await cli(['inbox', directory, 'replay', dead[0]!, missing])
  expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`no event ${missing}`) })
  expect(server.deliveries).toHaveLength(1)
  const partly = await cli(['inbox', directory, 'replay', dead[0]!, running])
  expect(partly).toMatchObject({
    code: 1,
    out: 'Queued 1 of 2 events.\nDelivered 1, failed again 0, still waiting 0.\n',
    err: expect.stringContaining('1 not queued'),
  })
})

test('does not wait for ever: neither for an owner that does nothing, nor for a callback', async () => {
  const stuck = newFolder()
  const busy = newFolder()
  const [id] = await fill(stuck, 'dead', 1)
  await fill(busy, 'dead', 2, (i) => ({ entity: { kind: 'order', id: `o${i}` } }))
  const lock = new FolderLock(stuck)
  await serve(busy, ({ event }) => (event.entity?.id === 'o0' ? undefined : { result: 'delivered' }))
  const startedAt = Date.now()
  const [asked, waited] = await Promise.all([
    cli(['inbox', stuck, 'replay', id!]),
    cli(['inbox', busy, 'replay', '--all']),
  ])
  lock.release()
  expect(Date.now() - startedAt).toBeGreaterThan(14_000)
  expect(asked).toMatchObject({ code: 1, out: '', err: expect.stringContaining('within 15 s') })
  expect(requestsIn(stuck)).toEqual([])
  expect(waited).toMatchObject({
    code: 0,
    out: 'Queued 2 events.\nDelivered 1, failed again 0, still waiting 1.\n',
  })
})

const isRoot = process.getuid?.() === 0
;(isRoot ? test : test.skip)('writes nothing into the folder of another user, but reads it', async () => {
  const directory = newFolder()
  const [id] = await fill(directory, 'dead', 1)
  chownSync(directory, 12_345, 12_345)
  const [refused, purged, listed] = await Promise.all([
    cli(['inbox', directory, 'replay', id!]),
    cli(['inbox', directory, 'purge', '--state', 'dead', '--yes']),
    cli(['inbox', directory, 'list', '--json']),
  ])
  for (const { code, out, err } of [refused, purged])
    expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringContaining('user 12345') })
  expect(JSON.parse(listed.out)).toMatchObject({ id, state: 'dead' })
})
