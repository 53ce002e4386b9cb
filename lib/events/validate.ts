/**
 * Validates with ajv: deviations from Tradecloud's documented schemas are listed, up to a limit, and the user's own
 * schemas are enforced.
 */
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv'
import { checkKeys } from '../errors/checks'
import { invalidOption } from '../errors/errors'
import type { Issue } from './events'
import { isObject, type Json } from '../tradecloud/entity-state'
import { quote } from '../log/quote'
import type { BodySchema } from '../schema/validators'

export type { BodySchema }

/** The user's own JSON Schemas, by kind. */
export interface UserSchemas {
  /** For the object in `orderEvent`, `singleDeliveryOrderEvent` or `simpleOrderEvent`, and for a fetched order. */
  order?: object | undefined
  /** For the object in `orderDocumentsEvent`. */
  orderDocuments?: object | undefined
  /** For the object in `shipment`, and for a fetched shipment. */
  shipment?: object | undefined
}

export interface Validator {
  /** Deviations from the package's own schema, capped. Empty with `validation: 'off'`. */
  deviations(schema: BodySchema, value: unknown): Issue[]
  /** The first error according to the user's schema of this kind. */
  refusals(kind: string, value: unknown, pointer: string): Issue[]
}

/** A body with an error in every line must not cost more than a valid one, nor fill the response. */
export const MAX_ISSUES = 20
const MORE: Issue = { pointer: '', message: 'has further deviations, which are not listed' }
const MAX_TEXT = 300

export function capIssues(issues: Issue[]): Issue[] {
  return issues.length <= MAX_ISSUES ? issues : [...issues.slice(0, MAX_ISSUES), MORE]
}

/** A sentence with the first three issues, for error messages and log lines. */
export function withIssues(detail: string, issues: readonly Issue[]): string {
  const named = issues
    .slice(0, 3)
    .map(({ pointer, message }) => `${pointer === '' ? 'the body' : quote(pointer, 150)} ${message.slice(0, 150)}`)
  const more = issues.length - named.length
  return `${detail}: ${named.join('; ')}.${more > 0 ? ` And ${more} more.` : ''}`
}

export function removedKeyIssues(pointers: string[]): Issue[] {
  return pointers
    .slice(0, MAX_ISSUES + 1)
    .map((pointer) => ({ pointer: pointer.slice(0, MAX_TEXT), message: 'was taken out: it would change a prototype' }))
}

const USER_KINDS: ReadonlyArray<keyof UserSchemas> = ['order', 'orderDocuments', 'shipment']

export function createValidator(mode: 'tolerant' | 'strict' | 'off', userSchemas: UserSchemas = {}): Validator {
  const users = compileUsers(userSchemas)
  let own: ReturnType<typeof loadValidators> | undefined
  return {
    deviations: (schema, value) => (mode === 'off' ? [] : listDeviations((own ??= loadValidators())[schema], value)),
    refusals: (kind, value, pointer) => {
      const validate = users.get(kind)
      if (!validate || validate(value)) return []
      return (validate.errors ?? []).slice(0, 1).map((error) => toIssue(error, pointer))
    },
  }
}

/** Nearly a megabyte of code, loaded with the first body. */
function loadValidators(): Readonly<Record<BodySchema, ValidateFunction>> {
  return (require('../schema/validators') as typeof import('../schema/validators')).validators
}

function compileUsers(userSchemas: UserSchemas): Map<string, ValidateFunction> {
  const compiled = new Map<string, ValidateFunction>()
  if (!isObject(userSchemas)) throw invalidOption('schemas', `must be an object with ${USER_KINDS.join(', ')}`)
  checkKeys('schemas', userSchemas, USER_KINDS)
  for (const [kind, schema] of Object.entries(userSchemas) as Array<[keyof UserSchemas, unknown]>) {
    const option = `schemas.${kind}`
    if (schema === undefined) continue
    if (!isObject(schema)) throw invalidOption(option, 'is not a JSON Schema object')
    if (schema.$async) throw invalidOption(option, 'is asynchronous; only synchronous schemas are supported')
    try {
      compiled.set(kind, createAjv(String(schema.$schema)).compile(schema))
    } catch (error) {
      throw invalidOption(option, `cannot be compiled: ${(error as Error).message}`)
    }
  }
  return compiled
}

/** Draft-07, unless the schema declares another dialect. */
function createAjv($schema: string): Ajv {
  const { default: addFormats } = require('ajv-formats') as typeof import('ajv-formats')
  const ajv = new (loadDialect($schema))({ strict: false })
  addFormats(ajv)
  return ajv
}

/** Loaded lazily: only needed with the option `schemas`. Each path is a literal, because bundlers require it. */
function loadDialect($schema: string): typeof Ajv {
  if ($schema.includes('2019-09')) return (require('ajv/dist/2019') as typeof import('ajv/dist/2019')).default
  if ($schema.includes('2020-12')) return (require('ajv/dist/2020') as typeof import('ajv/dist/2020')).default
  return (require('ajv') as typeof import('ajv')).default
}

/**
 * ajv either stops at the first error or collects all of them: tens of megabytes for an invalid body of maximum size.
 * Therefore each error is recorded, the invalid value is replaced temporarily by a valid one, and validation continues.
 */
function listDeviations(validate: ValidateFunction, value: unknown): Issue[] {
  const issues: Issue[] = []
  if (validate(value)) return issues
  const changes: Changes = { undo: [], slices: new WeakSet() }
  const skipped = new Map<string, number>()
  try {
    do {
      const error = validate.errors?.[0]
      if (!error) break
      if (issues.length === MAX_ISSUES) {
        issues.push(MORE)
        break
      }
      const keys = error.instancePath
        .split('/')
        .slice(1)
        .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
      issues.push(toIssue({ ...error, instancePath: withSkipped(error.instancePath, skipped) }, ''))
      if (!replace(value, keys, error, changes)) break
      skipChecked(value, keys, skipped, changes)
    } while (!validate(value))
  } finally {
    for (const restore of changes.undo.reverse()) restore()
  }
  return issues
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

function toIssue({ instancePath, message = 'is not valid', keyword, params }: ErrorObject, prefix: string): Issue {
  const { pattern } = params as { pattern?: string }
  // All patterns of the package are dates and times; a regular expression would not help the reader.
  const form = pattern?.startsWith('^(?:\\d\\d') ? 'a date or time of ISO 8601' : `the pattern ${String(pattern)}`
  const words = keyword === 'pattern' ? `does not have its documented form, ${form}` : message
  return { pointer: `${prefix}${instancePath}`.slice(0, MAX_TEXT), message: words.slice(0, MAX_TEXT) }
}
