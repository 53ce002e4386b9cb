/** Waits for a condition of a test, on the real clock, even if a test has replaced the timers. */
import { setTimeout as startTimer } from 'node:timers'
import { setImmediate as turn } from 'node:timers/promises'

const POLL_MS = 2
/**
 * After each of the first checks, `until` waits only for the next turn of the event loop. After each later check, it
 * pauses for `POLL_MS` of real time, during which the clock of `startClock` may advance by many times `POLL_MS`.
 */
const EAGER_TURNS = 100

/**
 * Resolves once the condition holds. Fails before Jest's own limit, with a message that says what the test waited for.
 * The limit is a number of checks, so that the time in which the process is suspended does not count.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'waited in vain',
  timeoutMs = 60_000,
): Promise<void> {
  for (let looks = 0; !(await condition()); looks++) {
    if (looks > timeoutMs / POLL_MS) throw new Error(what)
    await (looks < EAGER_TURNS ? turn() : pause(POLL_MS))
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(resolve, ms))
}
