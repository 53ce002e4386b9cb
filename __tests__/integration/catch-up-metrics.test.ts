/** Metrics of the catch-up: how many events it has recovered, and how far behind it is. */
import { Registry } from 'prom-client'
import { prometheusMetrics } from 'tradecloud-webhook/prometheus'
import { order } from 'tradecloud-webhook/testing'
import { HOUR, startClockedTradecloud, startPolling } from './catch-up-rig'
import { closeAll, until } from './harness'

afterEach(closeAll)

async function valueOf(register: Registry, series: string): Promise<number | undefined> {
  const line = (await register.metrics()).split('\n').find((one) => one.startsWith(`tradecloud_webhook_${series} `))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}

const recovered = 'catch_up_recovered_total{webhook="tradecloud",kind="order"}'
const lag = 'catch_up_lag_seconds{webhook="tradecloud"}'

test('what is recovered counts once, and a dry run or one on demand moves no lag', async () => {
  const tradecloud = await startClockedTradecloud()
  const register = new Registry()
  const { worker, calls } = startPolling(tradecloud, { telemetry: [prometheusMetrics({ register })] })
  await worker.ready()
  const issued = order({ seed: 1, lines: 2 })
  tradecloud.world.change(issued, { lines: issued.lines.map(({ id }) => String(id)), deliver: 'none' })
  tradecloud.clock.advance(HOUR)
  expect(await worker.catchUp({ dryRun: true })).toMatchObject({ recoveredTotal: 1 })
  expect(await valueOf(register, recovered)).toBeUndefined()
  expect(await valueOf(register, lag)).toBeUndefined()
  expect(await worker.catchUp()).toMatchObject({ recoveredTotal: 1 })
  await until(() => calls.length === 1)
  await worker.catchUp()
  expect(await valueOf(register, recovered)).toBe(1)
  // The simulator's clock is behind the real one.
  expect(await valueOf(register, lag)).toBeGreaterThan(1_000_000)
  expect(await valueOf(register, 'catch_up_runs_total{webhook="tradecloud",result="completed"}')).toBe(3)
  expect(await valueOf(register, 'deliveries_total{webhook="tradecloud",result="delivered",outcome="delivered",kind="order",event="none"}')).toBe(1) // prettier-ignore
})

test('without a webhook nothing was lost: what is polled is not counted', async () => {
  const tradecloud = await startClockedTradecloud()
  const register = new Registry()
  const telemetry = [prometheusMetrics({ register })]
  const { worker } = startPolling(tradecloud, { telemetry, catchUp: { settleMs: 0 } })
  const issued = order({ seed: 2 })
  tradecloud.world.change(issued, { lines: issued.lines.map(({ id }) => String(id)), deliver: 'none' })
  expect(await worker.catchUp()).toMatchObject({ recoveredTotal: 1 })
  expect(await valueOf(register, recovered)).toBeUndefined()
})

test('runs that fail are counted, and the lag grows from the start of the process', async () => {
  const tradecloud = await startClockedTradecloud()
  const register = new Registry()
  const telemetry = [prometheusMetrics({ register })]
  tradecloud.api.failNext(1_000, 403)
  const { worker } = startPolling(tradecloud, { telemetry, catchUp: { everyMs: HOUR }, onShipment: undefined })
  await worker.ready()
  await until(async () => (await valueOf(register, 'catch_up_runs_total{webhook="tradecloud",result="failed"}')) === 1)
  expect(await valueOf(register, recovered)).toBe(0)
  expect(await valueOf(register, lag)).toBeLessThan(600)
})
