/**
 * CPU of one fetch: our client compared with plain axios and a keep-alive agent. Both parse the JSON. The server is
 * another process.
 */
import axios from 'axios'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { built } from './package'
import { digits, manyAtOnce, measureCpu, median, ratioOf, table } from './statistics'

const FETCHES = 400
const AT_ONCE = 10

export async function run(quick: boolean): Promise<string> {
  const { TradecloudClient } = built<typeof import('../lib/api')>('api/index')
  const { RateLimit } = built<typeof import('../lib/api/rate-limit')>('api/rate-limit')
  const server = fork(join(__dirname, 'fetch-server.ts'))
  const [port] = (await once(server, 'message')) as [number]
  const baseUrl = `http://127.0.0.1:${port}/v2`
  // The client has no rate limit; with one, it would spend the time waiting instead of working.
  const client = new TradecloudClient({ baseUrl, username: 'bench', password: 'bench' }, new RateLimit(Infinity))
  const httpAgent = new Agent({ keepAlive: true })
  const bare = axios.create({ baseURL: baseUrl, httpAgent, proxy: false, headers: { Authorization: 'Bearer token' } })
  const fetches = (fetch: (id: string) => Promise<unknown>) => () =>
    manyAtOnce(FETCHES, AT_ONCE, (n) => fetch(`PO-${n}`))
  const measured = await measureCpu(1, quick ? 5 : 21, {
    'TradecloudClient.getOrder': fetches((id) => client.getOrder(id)),
    'bare axios, kept-alive': fetches((id) => bare.get(`/order/${id}`)),
  })
  await client.close()
  httpAgent.destroy()
  server.disconnect()
  const theirs = measured[1]?.times ?? []
  return table(
    [`an order of 12 KB, ${AT_ONCE} at once`, 'CPU, µs a fetch', 'ratio'],
    measured.map(({ name, times }) => [name, digits(median(times) / FETCHES), digits(ratioOf(times, theirs))]),
  )
}
