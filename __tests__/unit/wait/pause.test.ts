/** A pause that a signal can end, and a time limit for a promise. */
import { pause } from '../../../lib/wait/pause'
import { within } from '../../../lib/wait/within'
import { freezeClock, type Clock } from '../../clock'

let clock: Clock
beforeEach(() => (clock = freezeClock()))
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0)
  clock.stop()
})

describe('pause', () => {
  it('is true once the time has passed', async () => {
    const ended = jest.fn()
    const done = pause(100, new AbortController().signal).then(ended)
    await clock.wait(99)
    expect(ended).not.toHaveBeenCalled()
    await clock.wait(1)
    await done
    expect(ended).toHaveBeenCalledWith(true)
  })

  it('is false as soon as the signal aborts', async () => {
    const abort = new AbortController()
    const done = pause(100, abort.signal)
    abort.abort()
    expect(await done).toBe(false)
    expect(await pause(100, abort.signal)).toBe(false)
  })
})

describe('within', () => {
  it('is the result of work that ends in time', async () => {
    expect(await within(100, Promise.resolve('done'), () => 'late')).toBe('done')
    await expect(within(100, Promise.reject(new Error('failed')), () => 'late')).rejects.toThrow('failed')
  })

  it('is what onTimeout returns or throws otherwise, whatever the work does later', async () => {
    let fail: (error: Error) => void = () => undefined
    const work = new Promise<string>((_, reject) => (fail = reject))
    const late = within(100, work, () => 'late')
    const failed = expect(
      within(100, work, () => {
        throw new Error('too late')
      }),
    ).rejects.toThrow('too late')
    await clock.wait(100)
    expect(await late).toBe('late')
    await failed
    fail(new Error('ignored'))
  })
})
