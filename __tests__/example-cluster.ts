/** Tests of `examples/cluster.ts`, for any database. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { orderEvent } from 'tradecloud-webhook/testing'
import { endExamples, ErpSystem, post, startExample, type Write } from './example-servers'
import { pause, until } from './wait'

const ORDERS = 12
const VERSIONS = 4

/** The PIDs of the processes that have said that they listen. */
function pidsIn(lines: string[]): number[] {
  return lines.flatMap((line) => [...line.matchAll(/process (\d+)$/g)].map(([, pid]) => Number(pid)))
}

/** `env` returns the environment variables that select the inbox. */
export function testCluster(env: () => Record<string, string>): void {
  const erp = new ErpSystem()
  beforeAll(() => erp.start())
  afterAll(async () => {
    endExamples()
    await erp.close()
  })

  test('three processes, one of which is killed: each event is written, in order, and never two of one order at once', async () => {
    const { child, url, lines } = await startExample('cluster.ts', { ERP_URL: erp.url, ...env() })
    const pids = (): number[] => pidsIn(lines)
    await until(() => pids().length === 3, 'three processes do not listen')

    const versions = new Map<string, number[]>()
    const running = new Map<string, number>()
    const overlaps: string[] = []
    const held: Array<() => void> = []
    let isHolding = true
    erp.respond = (response: ServerResponse, { event: { orderId, version } }: Write) => {
      const count = (running.get(orderId) ?? 0) + 1
      running.set(orderId, count)
      if (count > 1) overlaps.push(`${orderId} ${version}`)
      // `close` is also emitted if the process that waits for the response is killed.
      response.once('close', () => running.set(orderId, (running.get(orderId) ?? 0) - 1))
      const respond = (): void => {
        if (response.destroyed) return
        const known = versions.get(orderId) ?? []
        versions.set(orderId, [...known, version])
        // The first write of each version of an order is recorded, but answered with 503, so that it is repeated.
        response.writeHead(known.includes(version) ? 204 : 503).end()
      }
      if (isHolding) held.push(respond)
      else respond()
    }

    for (let version = 1; version <= VERSIONS; version++)
      for (let seed = 1; seed <= ORDERS; seed++)
        expect(await post(url, orderEvent({ seed, version }))).toMatchObject({
          status: 202,
          body: { outcome: 'queued' },
        })
    await until(() => held.length === ORDERS, 'not every order is with a callback')
    const [victim = 0] = pids()
    process.kill(victim, 'SIGKILL')
    await until(() => pids().length === 4, 'no other process took the place of the one that was killed')
    isHolding = false
    held.forEach((respond) => respond())

    const health = url.replace('/tradecloud/order', '/health')
    const delivered = async (): Promise<boolean> => {
      const stats = (await (await fetch(health)).json()) as { delivered: number; dead: number; quarantined: number }
      expect(stats).toMatchObject({ dead: 0, quarantined: 0 })
      return stats.delivered === ORDERS * VERSIONS
    }
    await until(delivered, 'not every event was delivered')
    expect(overlaps).toEqual([])
    expect(versions.size).toBe(ORDERS)
    for (const seen of versions.values()) {
      expect(seen).toEqual(seen.toSorted())
      expect(new Set(seen).size).toBe(VERSIONS)
    }

    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })

  test('ends also while a process that has crashed is not restarted yet', async () => {
    const { child, lines } = await startExample('cluster.ts', { ...env(), PROCESSES: '1' })
    const exited = once(child, 'exit')
    await until(() => pidsIn(lines).length === 1, 'no process listens')
    process.kill(pidsIn(lines)[0]!, 'SIGKILL')
    // The killed process is restarted after a second. On a busy machine, this may happen before the SIGTERM; the test
    // passes in that case, too.
    await pause(200)
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })
}
