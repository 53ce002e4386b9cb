/** Each ID arrives unchanged, in the path and in the query. */
import { endAll } from '../faults/receiver-process'
import { everywhere, startFront, type Front } from './front'
import { openConnection } from './sender'

const IDS = [
  'A/B',
  'A%2FB',
  'A%B',
  'A%25B',
  'A#B',
  'A//B',
  '/A',
  'A/',
  'A/../B',
  'A/./B',
  'A?B',
  'A&B=C',
  'A+B',
  'A;B',
  'A\\B',
  'é',
]
/** Escapes only characters of an ID that have a meaning in a URL, or that Node refuses unescaped. */
const asItIs = (id: string): string => id.replace(/[%#?&é]/gu, encodeURIComponent)
const lowerCase = (id: string): string => encodeURIComponent(id).replace(/%../g, (escape) => escape.toLowerCase())

let front: Front
beforeAll(async () => {
  front = await startFront()
})
afterAll(endAll)

test.each([
  ['path', (id: string) => `/tradecloud/order/${id}`],
  ['query', (id: string) => `/tradecloud?orderId=${id}`],
  ['path of a shipment', (id: string) => `/tradecloud/shipment/${id}`],
])('an ID in the %s', async (place, url) => {
  const refused = await front.each(async ({ proxy, protocol, tag }) => {
    const connection = openConnection(proxy, protocol)
    const mark = `-${place}-${tag}`.replaceAll(' ', '-')
    const sent: string[] = []
    const statuses: unknown[] = []
    for (const encode of [encodeURIComponent, lowerCase, asItIs]) {
      for (const method of ['GET', 'PUT']) {
        for (const id of IDS) {
          const marked = id.endsWith('/') ? `${mark}${id}` : `${id}${mark}`
          const { status } = await connection.send({ method, path: url(encode(marked)) })
          sent.push(`${method} ${marked}`)
          statuses.push(status)
        }
      }
    }
    const got = front.app.noted('begin').filter(({ id }) => id.includes(mark))
    expect(got.map(({ method, id }) => `${method} ${id}`)).toEqual(sent)
    return statuses.filter((status) => status !== 200)
  })
  expect(refused).toEqual(everywhere([]))
})
