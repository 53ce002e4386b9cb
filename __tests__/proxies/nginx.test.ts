/**
 * Requests fail in nginx: the disk is full, nginx has no connection or file descriptor left, or a body is above the
 * limit. With the file in examples/proxies, nginx then responds 503. By default, nginx would respond 500 or 413, and
 * Tradecloud would give up.
 */
import { mkdirSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { fillDisk, mountMemory } from '../faults/mounts'
import { endAll } from '../faults/receiver-process'
import { startApp } from './app-process'
import { HELD } from './behaviour'
import { startProxy, type Protocol, type Replacement } from './proxies'
import { openConnection, send, type Answer, type SentRequest } from './sender'

afterEach(endAll)

const PROTOCOLS: Protocol[] = ['HTTP/1.1', 'HTTP/2']
const large: SentRequest = {
  method: 'POST',
  path: '/tradecloud/order',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ orderEvent: { orderId: 'large', filling: 'x'.repeat(3_000_000) } })),
}
const later = { status: 503, headers: expect.objectContaining({ 'retry-after': '5' }) }

test.each(PROTOCOLS)('no disk space, also where bodies are buffered, %s', async (protocol) => {
  const app = await startApp()
  const { folder } = await mountMemory(1)
  const bodies = join(folder, 'bodies')
  mkdirSync(bodies)
  chmodSync(folder, 0o755)
  const place: Replacement = [
    'client_max_body_size 128m;',
    `client_max_body_size 128m; client_body_temp_path ${bodies};`,
  ]
  const unbuffered = await startProxy('nginx', app.port, [place])
  const buffered = await startProxy('nginx', app.port, [
    place,
    ['proxy_request_buffering off', 'proxy_request_buffering on'],
  ])
  fillDisk(folder)
  expect(await send(unbuffered, protocol, large)).toMatchObject({ status: 200 })
  expect(await send(buffered, protocol, large)).toMatchObject(later)
  expect(buffered.log()).toContain('No space left on device')
})

test.each(PROTOCOLS)('a body above the limit, %s', async (protocol) => {
  const app = await startApp()
  const proxy = await startProxy('nginx', app.port, [['client_max_body_size 128m', 'client_max_body_size 1m']])
  expect(await send(proxy, protocol, large)).toMatchObject(later)
  expect(await send(proxy, protocol, { ...large, chunked: true })).toMatchObject(later)
})

test.each([
  ['connections', 'worker_connections 4096', 'worker_connections 32', 'worker_connections are not enough'],
  ['file descriptors', 'worker_rlimit_nofile 16384', 'worker_rlimit_nofile 40', 'Too many open files'],
])('no free %s', async (_title, value, small, logged) => {
  const app = await startApp()
  const one: Replacement = ['worker_processes auto', 'worker_processes 1']
  const proxy = await startProxy('nginx', app.port, [one, [value, small]])
  const [held, answers] = [openConnection(proxy, 'HTTP/2'), [] as Answer[]]
  // Each request holds a connection to the app, until there are none left.
  for (let number = 0; number < 60; number++)
    void held.send({ path: `/tradecloud/order/${HELD}-${number}` }).then((answer) => answers.push(answer))
  while (answers.length < 20) await new Promise((resolve) => setTimeout(resolve, 10))
  for (const answer of answers) expect(answer).toMatchObject(later)
  expect(proxy.log()).toContain(logged)
})
