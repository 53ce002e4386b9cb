/**
 * Lists where a value deviates from a schema. ajv either stops at the first error or collects all of them: tens of megabytes
 * for an invalid body of maximum size. Therefore each error is recorded, the invalid value is replaced temporarily by a valid
 * one, and validation continues.
 */
import type { ErrorObject, ValidateFunction } from 'ajv'
import type { Json } from '../tradecloud/entity-state'
import type { Turns } from '../bytes/turns'
import type { Issue } from './events'

/** A body with an error in every line must not cost more than a valid one, nor fill the response. */
export const MAX_ISSUES = 20
export const MORE: Issue = { pointer: '', message: 'has further deviations, which are not listed' }
/** Of a pointer or message. */
export const MAX_TEXT = 300

export function listDeviations(validate: ValidateFunction, value: unknown): Issue[] {
  const search = new Search(validate, value)
  try {
    search.run()
    return search.issues
  } finally {
    search.undo()
  }
}

/** A list that most of a large value consists of. */
export interface LongList {
  holder: Json
  key: string
  /** JSON pointer in the value that is checked. */
  pointer: string
}

/** A part of the list that takes less time is followed by one of twice the entries. */
const PART_MS = 1

/**
 * The same issues, found with other work in between: the value is checked with a part of the list at a time. The list is not
 * complete meanwhile. The schema must say nothing of the list as a whole.
 */
export async function listDeviationsInTurns(
  validate: ValidateFunction,
  value: unknown,
  { holder, key, pointer }: LongList,
  turns: Turns,
): Promise<Issue[]> {
  const entries = holder[key] as unknown[]
  if (entries.length === 0) return listDeviations(validate, value)
  const search = new Search(validate, value)
  try {
    for (let at = 0, count = 1, end = 0; at < entries.length && !search.ended; at = end) {
      end = Math.min(at + count, entries.length)
      const part = entries.slice(at, end)
      const startedAt = performance.now()
      search.startPart(holder, key, pointer, part, at)
      // What ajv checks before the list comes first, and what it checks after the list comes last.
      let isReached = at > 0
      if (!isReached) onFirstRead(part, () => (isReached = true))
      const isAfter = ({ instancePath }: ErrorObject): boolean => isReached && !instancePath.startsWith(`${pointer}/`)
      search.run(end < entries.length ? isAfter : undefined)
      if (performance.now() - startedAt < PART_MS) count *= 2
      if (turns.over) await turns.next()
    }
    return search.issues
  } finally {
    search.undo()
    holder[key] = entries
  }
}

/** Calls back when the first entry is read. */
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
  /** Nothing more is listed. */
  ended = false
  readonly #validate: ValidateFunction
  readonly #value: unknown
  readonly #changes: Changes = { undo: [], slices: new WeakSet() }
  /** By the pointer of a list, how many of its entries are not in it for the moment. */
  readonly #skipped = new Map<string, number>()

  constructor(validate: ValidateFunction, value: unknown) {
    this.#validate = validate
    this.#value = value
  }

  /** Puts a part of a list in its place. */
  startPart(holder: Json, key: string, pointer: string, part: unknown[], at: number): void {
    this.#changes.slices.add(part)
    this.#skipped.set(pointer, at)
    holder[key] = part
  }

  /** Until nothing is wrong any more, or what is wrong is for later. */
  run(isForLater?: (error: ErrorObject) => boolean): void {
    while (!this.ended && !this.#validate(this.#value)) {
      const error = this.#validate.errors?.[0]
      if (error && isForLater?.(error)) return
      this.ended = !error || !this.#note(error)
    }
  }

  undo(): void {
    for (const restore of this.#changes.undo.reverse()) restore()
  }

  /** False if the search cannot go on after it. */
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

/** False if the invalid value cannot be replaced. */
function replace(root: unknown, keys: string[], error: ErrorObject, changes: Changes): boolean {
  const last = keys.at(-1)
  if (last === undefined) return false
  let holder = root as Json
  for (const key of keys.slice(0, -1)) holder = holder[key] as Json
  const { type } = error.params as { type?: string | string[] }
  const types = typeof type === 'string' ? type.split(',') : type
  // Any error other than a wrong type is text that does not match its pattern: the empty text matches all patterns.
  const neutral = types === undefined ? '' : types.includes('null') ? null : NEUTRAL[types[0] ?? 'null']
  if (Object.is(holder[last], neutral)) return false
  set(holder, last, neutral, changes)
  return true
}

/** Removes the entries before the invalid one, so that they are not validated again: large orders are mostly lines. */
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

/** The temporary changes of a value. */
interface Changes {
  undo: Array<() => void>
  /** Lists that were created here: they need no undo, and keeping all of them would fill the memory. */
  slices: WeakSet<object>
}

function set(holder: Json, key: string, value: unknown, { undo, slices }: Changes): void {
  const before = holder[key]
  const isOurs = slices.has(holder) || (typeof before === 'object' && before !== null && slices.has(before))
  if (!isOurs) undo.push(() => (holder[key] = before))
  holder[key] = value
}

/** Converts a pointer into the shortened lists to one into the whole value. */
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
  // All patterns of the package are dates and times; a regular expression would not help the reader.
  const form = pattern?.startsWith('^(?:\\d\\d') ? 'a date or time of ISO 8601' : `the pattern ${String(pattern)}`
  const words = keyword === 'pattern' ? `does not have its documented form, ${form}` : message
  return { pointer: `${prefix}${instancePath}`.slice(0, MAX_TEXT), message: words.slice(0, MAX_TEXT) }
}
