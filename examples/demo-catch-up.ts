/**
 * The last part of the demo: a proxy loses an order before it arrives, and the catch-up of a server with an inbox finds
 * it.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { order, type TradecloudSimulator, type Trigger } from 'tradecloud-webhook/testing'

interface Surroundings {
  tradecloud: TradecloudSimulator
  auth: Trigger['auth']
  startExample: (file: string, env: Record<string, string>) => Promise<{ child: ChildProcess; url: string }>
  /** Number of different events that the ERP system has accepted. */
  written: () => number
  printRow: (cells: string[], isGood: boolean) => void
}

const MOST_SECONDS = 60

/** Starts a proxy in front of the server. Until `repair` is called, the proxy refuses every request as too large. */
async function startProxy(url: string) {
  let isBroken = true
  const server = createServer((req, res) => {
    if (isBroken) return void res.writeHead(413).end('413 Request Entity Too Large')
    const forwarded = request(new URL(req.url ?? '/', url), { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    req.pipe(forwarded)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}/tradecloud`, repair: () => (isBroken = false) }
}

/** Resolves with true if everything worked. */
export async function showCatchUp({
  tradecloud,
  auth,
  startExample,
  written,
  printRow,
}: Surroundings): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'tradecloud-demo-'))
  const { child, url } = await startExample('durable-server.ts', {
    INBOX_FILE: join(folder, 'inbox.db'),
    CATCH_UP_FROM: new Date(Date.now() - 1_000).toISOString(),
    // In production, both times would be minutes.
    CATCH_UP_EVERY_MS: '500',
    CATCH_UP_SETTLE_MS: '2000',
  })
  const proxy = await startProxy(url)
  try {
    const send = async (lines: string[]) => {
      tradecloud.world.change(id, { eventName: 'OrderLinesUpdatedBySupplier', lines })
      const { sent } = await tradecloud.world.deliver({ url: `${proxy.url}/order`, auth })
      return sent.flatMap(({ attempts }) => attempts.map(({ status }) => String(status))).join(' ')
    }
    const changed = order({ seed: 11, lines: 2 })
    const { id } = changed
    const [first = '', second = ''] = changed.lines.map((line) => String(line.id))
    tradecloud.world.change(changed, { lines: [first, second], deliver: 'none' })
    const before = written()
    const lost = await send([first])
    printRow(['A proxy refuses an order', lost, 'gives up', 'lost'], lost === '413')
    proxy.repair()
    const arrived = await send([second])
    printRow(['  … and lets the next event pass', arrived, 'is done', 'queued'], arrived === '202')
    // Two events are delivered: the one that arrived, and the lost change that was found.
    const isDelivered = () => written() >= before + 2
    for (let waited = 0; waited < MOST_SECONDS * 10 && !isDelivered(); waited++) await sleep(100)
    printRow(['  … the catch-up finds the lost one', '', '', isDelivered() ? 'delivered' : 'missing'], isDelivered())
    return lost === '413' && arrived === '202' && isDelivered()
  } finally {
    proxy.server.close()
    const ended = once(child, 'exit')
    child.kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}
