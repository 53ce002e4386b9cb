/** CPU of one fetch: our client against bare axios with a kept-alive agent, both reading the JSON. The server is another process. */
import axios from 'axios'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { built } from './package'
import { alternate, cpuOf, digits, manyAtOnce, median, ratioOf, table } from './statistics'

const FETCHES = 400
const AT_ONCE = 10

export async function fetchPart(quick: boolean): Promise<string> {
  const { TradecloudClient } = built<typeof import('../lib/api')>('api/index')
  const { RateLimit } = built<typeof import('../lib/api/rate-limit')>('api/rate-limit')
  const server = fork(join(__dirname, 'fetch-server.ts'))
  const [port] = (await once(server, 'message')) as [number]
  const baseUrl = `http://127.0.0.1:${port}/v2`
  // Without its rate limit the client would wait, not work.
  const client = new TradecloudClient({ baseUrl, username: 'bench', password: 'bench' }, new RateLimit(Infinity))
  const httpAgent = new Agent({ keepAlive: true })
  const bare = axios.create({ baseURL: baseUrl, httpAgent, proxy: false, headers: { Authorization: 'Bearer token' } })
  const candidates = [
    {
      name: 'TradecloudClient.getOrder',
      fetch: (id: string): Promise<unknown> => client.getOrder(id),
      cpu: [] as number[],
    },
    {
      name: 'bare axios, kept-alive',
      fetch: (id: string): Promise<unknown> => bare.get(`/order/${id}`),
      cpu: [] as number[],
    },
  ]
  const round = async ({ fetch, cpu }: (typeof candidates)[number]): Promise<void> => {
    cpu.push((await cpuOf(() => manyAtOnce(FETCHES, AT_ONCE, (n) => fetch(`PO-${n}`)))) / FETCHES)
  }
  await alternate(candidates, 2, round)
  for (const candidate of candidates) candidate.cpu = []
  await alternate(candidates, quick ? 5 : 21, round)
  await client.close()
  httpAgent.destroy()
  server.disconnect()
  const theirs = candidates[1]?.cpu ?? []
  return table(
    [`an order of 12 KB, ${AT_ONCE} at once`, 'CPU, µs a fetch', 'ratio'],
    candidates.map(({ name, cpu }) => [name, digits(median(cpu)), digits(ratioOf(cpu, theirs))]),
  )
}
