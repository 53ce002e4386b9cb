/** Timers with a duration that is longer than Node supports. */
import { startTimer } from '../../../lib/wait/timers'
import { pause } from '../../wait'

test.each([Infinity, 2 ** 31])('a timer of %d ms does not run at once', async (ms) => {
  const ran = jest.fn()
  const timer = startTimer(ran, ms)
  await pause(20)
  clearTimeout(timer)
  expect(ran).not.toHaveBeenCalled()
})
