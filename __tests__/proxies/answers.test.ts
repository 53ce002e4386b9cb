/** Responses of the app reach Tradecloud unchanged, and requests of Tradecloud reach the app unchanged. */
import { endAll } from '../faults/receiver-process'
import { encodeRequest, RawConnection } from '../integration/raw-http'
import { FAILING, REJECTED } from './behaviour'
import { everywhere, startFront, type Front } from './front'
import { HOST } from './proxies'

import { authorization, openConnection, openTls, send, type Answer, type SentRequest } from './sender'

let front: Front
beforeAll(async () => {
  front = await startFront({ webhook: { allow: ['127.0.0.2'] } })
})
afterAll(endAll)

const json = { 'content-type': 'application/json' }
const post = (text: string, headers: Record<string, string> = json): SentRequest => {
  return { method: 'POST', path: '/tradecloud/order', headers, body: Buffer.from(text) }
}

const event = post('{"eventName":"OrderIssuedByBuyer","orderEvent":{"orderId":"1","lines":[]}}')
const wrongPassword = { ...event, headers: { authorization: 'Bearer wrong' } }

const REQUESTS: Record<string, SentRequest> = {
  'is delivered': event,
  'has no credentials': { ...event, headers: { authorization: '' } },
  'has wrong credentials': wrongPassword,
  'is not JSON': post('{'),
  'holds no event': post('{}'),
  'is plain text': post('order', { 'content-type': 'text/plain' }),
  'is empty': { method: 'POST', path: '/tradecloud/order', body: Buffer.alloc(0) },
  'is rejected by the callback': { path: `/tradecloud/order/${REJECTED}` },
  'meets a callback that fails': { path: `/tradecloud/order/${FAILING}` },
  'has another method': { method: 'DELETE', path: '/tradecloud/order/1' },
  'has an ID that is too long': { path: `/tradecloud/order/${'x'.repeat(5000)}` },
  'is for a path of the app that is not there': { path: '/health' },
}

/** Headers that belong to the connection or to a proxy, or that differ between two requests. */
const OTHER_HEADERS = ['date', 'server', 'via', 'connection', 'keep-alive']

function comparable({ status, headers, text, json }: Pick<Answer, 'status' | 'headers' | 'text' | 'json'>): unknown {
  const kept = Object.entries(headers).filter(([name]) => !OTHER_HEADERS.includes(name))
  const body = json ? { ...json, requestId: undefined, deliveryId: typeof json.deliveryId } : text
  return { status, headers: Object.fromEntries(kept), body }
}

/** Sends a request without a proxy, with the `X-Forwarded-For` that a proxy would set. */
async function sendDirectly({ headers = {}, ...request }: SentRequest): Promise<Answer> {
  const connection = new RawConnection(front.app.port)
  const { authorization: given = authorization, ...others } = headers
  const all = { ...(given && { authorization: given }), ...others, 'x-forwarded-for': '127.0.0.2' }
  const answered = connection.answer()
  connection.write(encodeRequest({ ...request, headers: all }).whole)
  return answered.finally(() => connection.destroy())
}

test.each(Object.entries(REQUESTS))('a request that %s', async (_title, request) => {
  const expected = comparable(await sendDirectly(request))
  const answers = await front.each(async ({ proxy, protocol }) =>
    comparable(await send(proxy, protocol, request, { from: '127.0.0.2' })),
  )
  expect(answers).toEqual(everywhere(expected))
})

test('the address of the sender, which a header of its own cannot change', async () => {
  const path = (tag: string): string => `/tradecloud/order/address-${tag}`
  const headers = { 'x-forwarded-for': '127.0.0.2' }
  const statuses = await front.each(async ({ proxy, protocol, tag }) => {
    const answers = [
      await send(proxy, protocol, { path: path(tag), headers }, { from: '127.0.0.3' }),
      await send(proxy, protocol, { path: path(tag), headers }, { from: '127.0.0.2' }),
    ]
    return answers.map(({ status, json }) => [status, json.code ?? json.outcome])
  })
  expect(statuses).toEqual(
    everywhere([
      [503, 'address_not_allowed'],
      [200, 'delivered'],
    ]),
  )
})

test('headers', async () => {
  const headers = { ...json, 'x-empty': '', 'user-agent': 'Tradecloud' }
  const got = await front.each(async ({ proxy, protocol, tag }) => {
    await send(proxy, protocol, { ...event, headers: { ...headers, 'x-tag': tag } }, { from: '127.0.0.2' })
    const [note] = front.app.noted('headers').filter((one) => one.headers['x-tag'] === tag)
    return note?.headers
  })
  expect(got).toEqual(
    everywhere(
      expect.objectContaining({ ...headers, authorization, host: HOST, 'content-length': String(event.body?.length) }),
    ),
  )
})

test('no 2xx from the proxy itself, whichever name the request asks for', async () => {
  const answers = await front.each(async ({ proxy, protocol, tag }) => {
    const path = `/tradecloud/order/other-name-${tag}`
    const { status } = await send(proxy, protocol, { path }, { from: '127.0.0.2', host: 'other.example' })
    return [status, front.app.noted('end').filter(({ id }) => path === `/tradecloud/order/${id}`).length]
  })
  const [passedOn, refused] = [
    [200, 1],
    [503, 0],
  ]
  expect(answers).toEqual({ ...everywhere(passedOn), 'caddy HTTP/1.1': refused, 'caddy HTTP/2': refused })
})

test('Expect: 100-continue', async () => {
  const answers = await front.each(async ({ proxy, protocol }) => {
    const request = { ...event, headers: { ...json, expect: '100-continue' } }
    const { status, interim } = await send(proxy, protocol, request, { from: '127.0.0.2' })
    return { status, interim: interim.filter((one) => one !== 100) }
  })
  expect(answers).toEqual(everywhere({ status: 200, interim: [] }))
})

test('each request comes on a connection of its own: none that the app is closing', async () => {
  const before = { headers: front.app.noted('headers').length, connections: front.app.noted('connection').length }
  await front.each(async ({ proxy, protocol, tag }) => {
    const connection = openConnection(proxy, protocol, { from: '127.0.0.2' })
    for (let number = 0; number < 5; number++) await connection.send({ path: `/tradecloud/order/${number}-${tag}` })
  })
  const requests = front.app.noted('headers').length - before.headers
  expect(requests).toBe(Object.keys(everywhere(0)).length * 5)
  expect(front.app.noted('connection').length - before.connections).toBe(requests)
})

test('a refusal, which closes the connection to the app, does not touch other requests of an HTTP/2 connection', async () => {
  const answers = await front.each(async ({ proxy, protocol, tag }) => {
    if (protocol !== 'HTTP/2') return undefined
    const connection = openConnection(proxy, protocol, { from: '127.0.0.2' })
    const requests = Array.from({ length: 20 }, (_, number) =>
      connection.send(number % 2 ? wrongPassword : { path: `/tradecloud/order/${number}-multiplexed-${tag}` }),
    )
    return (await Promise.all(requests)).map(({ status }) => status)
  })
  for (const statuses of Object.values(answers).filter((one) => one !== undefined))
    expect(statuses).toEqual(Array.from({ length: 20 }, (_, number) => (number % 2 ? 401 : 200)))
})

test('HTTP/2 is offered where it is safe', async () => {
  const chosen = await front.each(async ({ proxy }) => {
    const socket = openTls(proxy, ['h2', 'http/1.1'])
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    socket.destroy()
    return socket.alpnProtocol
  })
  expect(chosen).toEqual({ ...everywhere('h2'), 'haproxy HTTP/1.1': 'http/1.1', 'apache HTTP/1.1': 'http/1.1' })
})
