/**
 * CPU of one fetch: our client against bare axios with a kept-alive agent, both reading the JSON. `npx tsx
 * bench/fetch.ts`. The server is another process; the two take turns, and the ratio is the median over pairs of
 * neighbouring rounds.
 */
import axios from 'axios'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { TradecloudClient } from '../lib/api'
import { RateLimit } from '../lib/api/rate-limit'

const ROUNDS = 21
const FETCHES = 600
const AT_ONCE = 10
const MAX_MS = 50_000

type Fetch = (id: string) => Promise<unknown>

/** Microseconds of CPU, user and system, for one fetch. */
async function round(fetch: Fetch): Promise<number> {
  let next = 0
  const before = process.cpuUsage()
  const worker = async () => {
    while (next < FETCHES) await fetch(`PO-${next++}`)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / FETCHES
}

function median(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

async function main(): Promise<void> {
  const server = fork(join(__dirname, 'fetch-server.ts'))
  const [port] = (await once(server, 'message')) as [number]
  const baseUrl = `http://127.0.0.1:${port}/v2`
  // Without its rate limit the client would wait, not work.
  const client = new TradecloudClient({ baseUrl, username: 'bench', password: 'bench' }, new RateLimit(Infinity))
  const httpAgent = new Agent({ keepAlive: true })
  const bare = axios.create({ baseURL: baseUrl, httpAgent, proxy: false, headers: { Authorization: 'Bearer token' } })
  const ours: Fetch = (id) => client.getOrder(id)
  const theirs: Fetch = (id) => bare.get(`/order/${id}`)
  for (const fetch of [ours, theirs, ours, theirs]) await round(fetch)

  const pairs: Array<{ client: number; axios: number }> = []
  const started = performance.now()
  for (let i = 0; i < ROUNDS && performance.now() - started < MAX_MS; i++) {
    // Whoever comes second finds the garbage of the first.
    if (i % 2 === 0) {
      const us = await round(ours)
      pairs.push({ client: us, axios: await round(theirs) })
    } else {
      const us = await round(theirs)
      pairs.push({ axios: us, client: await round(ours) })
    }
  }
  console.table({
    'TradecloudClient.getOrder': { 'µs CPU per fetch': Math.round(median(pairs.map((pair) => pair.client))) },
    'bare axios': { 'µs CPU per fetch': Math.round(median(pairs.map((pair) => pair.axios))) },
  })
  const ratio = median(pairs.map((pair) => pair.client / pair.axios))
  console.log(
    `ratio ${ratio.toFixed(2)} (median of ${pairs.length} pairs, ${FETCHES} fetches each, ${AT_ONCE} at once)`,
  )
  await client.close()
  httpAgent.destroy()
  server.disconnect()
}

void main()
