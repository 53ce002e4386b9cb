/** The table in docs/proxies.md states what each proxy refuses, and the page links to each tested file. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { endAll } from '../faults/receiver-process'
import { startFront } from './front'
import { send, type SentRequest } from './sender'

afterAll(endAll)

const order = (rest: string): SentRequest => ({ path: `/tradecloud/order/${rest}` })
const padding = (length: number): string => 'x'.repeat(length)
const manyHeaders = (count: number, length: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, number) => [`x-${number}`, padding(length)]))

const ROWS: Record<string, SentRequest> = {
  'a header of 9 kB': { ...order('1'), headers: { 'x-long': padding(9000) } },
  'headers of 14 kB together': { ...order('1'), headers: manyHeaders(2, 7000) },
  'headers of 20 kB together': { ...order('1'), headers: manyHeaders(2, 10_000) },
  'headers of 150 kB together': { ...order('1'), headers: manyHeaders(15, 10_000) },
  'a URL of 12 kB': order(`1?padding=${padding(12_000)}`),
  'a URL of 20 kB': order(`1?padding=${padding(20_000)}`),
  'a raw `#` in the path': order('A#B'),
  'a raw `#` in the query': { path: '/tradecloud?orderId=A#B' },
  // The path must contain `é` in UTF-8, but the sender encodes paths in Latin-1. So each of the two UTF-8 bytes is
  // written as one character.
  'a raw `é` in the path': order(Buffer.from('AéB').toString('latin1')),
  'a raw `%` in the path': order('A%'),
  'a raw `%` in the query': { path: '/tradecloud?orderId=A%' },
  'a control character in a header': { ...order('1'), headers: { 'x-one': 'a\u0001b' } },
  'an unknown `Expect`': { ...order('1'), headers: { expect: 'nothing' } },
}

const root = join(__dirname, '../..')
const page = readFileSync(join(root, 'docs/proxies.md'), 'utf8')

test.each(readdirSync(join(root, 'examples/proxies')))('%s', (file) => {
  expect(page).toContain(`](../examples/proxies/${file})`)
})

test('the table', async () => {
  const front = await startFront()
  const measured = await front.each(async ({ proxy, protocol }) => {
    const cells: string[] = []
    for (const request of Object.values(ROWS)) {
      const { status, json } = await send(proxy, protocol, request)
      if (status === 200) cells.push('arrives')
      else if (status === 'broken') cells.push('no response')
      // Responses of the webhook have a code; responses of Node and of the proxies have none.
      else cells.push(json?.code ? `${status} \`${json.code}\`` : String(status))
    }
    return cells
  })
  const ways = Object.keys(measured)
  const rows = Object.keys(ROWS).map((title, at) => [title, ...ways.map((way) => measured[way]![at]!)])
  const table = [['request', ...ways], ['---', ...ways.map(() => '---')], ...rows]
  const text = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  expect(page).toContain(text)
})
