/** Uploads that stall or are slow, and senders that disconnect. */
import { endAll } from '../faults/receiver-process'
import { encodeNumbered } from '../faults/numbered-event'
import { RawConnection } from '../integration/raw-http'
import type { App } from './app-process'
import { HELD } from './behaviour'
import { everywhere, startFront } from './front'
import { HOST } from './proxies'
import { openConnection, openTls, send, type SentRequest } from './sender'

afterEach(endAll)

const post = (order: string, more: Partial<SentRequest> = {}, bytes = 1_000_000): SentRequest => {
  const body = encodeNumbered({ event: order, order, turn: 0 }, bytes)
  return { method: 'POST', path: '/tradecloud/order', headers: { 'content-type': 'application/json' }, body, ...more }
}

/** For each ended call of the callback with this order: whether the event arrived complete. */
const arrived = (app: App, order: string): unknown[] =>
  app
    .noted('end')
    .filter(({ id }) => id === order)
    .map(({ intact }) => intact)

test('an upload that stalls is answered by the app: 503', async () => {
  const front = await startFront({
    webhook: { limits: { uploadIdleTimeoutMs: 300 } },
    // These proxies respond only after a time limit of their own.
    replacements: { apache: [['Timeout 60\n', 'Timeout 1\n']], caddy: [['read_body 270s', 'read_body 1s']] },
  })
  const answers = await front.each(({ proxy, protocol, tag }) =>
    Promise.all(
      [0, 1, 500_000, 1_000_000].flatMap((stallsAfter) =>
        [false, true].map(async (chunked) => {
          const id = `stalls-${stallsAfter}-${chunked}-${tag}`
          const { status, json } = await send(proxy, protocol, post(id, { stallsAfter, chunked }))
          return proxy.name === 'apache' ? [status] : [status, json?.code]
        }),
      ),
    ),
  )
  const eight = <T>(value: T): T[] => Array.from({ length: 8 }, () => value)
  expect(answers).toEqual({ ...everywhere(eight([503, 'unavailable'])), 'apache HTTP/1.1': eight([503]) })
  expect(front.app.noted('begin')).toEqual([])
})

test('headers that stall, as docs/proxies.md says', async () => {
  const front = await startFront({
    replacements: {
      nginx: [['client_max_body_size 128m;', 'client_max_body_size 128m; client_header_timeout 1s;']],
      haproxy: [['timeout http-request 30s', 'timeout http-request 1s']],
      apache: [['header=20-40,minrate=500', 'header=1']],
      caddy: [['read_body 270s', 'read_body 1s']],
    },
  })
  const statuses = await front.each(async ({ proxy }) => {
    const connection = new RawConnection(openTls(proxy, ['http/1.1']))
    const answered = connection.answer({ timeoutMs: 60_000 })
    connection.write(`POST /tradecloud/order HTTP/1.1\r\nHost: ${HOST}\r\nAuth`)
    return answered.then(
      ({ status }) => status,
      () => 'closed',
    )
  })
  const caddy = { 'caddy HTTP/1.1': 400, 'caddy HTTP/2': 400 }
  expect(statuses).toEqual({ ...everywhere('closed'), 'apache HTTP/1.1': 503, ...caddy })
})

test('an upload may take longer than all time limits of the proxy together, as long as it does not stall', async () => {
  const front = await startFront({
    replacements: {
      nginx: [
        ['proxy_read_timeout 60s', 'proxy_read_timeout 5s'],
        ['proxy_send_timeout 60s', 'proxy_send_timeout 5s'],
      ],
      haproxy: [
        ['timeout client 60s', 'timeout client 5s'],
        ['timeout server 60s', 'timeout server 5s'],
        ['timeout http-request 30s', 'timeout http-request 5s'],
      ],
      apache: [
        ['Timeout 60\n', 'Timeout 5\n'],
        ['connectiontimeout=5 timeout=60', 'connectiontimeout=5 timeout=5'],
      ],
      caddy: [['response_header_timeout 60s', 'response_header_timeout 5s']],
    },
  })
  const fast = { bytes: 1_000_000, slowly: { pieces: 150, everyMs: 100 } }
  // Slower than Apache's default minimum rate.
  const slow = { bytes: 500, slowly: { pieces: 35, everyMs: 500 } }
  const delivered = await front.each(({ proxy, protocol, tag }) =>
    Promise.all(
      [fast, slow].map(async ({ bytes, slowly }) => {
        const id = `slow-${bytes}-${tag}`
        const { status } = await send(proxy, protocol, post(id, { slowly }, bytes))
        return [status, ...arrived(front.app, id)]
      }),
    ),
  )
  expect(delivered).toEqual(
    everywhere([
      [200, true],
      [200, true],
    ]),
  )
})

test('a sender that disconnects', async () => {
  const front = await startFront()
  const { app } = front
  const statuses = await front.each(async ({ proxy, protocol, tag }) => {
    // Disconnects during the upload.
    const first = openConnection(proxy, protocol)
    const before = app.noted('headers').length
    void first.send(post(`cut-${tag}`, { stallsAfter: 500_000 }))
    await app.until(() => app.noted('headers').length > before)
    first.destroy()
    // Disconnects while the callback runs.
    const second = openConnection(proxy, protocol)
    void second.send({ path: `/tradecloud/order/${HELD}-${tag}` })
    await app.until((note) => note.what === 'begin' && note.id === `${HELD}-${tag}`)
    second.destroy()
    const { status } = await send(proxy, protocol, post(`cut-${tag}`))
    return [status, ...arrived(app, `cut-${tag}`)]
  })
  expect(statuses).toEqual(everywhere([200, true]))
})
