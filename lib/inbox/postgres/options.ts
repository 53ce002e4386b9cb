/** The options of an inbox in PostgreSQL. */
import { checkBoolean, givenOptions, show } from '../../errors/checks'
import { invalidOption } from '../../errors/errors'
import { resolveKeep, type KeepInboxOptions, type ResolvedKeep } from '../sql/options'
import type { PostgresPool } from './client'

export interface PostgresInboxOptions extends KeepInboxOptions {
  /**
   * A `Pool` of `pg` 8, with at least four connections. The inbox does not close it. Required without
   * `connectionString`.
   */
  pool?: PostgresPool | undefined
  /**
   * Address of the database, such as `postgres://user:password@host/database`, for a pool of ten connections that the
   * inbox creates itself. Required without `pool`.
   */
  connectionString?: string | undefined
  /** Schema of the tables, created if it is missing. Default: `'tradecloud'`. */
  schema?: string | undefined
  /**
   * `'auto'`: the tables are created and upgraded. `'check'`: they must exist, see `postgresInboxSql`. Default:
   * `'auto'`.
   */
  migrate?: 'auto' | 'check' | undefined
  /**
   * Accepts a server that can lose commits that it has acknowledged. For tests only; logged at every start. Default:
   * false.
   */
  unsafe?: boolean | undefined
}

export interface ResolvedPostgresInbox extends ResolvedKeep {
  pool: PostgresPool | undefined
  connectionString: string | undefined
  schema: string
  migrate: 'auto' | 'check'
  unsafe: boolean
}

export function resolvePostgresInbox(options: PostgresInboxOptions): ResolvedPostgresInbox {
  const known = ['pool', 'connectionString', 'schema', 'migrate', 'unsafe', 'keepDelivered', 'maxBytes', 'dedupeTtlMs']
  const given = givenOptions(options, known, 'postgresInbox({ pool })')
  const { pool, connectionString, schema = 'tradecloud', migrate = 'auto', unsafe = false, ...keep } = given
  if ((pool === undefined) === (connectionString === undefined))
    throw invalidOption('pool', 'or `connectionString` must be set, and not both')
  if (pool !== undefined && typeof (pool as Partial<PostgresPool> | null)?.connect !== 'function')
    throw invalidOption('pool', 'is not a Pool of pg: it has no method connect')
  // Without a host, `pg` would connect to localhost, and events would be stored in the wrong database.
  if (connectionString !== undefined && !/^postgres(ql)?:\/\/(?:[^/?#]*@|(?![^/?#]*@))[^/?#@:]/.test(connectionString))
    throw invalidOption('connectionString', 'must have the form postgres://user:password@host:port/database')
  if (typeof schema !== 'string' || !/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw invalidOption('schema', `is ${show(schema)}; only lower-case letters, digits and underscores are allowed`)
  if (!['auto', 'check'].includes(migrate)) throw invalidOption('migrate', `is ${show(migrate)}; allowed: auto, check`)
  checkBoolean('unsafe', unsafe)
  return { pool, connectionString, schema, migrate, unsafe, ...resolveKeep(keep) }
}
