/** Checks of option values that more than one part makes. They throw `invalid_option`, and never show a secret. */
import { invalidOption } from './errors'

/** Beyond this, Node's timers fire at once. */
export const MAX_TIMER_MS = 2_147_483_647

/**
 * What is set of some options: one that is `undefined` counts as absent, one that is not known is a mistake. `example`
 * stands in the error where there are none at all.
 */
export function givenOptions<T extends object>(options: T, known: readonly string[], example: string): T {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw invalidOption('options', `is missing: ${example}`)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined) throw invalidOption(unknown, `is not known; known are ${known.toSorted().join(', ')}`)
  return given as T
}

/** `rest`: what is left of an object once all that is known was taken out of it. */
export function checkNothingElse(option: string, rest: object): void {
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) throw invalidOption(option, `has the unknown key ${JSON.stringify(unknown)}`)
}

/** A secret out of an environment variable that is not set, or with a line break at its end, is a mistake. */
export function checkSecret(option: string, value: unknown): string {
  if (value === undefined || value === null) throw invalidOption(option, 'is missing; is its environment variable set?')
  if (typeof value !== 'string') throw invalidOption(option, `is not text but ${typeof value}`)
  if (value === '') throw invalidOption(option, 'is empty')
  if (value.trim() !== value) {
    throw invalidOption(option, 'has white space at its start or end; was it copied with a line break?')
  }
  return value
}

/** RFC 7617: the first colon ends the user name. */
export function checkUsername(option: string, value: unknown): string {
  const username = checkSecret(option, value)
  if (username.includes(':'))
    throw invalidOption(option, 'holds a colon, which Basic credentials cannot carry (RFC 7617)')
  return username
}

export function checkWholeNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw invalidOption(option, `is ${show(value)}; it must be a whole number from ${min} to ${max}`)
}

/** For numbers and words only, never for what may be a secret. */
export function show(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : `of type ${typeof value}`
}
