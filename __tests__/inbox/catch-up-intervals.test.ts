/** A process polls in each interval, unless another process has polled since the last turn of this process. */
import { memoryCatchUp, startClockedTradecloud, startPolling } from '../integration/catch-up-rig'
import { closeAll, until } from '../integration/harness'

afterEach(closeAll)

test('a turn is skipped only if another process has polled, and only once', async () => {
  const tradecloud = await startClockedTradecloud()
  const { storage, inbox } = memoryCatchUp()
  const steps: string[] = []
  const release = storage.release.bind(storage)
  let isOthersTurn = false
  storage.release = async (token) => {
    steps.push('turn ends')
    tradecloud.clock.advance(1_000)
    if (isOthersTurn && steps.length % 2 === 0) {
      // Simulates another process, which polls and stores its cursor.
      isOthersTurn = false
      steps.push('another polls')
      for (const [key, position] of storage.positions) storage.positions.set(key, { ...position, clock: 1 })
    }
    await release(token)
  }
  startPolling(tradecloud, {
    inbox: inbox(),
    onCatchUp: () => void steps.push('polls'),
    catchUp: { settleMs: 0, everyMs: 5 },
  })
  await until(() => steps.length >= 6)
  const count = steps.length
  isOthersTurn = true
  await until(() => steps.length >= count + 12)
  const other = steps.indexOf('another polls')
  expect(steps.slice(0, other)).toEqual(Array.from({ length: other }, (_, i) => (i % 2 === 0 ? 'polls' : 'turn ends')))
  expect(steps.slice(other + 1, other + 6)).toEqual(['turn ends', 'polls', 'turn ends', 'polls', 'turn ends'])
})
