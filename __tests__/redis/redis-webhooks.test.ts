/** Webhooks that share one Redis: which of them delivers an event, and the lease while its callback runs. */
import { isTradecloudWebhookError } from 'tradecloud-webhook'
import { deferred, orderEvent, pause, startRig, until } from '../integration/harness'
import {
  clientNames,
  DELIVERED,
  DUPLICATE,
  eventually,
  IN_PROGRESS,
  inTime,
  killFirstClient,
  millisecondsOf,
  newStore,
  redisForEach,
  server,
  startCalled,
  startInstance,
  useClient,
} from './redis-rig'

redisForEach()

/** Functions that stay real. Only `setInterval` and `clearInterval` are fake: the webhook renews leases with them. */
const REAL_TIME = [
  ...(['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const),
  ...(['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'] as const),
]

describe.each(clientNames)('with %s', (name) => {
  useClient(name)

  describe('two webhooks with one Redis', () => {
    it('that get the same event at the same time call one callback', async () => {
      const finished = deferred()
      const calls: unknown[] = []
      const onOrder = async (event: unknown): Promise<void> => {
        calls.push(event)
        await finished.promise
      }
      const rigs = [await startInstance(onOrder), await startInstance(onOrder)]
      const event = orderEvent()
      const answers = rigs.map((rig) => rig.post(event))
      expect(await Promise.race(answers)).toMatchObject(IN_PROGRESS)
      finished.resolve()
      const statuses = (await Promise.all(answers)).map(({ status }) => status)
      expect(statuses.sort()).toEqual([200, 503])
      for (const rig of rigs) expect(await rig.post(event)).toMatchObject(DUPLICATE)
      expect(calls).toHaveLength(1)
    })

    it('take an event over that failed', async () => {
      const a = await startInstance(() => Promise.reject(new Error('ERP down')))
      const b = await startInstance()
      const event = orderEvent()
      expect(await a.post(event)).toMatchObject({ status: 503, json: { code: 'handler_failed' } })
      expect(await b.post(event)).toMatchObject(DELIVERED)
      expect(await a.post(event)).toMatchObject(DUPLICATE)
    })

    it('take an event over that a killed one held, after its lease', async () => {
      const { event, key, answer, finished } = await startCalled()
      killFirstClient()
      const b = await startInstance()
      expect(await b.post(event)).toMatchObject(IN_PROGRESS)
      expect(await millisecondsOf(key)).toBeLessThanOrEqual(60_000)
      expect(await millisecondsOf(key)).toBeGreaterThan(30_000)
      await server().command('PEXPIRE', key, '1')
      await eventually(async () => (await millisecondsOf(key)) === -2, 'the end of the lease')
      expect(await b.post(event)).toMatchObject(DELIVERED)
      finished.resolve()
      await answer
    })

    it('do not share what they know where their names differ', async () => {
      const event = orderEvent()
      for (const rigName of ['a', 'b']) {
        const rig = await startRig({ validation: 'off', name: rigName, dedupe: { store: await newStore() } })
        expect(await rig.post(event)).toMatchObject(DELIVERED)
      }
    })

    it('know what was processed before they were started', async () => {
      const event = orderEvent()
      const a = await startInstance()
      await a.post(event)
      await a.close()
      await server().restart()
      expect(await (await startInstance()).post(event)).toMatchObject(DUPLICATE)
    })
  })

  describe('the lease of an event whose callback runs', () => {
    const aTick = () => jest.advanceTimersByTime(20_000)
    beforeEach(() => void jest.useFakeTimers({ doNotFake: [...REAL_TIME] }))

    it('is renewed', async () => {
      const { rig, answer, finished, key, signal } = await startCalled()
      await server().command('PEXPIRE', key, '30000')
      aTick()
      await eventually(async () => (await millisecondsOf(key)) > 30_000, 'a longer lease')
      expect(await millisecondsOf(key)).toBeLessThanOrEqual(60_000)
      expect(signal.aborted).toBe(false)
      finished.resolve()
      expect(await answer).toMatchObject(DELIVERED)
      expect(rig.log).toEqual([])
    })

    it.each([
      ['that Redis lost', (key: string) => server().command('DEL', key), 'completed'],
      ['that another one took', (key: string) => server().command('SET', key, 'claimed x', 'PX', '60000'), 'claimed x'],
    ])('%s aborts the signal and raises the alarm', async (_how, lose, left) => {
      const { rig, answer, finished, key, signal } = await startCalled()
      aTick()
      await pause(20)
      expect(signal.aborted).toBe(false)
      await lose(key)
      aTick()
      await until(() => signal.aborted, 'the signal was not aborted')
      expect(signal.reason).toMatchObject({ code: 'lease_lost' })
      expect(isTradecloudWebhookError(signal.reason)).toBe(true)
      expect(rig.log).toEqual([{ level: 'error', line: expect.stringContaining('lease of an event was lost') }])
      finished.resolve()
      expect(await answer).toMatchObject(DELIVERED)
      expect(await server().command('GET', key)).toBe(left)
    })

    it('is not lost while Redis is away', async () => {
      const { rig, answer, finished, signal } = await startCalled()
      await server().kill()
      aTick()
      await pause(20)
      expect(signal.aborted).toBe(false)
      finished.resolve()
      expect(await inTime(answer)).toMatchObject(DELIVERED)
      expect(rig.log).toEqual([])
    })
  })
})
