/**
 * Once the request for an ID was sent, later calls for the same ID do not get its response, because the response may be
 * older than these calls. All these calls share the next fetch.
 */
import { errorOf, setUp, status, until, withoutJitter, type Script } from './fake-api'

const { api, client } = setUp()

/** Holds back the next responses for orders. Each has the `state` at the time of its request. `go` sends the oldest. */
function held(count: number): { state: number; go: () => void } {
  const waiting: Array<() => void> = []
  const control = { state: 0, go: () => waiting.shift()?.() }
  const script: Script = (_req, res) => {
    const answer = JSON.stringify({ id: '1', state: control.state })
    waiting.push(() => res.end(answer))
  }
  api().next('order', ...Array.from({ length: count }, () => script))
  return control
}

const stateOf = (order: object) => (order as { state?: number }).state

test('callers that came before the request left share it', async () => {
  const tradecloud = client()
  const orders = await Promise.all(Array.from({ length: 10 }, () => tradecloud.getOrder('1')))
  expect(api().count('order')).toBe(1)
  // Each caller gets an object of its own: changing one does not change the others.
  orders[0]!.orderId = 'changed'
  expect(orders[1]).toEqual({ id: '1' })
})

test('callers that come while a request is on its way share the next one, and see a later state', async () => {
  const tradecloud = client()
  const control = held(2)
  const first = tradecloud.getOrder('1')
  await until(() => api().count('order') === 1)
  control.state = 1
  const later = [tradecloud.getOrder('1'), tradecloud.getOrder('1')]
  await new Promise((resolve) => setTimeout(resolve, 30))
  later.push(tradecloud.getOrder('1'))
  expect(api().count('order')).toBe(1)
  control.go()
  expect(stateOf(await first)).toBe(0)
  await until(() => api().count('order') === 2)
  control.go()
  expect((await Promise.all(later)).map(stateOf)).toEqual([1, 1, 1])
  expect(api().count('order')).toBe(2)
})

test('an order and a shipment of the same ID, and other IDs, are fetched side by side', async () => {
  const tradecloud = client()
  await Promise.all([tradecloud.getOrder('1'), tradecloud.getShipment('1'), tradecloud.getOrder('2')])
  expect(api().count('order')).toBe(2)
  expect(api().count('shipment')).toBe(1)
})

test('callers that wait join a retry, which leaves after they came', async () => {
  withoutJitter()
  const tradecloud = client()
  const waiting: Array<() => void> = []
  api().next('order', (_req, res) => void waiting.push(() => res.writeHead(503).end()))
  const first = tradecloud.getOrder('1')
  await until(() => waiting.length === 1)
  const second = tradecloud.getOrder('1')
  waiting[0]!()
  expect(await Promise.all([first, second])).toEqual([{ id: '1' }, { id: '1' }])
  expect(api().count('order')).toBe(2)
})

test('a failure that is final is only that of those who shared it', async () => {
  const tradecloud = client()
  const waiting: Array<() => void> = []
  api().next('order', (_req, res) => void waiting.push(() => res.writeHead(403).end()))
  const first = errorOf(tradecloud.getOrder('1'))
  await until(() => waiting.length === 1)
  const second = tradecloud.getOrder('1')
  waiting[0]!()
  expect(await first).toMatchObject({ code: 'fetch_failed', apiStatus: 403 })
  expect(await second).toEqual({ id: '1' })
})

test('one that gives up does not fail the others, and the last one to give up ends the request', async () => {
  const tradecloud = client()
  await tradecloud.getOrder('0')
  let closed = 0
  api().next('order', (_req, res) => void res.on('close', () => closed++))
  const [one, other] = [new AbortController(), new AbortController()]
  const first = errorOf(tradecloud.getOrder('1', { signal: one.signal }))
  const second = errorOf(tradecloud.getOrder('1', { signal: other.signal }))
  await until(() => api().count('order') === 2)
  const third = tradecloud.getOrder('1')
  one.abort()
  expect(await first).toMatchObject({ code: 'unavailable' })
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(closed).toBe(0)
  other.abort()
  await second
  expect(await third).toEqual({ id: '1' })
  await until(() => closed === 1)
  expect(api().count('order')).toBe(3)
})

test('each keeps its own deadline', async () => {
  const tradecloud = client()
  const control = held(2)
  const short = errorOf(tradecloud.fetchEntity('order', '1', { timeoutMs: 150 }))
  const patient = tradecloud.getOrder('1')
  await until(() => api().count('order') === 1)
  const shortNext = errorOf(tradecloud.fetchEntity('order', '1', { timeoutMs: 50 }))
  expect(await shortNext).toMatchObject({ code: 'fetch_timeout', attempts: 0 })
  expect(await short).toMatchObject({ code: 'fetch_timeout', attempts: 2 })
  control.go()
  expect(stateOf(await patient)).toBe(0)
  // The next fetch was never started, because no caller was left.
  expect(api().count('order')).toBe(1)
})

test('close ends those who wait for the next one at once, and lets the one on its way finish', async () => {
  const tradecloud = client()
  const control = held(1)
  const first = tradecloud.getOrder('1')
  await until(() => api().count('order') === 1)
  const second = errorOf(tradecloud.getOrder('1'))
  const closing = tradecloud.close()
  expect(await second).toMatchObject({ code: 'unavailable' })
  control.go()
  expect(stateOf(await first)).toBe(0)
  await closing
  expect(api().count('order')).toBe(1)
})

test('what fails for all is told to all', async () => {
  api().next('order', status(400))
  const tradecloud = client()
  const errors = await Promise.all([1, 2, 3].map(() => errorOf(tradecloud.getOrder('1'))))
  expect(errors.map(({ apiStatus }) => apiStatus)).toEqual([400, 400, 400])
  expect(api().count('order')).toBe(1)
})
