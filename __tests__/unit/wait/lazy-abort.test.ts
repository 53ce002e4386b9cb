/** The signal of a delivery: it is the same for everybody who looks at it, before and after it was aborted. */
import { LazyAbort } from '../../../lib/wait/lazy-abort'

it('tells who looked before, and who looks afterwards, with the first reason', () => {
  const abort = new LazyAbort()
  const { signal } = abort
  const reasons: unknown[] = []
  signal.addEventListener('abort', () => reasons.push(signal.reason))
  expect([abort.isAborted(), signal.aborted]).toEqual([false, false])
  abort.abort('first')
  abort.abort('second')
  expect([abort.isAborted(), signal.aborted, reasons]).toEqual([true, true, ['first']])
  expect(abort.signal).toBe(signal)
})

it('was not looked at before it was aborted', () => {
  const abort = new LazyAbort()
  abort.abort('why')
  expect(abort.isAborted()).toBe(true)
  expect(abort.signal.aborted).toBe(true)
  expect(abort.signal.reason).toBe('why')
})

it('has a reason of its own where none is given', () => {
  const abort = new LazyAbort()
  abort.abort()
  expect(abort.signal.reason).toMatchObject({ name: 'AbortError' })
})
