/** Responses of webhooks while Redis is killed, frozen, full or unreachable. */
import { orderEvent, pause } from '../integration/harness'
import {
  clientNames,
  commandsOf,
  DELIVERED,
  DUPLICATE,
  eventually,
  inTime,
  redisForEach,
  server,
  startCalled,
  startInstance,
  UNAVAILABLE,
  useClient,
} from './redis-rig'

redisForEach()

describe.each(clientNames)('with %s', (name) => {
  useClient(name)

  describe('Redis', () => {
    it('that is killed is answered 503, and used again when it is back', async () => {
      const rig = await startInstance()
      expect(await rig.post(orderEvent())).toMatchObject(DELIVERED)
      await server().kill()
      const event = orderEvent()
      for (let i = 0; i < 3; i++) expect(await inTime(rig.post(event))).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toHaveLength(1)
      await server().restart()
      await eventually(async () => (await inTime(rig.post(event))).status === 200, 'Redis to be used again')
      expect(await rig.post(event)).toMatchObject(DUPLICATE)
      expect(rig.calls).toHaveLength(2)
    })

    it('that is killed while it is asked is answered 503', async () => {
      const rig = await startInstance()
      await server().freeze()
      const answer = rig.post(orderEvent())
      await pause(50)
      await server().kill()
      expect(await inTime(answer)).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toEqual([])
    })

    it('that is frozen is answered 503, and used again when it thaws, without a claim left behind', async () => {
      const rig = await startInstance()
      await server().freeze()
      const event = orderEvent()
      const answers = await inTime(Promise.all([rig.post(event), rig.post(orderEvent())]))
      for (const answer of answers) expect(answer).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toEqual([])
      server().thaw()
      await eventually(async () => {
        const keys = (await server().command('KEYS', '*')) as string[]
        return keys.length === 0 && (await commandsOf('eval')) >= 4
      }, 'the late claims to be given back')
      expect(await inTime(rig.post(event))).toMatchObject(DELIVERED)
      expect(await rig.post(event)).toMatchObject(DUPLICATE)
    })

    it('that is frozen while a callback runs notes later that it finished', async () => {
      const { rig, event, answer, finished, key } = await startCalled()
      await server().freeze()
      finished.resolve()
      expect(await inTime(answer)).toMatchObject(DELIVERED)
      server().thaw()
      await eventually(async () => (await server().command('GET', key)) === 'completed', 'to be noted')
      expect(await rig.post(event)).toMatchObject(DUPLICATE)
    })

    it('that is killed while a callback runs does not change its answer', async () => {
      const { rig, event, answer, finished, key } = await startCalled()
      await server().kill()
      finished.resolve()
      expect(await inTime(answer)).toMatchObject(DELIVERED)
      expect(rig.log).toEqual([])
      // Redis loads the claim from disk, so the event is not delivered again before the lease expires. The webhook may
      // complete the claim as soon as Redis has restarted.
      await server().restart()
      expect(await server().command('GET', key)).toMatch(/^(claimed |completed)/)
      await eventually(async () => (await rig.post(event)).json.code !== 'unavailable', 'Redis to be used again')
      expect(await rig.post(event)).not.toMatchObject(DELIVERED)
    })

    it('that is full is answered 503, and used again when it has room', async () => {
      const rig = await startInstance()
      await server().command('CONFIG', 'SET', 'maxmemory', '1')
      const event = orderEvent()
      expect(await inTime(rig.post(event))).toMatchObject(UNAVAILABLE)
      expect(rig.calls).toEqual([])
      await server().command('CONFIG', 'SET', 'maxmemory', '0')
      expect(await rig.post(event)).toMatchObject(DELIVERED)
    })
  })
})
