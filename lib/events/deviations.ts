/**
 * Lists where a value deviates from a schema. ajv can collect all errors, but that takes tens of megabytes for an
 * invalid body of maximum size. Therefore ajv stops at the first error here. The error is recorded, the invalid value
 * is temporarily replaced with a valid one, and ajv validates again.
 */
import type { ErrorObject, ValidateFunction } from 'ajv'
import type { Json } from './entity'
import type { Turns } from '../bytes/turns'
import type { Issue } from './events'

/**
 * Limits the number of listed issues: otherwise, a body with an error in every line would take long to validate, and
 * fill the response.
 */
export const MAX_ISSUES = 20
export const MORE: Issue = { pointer: '', message: 'has further deviations, which are not listed' }
/** Maximum length of a pointer and of a message. */
export const MAX_TEXT = 300

/** To be called directly after `validate` has returned false for the value, because it reads `validate.errors`. */
export function listDeviations(validate: ValidateFunction, value: unknown): Issue[] {
  const search = new Search(validate, value)
  try {
    search.run()
    return search.issues
  } finally {
    search.undo()
  }
}

/** A list that makes up most of a large value. */
export interface LongList {
  holder: Json
  key: string
  /** JSON pointer into the checked value. */
  pointer: string
}

/** If checking one part of the list takes less than this time, the next part gets twice as many entries. */
const PART_MS = 1

/**
 * Finds the same issues as `listDeviations`, but checks the value repeatedly, and yields to the event loop in between.
 * Each check sees only one part of the long list, so the schema must not have rules for the list as a whole.
 */
export async function listDeviationsInTurns(
  validate: ValidateFunction,
  value: unknown,
  { holder, key, pointer }: LongList,
  turns: Turns,
): Promise<Issue[]> {
  const entries = holder[key] as unknown[]
  if (entries.length === 0) return validate(value) ? [] : listDeviations(validate, value)
  const search = new Search(validate, value)
  try {
    for (let at = 0, count = 1, end = 0; at < entries.length && !search.ended; at = end) {
      end = Math.min(at + count, entries.length)
      const part = entries.slice(at, end)
      const startedAt = performance.now()
      search.startPart(holder, key, pointer, part, at)
      // Keeps the order of the schema: issues found before the list come first, issues found after it come last.
      let isReached = at > 0
      if (!isReached) onFirstRead(part, () => (isReached = true))
      const isAfter = ({ instancePath }: ErrorObject): boolean => isReached && !instancePath.startsWith(`${pointer}/`)
      if (!validate(value)) search.run(end < entries.length ? isAfter : undefined)
      if (performance.now() - startedAt < PART_MS) count *= 2
      if (turns.over) await turns.next()
    }
    return search.issues
  } finally {
    search.undo()
    holder[key] = entries
  }
}

/** Calls `callback` when the first entry of the list is read. */
function onFirstRead(list: unknown[], callback: () => void): void {
  const [value] = list
  const get = (): unknown => {
    callback()
    Object.defineProperty(list, 0, { value, writable: true, enumerable: true, configurable: true })
    return value
  }
  Object.defineProperty(list, 0, { get, enumerable: true, configurable: true })
}

class Search {
  readonly issues: Issue[] = []
  /** True if the search cannot continue: it found more than `MAX_ISSUES`, or could not replace an invalid value. */
  ended = false
  readonly #validate: ValidateFunction
  readonly #value: unknown
  readonly #changes: Changes = { undo: [], slices: new WeakSet() }
  /** Number of entries that are temporarily removed from the beginning of each list, by pointer. */
  readonly #skipped = new Map<string, number>()

  constructor(validate: ValidateFunction, value: unknown) {
    this.#validate = validate
    this.#value = value
  }

  startPart(holder: Json, key: string, pointer: string, part: unknown[], at: number): void {
    this.#changes.slices.add(part)
    this.#skipped.set(pointer, at)
    holder[key] = part
  }

  /**
   * Repeatedly records the error just found and validates again. Ends when there is no error, when `isForLater` returns
   * true for the error, or when the search cannot continue.
   */
  run(isForLater?: (error: ErrorObject) => boolean): void {
    do {
      const error = this.#validate.errors?.[0]
      if (error && isForLater?.(error)) return
      this.ended = !error || !this.#note(error)
    } while (!this.ended && !this.#validate(this.#value))
  }

  undo(): void {
    for (const restore of this.#changes.undo.reverse()) restore()
  }

  /** Records an error. Returns false if the search cannot continue after it. */
  #note(error: ErrorObject): boolean {
    if (this.issues.length === MAX_ISSUES) {
      this.issues.push(MORE)
      return false
    }
    const keys = error.instancePath
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    this.issues.push(toIssue({ ...error, instancePath: withSkipped(error.instancePath, this.#skipped) }, ''))
    if (!replace(this.#value, keys, error, this.#changes)) return false
    skipChecked(this.#value, keys, this.#skipped, this.#changes)
    return true
  }
}

const NEUTRAL: Record<string, unknown> = {
  null: null,
  string: '',
  object: {},
  array: [],
  number: 0,
  integer: 0,
  boolean: false,
}

/** Replaces the invalid value with a valid one. Returns false if that is not possible. */
function replace(root: unknown, keys: string[], error: ErrorObject, changes: Changes): boolean {
  const last = keys.at(-1)
  if (last === undefined) return false
  let holder = root as Json
  for (const key of keys.slice(0, -1)) holder = holder[key] as Json
  const { type } = error.params as { type?: string | string[] }
  const types = typeof type === 'string' ? type.split(',') : type
  // An error without a type means that a text does not match its pattern; the empty text matches all patterns of the
  // package.
  const neutral = types === undefined ? '' : types.includes('null') ? null : NEUTRAL[types[0] ?? 'null']
  if (Object.is(holder[last], neutral)) return false
  set(holder, last, neutral, changes)
  return true
}

/**
 * Shortens the outermost list that contains the invalid value: removes the entries before the one with that value, so
 * that they are not validated again. In large orders, most of the content is in such a list.
 */
function skipChecked(root: unknown, keys: string[], skipped: Map<string, number>, changes: Changes): void {
  let holder = root as Json
  for (const [i, key] of keys.slice(0, -1).entries()) {
    const list = holder[key]
    if (Array.isArray(list)) {
      const at = Number(keys[i + 1])
      const pointer = `/${keys.slice(0, i + 1).join('/')}`
      if (at > 0) {
        const rest = list.slice(at)
        changes.slices.add(rest)
        set(holder, key, rest, changes)
      }
      skipped.set(pointer, (skipped.get(pointer) ?? 0) + at)
      return
    }
    holder = list as Json
  }
}

/** The temporary changes to a value, to be undone at the end. */
interface Changes {
  undo: Array<() => void>
  /**
   * Lists that were created here. Changes to them need not be undone, and recording these changes would fill the
   * memory.
   */
  slices: WeakSet<object>
}

function set(holder: Json, key: string, value: unknown, { undo, slices }: Changes): void {
  const before = holder[key]
  const isOurs = slices.has(holder) || (typeof before === 'object' && before !== null && slices.has(before))
  if (!isOurs) undo.push(() => (holder[key] = before))
  holder[key] = value
}

/** Corrects a pointer to an entry of a shortened list, so that it is right for the whole list. */
function withSkipped(pointer: string, skipped: Map<string, number>): string {
  for (const [list, count] of skipped) {
    const [, index, rest] = pointer.startsWith(`${list}/`)
      ? (/^\/(\d+)(.*)$/s.exec(pointer.slice(list.length)) ?? [])
      : []
    if (index !== undefined) return `${list}/${Number(index) + count}${rest ?? ''}`
  }
  return pointer
}

export function toIssue(
  { instancePath, message = 'is not valid', keyword, params }: ErrorObject,
  prefix: string,
): Issue {
  const { pattern } = params as { pattern?: string }
  // All patterns of the package are for dates and times. The message says so, because a regular expression would not
  // help the reader.
  const form = pattern?.startsWith('^(?:\\d\\d') ? 'a date or time of ISO 8601' : `the pattern ${String(pattern)}`
  const words = keyword === 'pattern' ? `does not have its documented form, ${form}` : message
  return { pointer: `${prefix}${instancePath}`.slice(0, MAX_TEXT), message: words.slice(0, MAX_TEXT) }
}
