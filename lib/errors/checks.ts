/** Shared checks of option values. They throw `invalid_option`, and never show a secret. */
import { invalidOption } from './errors'

/** The longest delay that Node's timers support; a longer one fires at once. */
export const MAX_TIMER_MS = 2_147_483_647

/**
 * Returns the options that are set: `undefined` counts as absent, and an unknown option throws. `example` is shown in
 * the error if there are no options at all. `path` is the option that contains these options, such as `api`; empty at
 * the top level.
 */
export function givenOptions<T extends object>(options: T, known: readonly string[], example: string, path = ''): T {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw invalidOption(path === '' ? 'options' : path, `is missing: ${example}`)
  checkKeys(path, options, known.toSorted())
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/** Throws for an unknown key. `path` is the option that contains the keys; empty at the top level. */
export function checkKeys(path: string, options: object, known: readonly string[]): void {
  const unknown = findUnknownKey(options, known)
  if (unknown === undefined) return
  const { key, help } = unknown
  if (path === '') throw invalidOption(key, `is not known; ${help}`)
  throw invalidOption(path, `has the unknown key ${JSON.stringify(key)}; ${help}`)
}

/** Finds the first unknown key. A key whose value is `undefined` counts as absent. */
export function findUnknownKey(options: object, known: readonly string[]): { key: string; help: string } | undefined {
  const key = Object.entries(options).find(([name, value]) => value !== undefined && !known.includes(name))?.[0]
  return key === undefined
    ? undefined
    : { key, help: `expected ${known.length === 1 ? '' : 'one of '}${known.join(', ')}${suggest(key, known)}` }
}

/** Returns a suggestion such as `: did you mean bodyLimit?`, or an empty text if no name is similar. */
export function suggest(name: string, known: readonly string[]): string {
  const wanted = name.toLowerCase()
  const nearest = known
    .map((one) => ({ one, distance: distanceOf(wanted, one.toLowerCase()) }))
    .filter(({ one, distance }) => distance <= Math.max(1, Math.floor(one.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0]?.one
  const containing = known.filter((one) => wanted.length >= 3 && one.toLowerCase().includes(wanted))
  const closest = nearest ?? (containing.length === 1 ? containing[0] : undefined)
  return closest === undefined ? '' : `: did you mean ${closest}?`
}

/** Levenshtein distance: the smallest number of characters to insert, remove or replace. */
function distanceOf(from: string, to: string): number {
  // A name this long is not similar to any known name, and comparing it could take a long time.
  if (from.length > 100) return Infinity
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? Infinity
}

/** Refuses an option that has no effect without another option, so that no user relies on it in vain. */
export function checkHasEffect(option: string, value: unknown, needed: string, isThere: boolean): void {
  if (value !== undefined && !isThere) throw invalidOption(option, `is set without ${needed}, and has no effect then`)
}

/** Throws if the option is set to something other than a function. */
export function checkFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw invalidOption(option, `is of type ${typeof value}, not a function`)
}

/** Throws if the option is set to something other than true or false. */
export function checkBoolean(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalidOption(option, `is ${show(value)}; allowed: true, false`)
}

/**
 * Refuses a secret that is not text, is empty, or has white space at its start or end: typical mistakes are an
 * environment variable that is not set, and a line break at the end.
 */
export function checkSecret(option: string, value: unknown): string {
  if (value === undefined || value === null) throw invalidOption(option, 'is missing; is its environment variable set?')
  if (typeof value !== 'string') throw invalidOption(option, `is of type ${typeof value}, not a string`)
  if (value === '') throw invalidOption(option, 'is empty')
  if (value.trim() !== value) {
    throw invalidOption(option, 'has white space at its start or end; was it copied with a line break?')
  }
  return value
}

/** Checks that a bearer token contains only characters that a header can contain. The error never shows the token. */
export function checkToken(option: string, value: unknown): string {
  const token = checkSecret(option, value)
  if (/^bearer\s/i.test(token))
    throw invalidOption(option, 'begins with "Bearer ", which is the scheme of the header: set only the token')
  if (!/^[\x21-\x7e]+$/.test(token))
    throw invalidOption(
      option,
      'contains a character that a header cannot contain; only visible ASCII characters are allowed',
    )
  return token
}

/** Refuses a user name with a colon: in basic authentication the first colon ends the user name (RFC 7617). */
export function checkUsername(option: string, value: unknown): string {
  const username = checkSecret(option, value)
  if (username.includes(':'))
    throw invalidOption(option, 'contains a colon, which Basic credentials do not allow in a user name (RFC 7617)')
  return username
}

export function checkWholeNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw invalidOption(option, `is ${show(value)}; it must be a whole number from ${min} to ${max}`)
}

/** Formats a value for an error. Only for numbers and words, never for a possible secret. */
export function show(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : `of type ${typeof value}`
}
