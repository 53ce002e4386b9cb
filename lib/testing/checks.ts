/** Checks the options of a test: an invalid value throws a `TypeError` that names it. */

import { findUnknownKey } from '../errors/checks'

/** The longest delay that Node's timers support; a longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export function requireMs(name: string, value: number): void {
  if (value > 0 && value <= LONGEST_TIMER_MS) return
  throw new TypeError(`${name} must be milliseconds above 0 and up to ${LONGEST_TIMER_MS}, not ${value}`)
}

export function requireWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new TypeError(`${name} must be a whole number of at least ${least}, not ${value}`)
}

/** `where` is the option that contains the names, such as `retry`; empty for options at the top level. */
export function requireKnown(where: string, options: object, known: readonly string[]): void {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw new TypeError(`${where === '' ? 'options' : where} must be an object, not ${typeof options}`)
  const unknown = findUnknownKey(options, known)
  if (unknown === undefined) return
  throw new TypeError(`${where === '' ? '' : `${where}.`}${unknown.key} is not known; ${unknown.help}`)
}

/** Checks that a value is one of those allowed, for users without TypeScript. `undefined` counts as invalid. */
export function requireOneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && allowed.includes(value)) return
  throw new TypeError(`${name} must be one of ${allowed.join(', ')}, not ${String(value)}`)
}
