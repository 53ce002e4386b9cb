/** The disk of the PostgreSQL server is full: events are refused with the cause, and nothing is lost. */
import { mountMemory, fillDisk } from '../faults/mounts'
import { endAll } from '../faults/receiver-process'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { until } from '../wait'
import { eventOf } from './numbered-event'
import { attach, closeInboxes, newSchema, open, poolOf, takeOne } from './postgres-inboxes'

const BODY_BYTES = 200_000

afterEach(closeInboxes)
afterAll(async () => {
  await stopPostgresServers()
  await endAll()
})

test('the disk of the server is full: refused and reported with the cause, and accepted once there is room', async () => {
  const mount = await mountMemory(256)
  const server = await startPostgres({ max_wal_size: '64MB', min_wal_size: '32MB' }, mount.folder)
  const inbox = open({ pool: poolOf(server.connectionString), schema: newSchema() })
  await inbox.ready()
  const { alarms } = attach(inbox)
  const accept = (number: number) => inbox.accept(...eventOf({ number, entity: `order-${number}` }, BODY_BYTES))
  const accepted: number[] = []
  const refusals: string[] = []
  const filling = fillDisk(mount.folder)
  for (let number = 1; refusals.length < 3 && number < 500; number++)
    await accept(number).then(
      () => accepted.push(number),
      (error: unknown) => refusals.push(String(error)),
    )
  expect(refusals).toHaveLength(3)
  // The server's own log may not fit on the disk either, and the server then ends.
  const cause = new RegExp(`No space left on device|PostgreSQL at 127.0.0.1:${server.port}`)
  for (const text of refusals) expect(text).toMatch(cause)
  await until(() => alarms.length > 0, 'an alarm')
  expect(alarms[0]).toMatch(cause)
  filling.release()
  // Starts the server again if it has ended, as a service manager does.
  if (!(await server.query('SELECT 1').then(Boolean, () => false))) await server.restart()
  for (const number of [100_001, 100_002]) {
    await until(() => accept(number).then(Boolean, () => false), 'the inbox to work again')
    accepted.push(number)
  }
  const delivered: number[] = []
  while (delivered.length < accepted.length) {
    const delivery = await takeOne(inbox)
    expect(await inbox.settle(delivery, { result: 'delivered' })).toBe(true)
    const number = Number(delivery.event.requestId)
    // A refused event may have been stored, because the response to its commit may be lost.
    if (accepted.includes(number)) delivered.push(number)
  }
  expect(delivered.toSorted((a, b) => a - b)).toEqual(accepted)
})
