/** The option `telemetry`: adapters are informed of everything, and can change nothing. */
import { Registry } from 'prom-client'
import type { TelemetryAdapter } from 'tradecloud-webhook'
import { prometheusMetrics } from 'tradecloud-webhook/prometheus'
import { closeAll, orderEvent, startRig, until } from './harness'
import { startInboxRig } from './inbox-rig'

afterEach(closeAll)

describe('an adapter that fails', () => {
  const fail = (): never => {
    throw new Error('adapter broken')
  }
  const adapters: Array<[string, TelemetryAdapter]> = [
    ['everywhere', { attach: () => ({ request: fail, delivery: fail, close: fail }) }],
    [
      'at the end, and without calling what it is to run',
      {
        attach: () => ({
          request: () => ({ end: fail }),
          delivery: () => ({ run: () => undefined, end: fail }),
        }),
      },
    ],
    [
      'by running twice, and then throwing',
      {
        attach: () => ({
          delivery: () => ({
            run: (work) => {
              void work()
              void work()
              fail()
            },
            end: fail,
          }),
        }),
      },
    ],
  ]

  it.each(adapters)('%s, changes no answer and no delivery, and is logged', async (_how, adapter) => {
    const register = new Registry()
    const telemetry = [adapter, prometheusMetrics({ register }), adapter]
    for (const start of [startRig, startInboxRig]) {
      const [rig, event] = [await start({ telemetry }), orderEvent()]
      expect((await rig.post(event)).status).toBe(start === startRig ? 200 : 202)
      await until(() => rig.calls.length === 1)
      expect((await rig.post(event)).status).toBe(200)
      await rig.webhook.close()
      expect(rig.calls).toHaveLength(1)
      expect(rig.log.every(({ level, line }) => level === 'warn' && line.includes('adapter broken'))).toBe(true)
      expect(rig.log.length).toBeGreaterThan(0)
    }
    // The adapter between two failing ones is still informed of everything.
    expect(await register.metrics()).toMatch(/^tradecloud_webhook_deliveries_total\{.*result="delivered".*\} 2$/m)
  })

  it('is not told the credentials', async () => {
    const heads: object[] = []
    const rig = await startRig({
      telemetry: [{ attach: () => ({ request: ({ headers }) => void heads.push(headers) }) }],
    })
    await rig.post(orderEvent(), { headers: { Cookie: 'session=1', traceparent: 'x' } })
    expect(heads).toEqual([expect.objectContaining({ traceparent: 'x' })])
    expect(Object.keys(heads[0] ?? {})).not.toEqual(expect.arrayContaining(['authorization']))
    expect(JSON.stringify(heads)).not.toMatch(/session|authorization/i)
  })
})

it.each([
  [{}, 'telemetry'],
  [[null], 'telemetry'],
  [[{}], 'telemetry'],
])('%j is no list of adapters', async (telemetry, option) => {
  await expect(startRig({ telemetry: telemetry as never })).rejects.toThrow(`Option \`${option}\``)
})
