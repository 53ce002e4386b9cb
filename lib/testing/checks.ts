/** Checks of what a test asked for: a wrong value throws a `TypeError` that names it. */

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export function requireMs(name: string, value: number): void {
  if (value > 0 && value <= LONGEST_TIMER_MS) return
  throw new TypeError(`${name} must be milliseconds above 0 and up to ${LONGEST_TIMER_MS}, not ${value}`)
}

export function requireWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new TypeError(`${name} must be a whole number of at least ${least}, not ${value}`)
}

/** For users without types. `undefined` counts as a wrong value. */
export function requireOneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && allowed.includes(value)) return
  throw new TypeError(`${name} must be one of ${allowed.join(', ')}, not ${String(value)}`)
}
