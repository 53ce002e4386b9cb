/** The app is restarted, killed, frozen or not running: Tradecloud sends undelivered events again, and loses none. */
import { endAll } from '../faults/receiver-process'
import { encodeNumbered } from '../faults/numbered-event'
import { pause } from '../integration/harness'
import { HELD } from './behaviour'
import { comesAgain, everywhere, startFront, type Way } from './front'
import { openConnection, send, type SentRequest } from './sender'
import { isFull } from '../size'

afterEach(endAll)

const MB = 1_000_000
const post = (id: string, bytes?: number): SentRequest => {
  const body = encodeNumbered({ event: id, order: id, turn: 0 }, bytes)
  return { method: 'POST', path: '/tradecloud/order', headers: { 'content-type': 'application/json' }, body }
}

type Status = number | 'broken'

/** The responses after which Tradecloud might not send an undelivered event again. */
const lost = (statuses: Status[]): Status[] => statuses.filter((status) => status !== 200 && !comesAgain(status))

/**
 * Like `lost`, for requests during which the app closes the connection. HAProxy then closes the connection without a
 * response, and Caddy closes it so soon that its response may be lost. See docs/proxies.md.
 */
const lostOnTheWay = ({ proxy }: Way, statuses: Status[]): Status[] =>
  lost(statuses).filter((status) => !(status === 'broken' && ['haproxy', 'caddy'].includes(proxy.name)))

test('restarts and kill -9 under load', async () => {
  const front = await startFront()
  const { app } = front
  const load = { stopped: false, accepted: 0 }
  const sent = front.each(async (way) => {
    const workers = Array.from({ length: 3 }, (_, worker) => sendUntilStopped(way, worker, load))
    return { way, events: (await Promise.all(workers)).flat() }
  })
  for (let round = 0; round < (isFull ? 40 : 4); round++) {
    for (const goal = load.accepted + (isFull ? 200 : 50); load.accepted < goal;) await pause(10)
    await app.stop(round % 2 ? 'SIGKILL' : 'SIGTERM')
    await pause(50)
    await app.start()
  }
  load.stopped = true
  const found = Object.entries(await sent)
  const ended = app.noted('end')
  const arrived = new Set(ended.filter(({ intact }) => intact).map(({ id }) => id))
  const failures = found.map(([name, { way, events }]) => {
    const missing = events.filter(({ id }) => !arrived.has(id))
    const refused = events.filter(({ statuses }) => lostOnTheWay(way, statuses).length > 0)
    const outages = events.filter(({ statuses }) => statuses.length > 1).length
    return [name, { missing, refused, met: outages > 0 ? 'an outage' : 'none' }]
  })
  expect(Object.fromEntries(failures)).toEqual(everywhere({ missing: [], refused: [], met: 'an outage' }))
  expect(ended.filter(({ intact }) => !intact)).toEqual([])
})

interface Sent {
  id: string
  statuses: Status[]
}

/** Sends events one by one, each until it is accepted. Once the load has stopped, no further event is begun. */
async function sendUntilStopped(
  { proxy, protocol, tag }: Way,
  worker: number,
  load: { stopped: boolean; accepted: number },
): Promise<Sent[]> {
  const all: Sent[] = []
  const bytes = [8 * 1024, 200_000, 8 * 1024, 2 * MB]
  const connection = openConnection(proxy, protocol)
  while (!load.stopped) {
    const id = `load-${tag}-${worker}-${all.length}`
    const event: Sent = { id, statuses: [] }
    all.push(event)
    while (event.statuses.at(-1) !== 200) {
      if (event.statuses.length > 0) await pause(20)
      const { status } = await connection.send(post(id, bytes[all.length % bytes.length]))
      event.statuses.push(status)
    }
    load.accepted++
  }
  connection.destroy()
  return all
}

test('kill -9 while the callback runs and during an upload', async () => {
  const front = await startFront()
  const { app } = front
  const statuses = front.each((way) => {
    const { proxy, protocol, tag } = way
    return Promise.all([
      send(proxy, protocol, { path: `/tradecloud/order/${HELD}-${tag}` }),
      send(proxy, protocol, post(`${HELD}-body-${tag}`)),
      send(proxy, protocol, {
        ...post(`cut-${tag}`, MB),
        // The upload would take 10 s, but the app is killed during it.
        slowly: { pieces: 200, everyMs: 50 },
        headers: { 'x-cut': tag },
      }),
    ]).then((answers) =>
      lostOnTheWay(
        way,
        answers.map(({ status }) => status),
      ),
    )
  })
  const ways = Object.keys(everywhere(0)).length
  const held = (): number => app.noted('begin').filter(({ id }) => id.startsWith(HELD)).length
  const uploading = (): number => app.noted('headers').filter(({ headers }) => headers['x-cut']).length
  await app.until(() => held() >= 2 * ways && uploading() >= ways)
  await app.stop('SIGKILL')
  expect(await statuses).toEqual(everywhere([]))
})

test('an app that is not there', async () => {
  const front = await startFront()
  await front.app.stop('SIGTERM')
  const statuses = await front.each(async (way) => {
    const { proxy, protocol, tag } = way
    const answers = await Promise.all([
      send(proxy, protocol, { path: '/tradecloud/order/1' }),
      send(proxy, protocol, post(`small-${tag}`)),
      send(proxy, protocol, post(`large-${tag}`, 40 * MB)),
    ])
    return lostOnTheWay(
      way,
      answers.map(({ status }) => status),
    )
  })
  expect(statuses).toEqual(everywhere([]))
})

test('an app that hangs', async () => {
  const front = await startFront({
    replacements: {
      nginx: [
        ['proxy_read_timeout 60s', 'proxy_read_timeout 1s'],
        ['proxy_send_timeout 60s', 'proxy_send_timeout 1s'],
      ],
      haproxy: [['timeout server 60s', 'timeout server 1s']],
      apache: [
        ['Timeout 60\n', 'Timeout 1\n'],
        ['connectiontimeout=5 timeout=60', 'connectiontimeout=1 timeout=1'],
      ],
      caddy: [
        ['response_header_timeout 60s', 'response_header_timeout 1s'],
        ['write_timeout 270s', 'write_timeout 1s'],
      ],
    },
  })
  await front.app.freeze()
  const statuses = await front.each(async (way) => {
    const { proxy, protocol, tag } = way
    const answers = await Promise.all([
      send(proxy, protocol, { path: `/tradecloud/order/hangs-${tag}` }),
      send(proxy, protocol, post(`small-${tag}`)),
      send(proxy, protocol, post(`large-${tag}`, 40 * MB)),
    ])
    return lostOnTheWay(
      way,
      answers.map(({ status }) => status),
    )
  })
  expect(statuses).toEqual(everywhere([]))
})
