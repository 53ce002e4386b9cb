/**
 * Large bodies arrive complete, and nginx writes none of them to disk. If the password is wrong, the sender gets 401,
 * no response, or a status after which Tradecloud sends the event again.
 */
import { endAll } from '../faults/receiver-process'
import { encodeNumbered } from '../faults/numbered-event'
import { comesAgain, everywhere, startFront, type Front, type Way } from './front'
import { send, type SentRequest } from './sender'
import { isFull } from '../size'

const MB = 1_000_000
/** The size of the largest order in tXML, rounded up. */
const LARGEST = 120 * MB

const post = (body: Buffer, more: Partial<SentRequest> = {}): SentRequest => {
  return { method: 'POST', path: '/tradecloud/order', headers: { 'content-type': 'application/json' }, body, ...more }
}
const numbered = (order: string, bytes: number): Buffer => encodeNumbered({ event: order, order, turn: 0 }, bytes)

describe('the files as they are', () => {
  let front: Front
  beforeAll(async () => {
    front = await startFront({ webhook: { bodyLimit: LARGEST + MB, limits: { maxBytesInFlight: 10 * LARGEST } } })
  })
  afterAll(endAll)

  test.each([
    { bytes: 40 * MB, chunked: false },
    { bytes: 40 * MB, chunked: true },
    { bytes: LARGEST, chunked: false },
    ...(isFull ? [{ bytes: LARGEST, chunked: true }] : []),
  ])('$bytes bytes, chunked: $chunked', async ({ bytes, chunked }) => {
    const delivered = await inTurn(front, async ({ proxy, protocol, tag }) => {
      const id = `${bytes}-${chunked}-${tag}`
      const { status } = await send(proxy, protocol, post(numbered(id, bytes), { chunked }))
      return [
        status,
        ...front.app
          .noted('end')
          .filter((note) => note.id === id)
          .map(({ intact }) => intact),
      ]
    })
    expect(delivered).toEqual(everywhere([200, true]))
  })

  test('a large body with a wrong password is refused, or comes again', async () => {
    const statuses = await inTurn(front, async ({ proxy, protocol }) => {
      const headers = { authorization: 'Bearer wrong' }
      const { status } = await send(proxy, protocol, post(Buffer.alloc(40 * MB), { headers }))
      return status === 401 || status === 'broken' || comesAgain(status) ? 'safe' : status
    })
    expect(statuses).toEqual(everywhere('safe'))
  })

  test('nginx writes no body to disk', async () => {
    const logs = await front.each(async ({ proxy }) => proxy.log().includes('buffered to a temporary file'))
    expect(logs).toEqual(everywhere(false))
  })
})

/** Sends through one proxy at a time, because several of the largest bodies would take too much memory. */
async function inTurn<T>(front: Front, ask: (way: Way) => Promise<T>): Promise<Record<string, T>> {
  let last: Promise<unknown> = Promise.resolve()
  return front.each((way) => {
    const asked = last.then(() => ask(way))
    last = asked.catch(() => undefined)
    return asked
  })
}
