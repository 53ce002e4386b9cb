/**
 * Validates with ajv: deviations from Tradecloud's documented schemas are listed, up to a limit, and the user's own
 * schemas are enforced.
 */
import type { Ajv, ValidateFunction } from 'ajv'
import { checkKeys } from '../errors/checks'
import { invalidOption } from '../errors/errors'
import { listDeviations, listDeviationsInTurns, MAX_ISSUES, MAX_TEXT, MORE, toIssue, type LongList } from './deviations'
import type { Issue } from './events'
import { isObject } from './entity'
import { quote } from '../bytes/quote'
import type { BodySchema } from '../schema/validators'
import type { Turns } from '../bytes/turns'

export type { BodySchema }

/** The user's own JSON Schemas, by kind. */
export interface UserSchemas {
  /**
   * Schema for the object in `orderEvent`, `singleDeliveryOrderEvent` or `simpleOrderEvent`, and for an order that was
   * fetched or that the catch-up found. Default: none.
   */
  order?: object | undefined
  /** Schema for the object in `orderDocumentsEvent`. Default: none. */
  orderDocuments?: object | undefined
  /**
   * Schema for the object in `shipment`, and for a shipment that was fetched or that the catch-up found. Default: none.
   */
  shipment?: object | undefined
}

export interface Validator {
  /** Deviations from the package's own schema, up to a limit. Empty with `validation: 'off'`. */
  deviations(schema: BodySchema, value: unknown): Issue[]
  /** Like `deviations`, but yields to the event loop in between. */
  deviationsInTurns(schema: BodySchema, value: unknown, list: LongList, turns: Turns): Promise<Issue[]>
  /** The first error according to the user's schema for this kind; empty if there is none. */
  refusals(kind: string, value: unknown, pointer: string): Issue[]
}

export function capIssues(issues: Issue[]): Issue[] {
  return issues.length <= MAX_ISSUES ? issues : [...issues.slice(0, MAX_ISSUES), MORE]
}

/** Summarises the first three issues in a sentence, for error messages and log lines. */
export function withIssues(detail: string, issues: readonly Issue[]): string {
  const named = issues
    .slice(0, 3)
    .map(({ pointer, message }) => `${pointer === '' ? 'the body' : quote(pointer, 150)} ${message.slice(0, 150)}`)
  const more = issues.length - named.length
  return `${detail}: ${named.join('; ')}.${more > 0 ? ` And ${more} more.` : ''}`
}

export function removedKeyIssues(pointers: string[]): Issue[] {
  return pointers.slice(0, MAX_ISSUES + 1).map((pointer) => ({
    pointer: pointer.slice(0, MAX_TEXT),
    message: 'was removed, because it would change a prototype',
  }))
}

const USER_KINDS: ReadonlyArray<keyof UserSchemas> = ['order', 'orderDocuments', 'shipment']

export function createValidator(mode: 'tolerant' | 'strict' | 'off', userSchemas: UserSchemas = {}): Validator {
  const users = compileUsers(userSchemas)
  let own: ReturnType<typeof loadValidators> | undefined
  return {
    deviations: (schema, value) => {
      if (mode === 'off') return []
      const validate = (own ??= loadValidators())[schema]
      return validate(value) ? [] : listDeviations(validate, value)
    },
    deviationsInTurns: async (schema, value, list, turns) =>
      mode === 'off' ? [] : listDeviationsInTurns((own ??= loadValidators())[schema], value, list, turns),
    refusals: (kind, value, pointer) => {
      const validate = users.get(kind)
      if (!validate || validate(value)) return []
      return (validate.errors ?? []).slice(0, 1).map((error) => toIssue(error, pointer))
    },
  }
}

/** Loaded lazily with the first body, because the generated validators are 400 KB of code. */
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

/** Creates ajv for draft-07, unless the schema declares 2019-09 or 2020-12. */
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
