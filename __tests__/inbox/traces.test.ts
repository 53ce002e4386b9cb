/**
 * A process is killed with -9 during a callback. The next delivery, by another process, belongs to the trace of the
 * request.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { orderEvent } from 'tradecloud-webhook/testing'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { until } from '../wait'
import type { EngineOptions } from './protocol'
import type { TracedOptions, WrittenSpan } from './traced-process'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SENDER = 'b7ad6b7169203331'

let folder: string
const children: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'traces-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
afterAll(stopPostgresServers)

async function start(options: TracedOptions): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(join(__dirname, 'traced-process.ts'), [JSON.stringify(options)], { execArgv: ['--import', 'tsx'] })
  children.push(child)
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

function read(file: string, name: string): WrittenSpan[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
  return lines.map((line) => JSON.parse(line) as WrittenSpan).filter((span) => span.name === name)
}

async function killDuringCallback(engine: EngineOptions): Promise<void> {
  const spans = join(folder, 'spans')
  const first = await start({ engine, spans, hangs: true })
  const response = await fetch(`http://127.0.0.1:${first.port}/order`, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer traced',
      'Content-Type': 'application/json',
      traceparent: `00-${TRACE}-${SENDER}-01`,
    },
    body: JSON.stringify(orderEvent()),
  })
  expect(response.status).toBe(202)
  await until(() => read(spans, 'erp').length === 1 && read(spans, 'tradecloud receive').length === 1, 'the callback')
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const second = await start({ engine, spans, hangs: false })
  await until(() => read(spans, 'tradecloud deliver').length === 1, 'the delivery')

  const [received] = read(spans, 'tradecloud receive')
  const [delivered] = read(spans, 'tradecloud deliver')
  const [cut, whole] = read(spans, 'erp')
  expect(received).toMatchObject({ pid: first.child.pid, traceId: TRACE, parentId: SENDER })
  expect(delivered).toMatchObject({
    pid: second.child.pid,
    traceId: TRACE,
    parentId: received?.spanId,
    result: 'delivered',
  })
  expect(whole).toMatchObject({ pid: second.child.pid, traceId: TRACE, parentId: delivered?.spanId })
  // The span of the interrupted delivery never ends, so it is not exported.
  expect(cut).toMatchObject({ pid: first.child.pid, traceId: TRACE })
  expect([received?.spanId, delivered?.spanId, undefined]).not.toContain(cut?.parentId)
}

test('SQLite', () => killDuringCallback({ type: 'sqlite', file: join(folder, 'inbox.db') }))

test('PostgreSQL', async () => {
  const { connectionString } = await startPostgres()
  await killDuringCallback({ type: 'postgres', url: connectionString, schema: 'traces' })
})
