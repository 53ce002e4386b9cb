/** Opens the inbox for a command. Commands neither create an inbox nor take events from it. */
import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { types } from 'node:util'
import type { Inbox } from '../../inbox/inbox'
import type { Engine, EngineEvents } from '../../inbox/sql/engine'
import { SqlInbox } from '../../inbox/sql/sql-inbox'
import { askSecret } from '../ask'
import type { Invocation, Option } from '../command'
import { Failure, UsageError } from '../errors'
import { say } from '../output'
import { printable } from '../printable'
import { textOf } from '../values'

export const TARGET_OPTIONS: Readonly<Record<string, Option>> = {
  schema: { type: 'string', value: 'name', help: 'PostgreSQL: the schema of the tables. Default: tradecloud.' },
}

/** Opens the inbox, and closes it after `work`. */
export async function withInbox<T>(call: Invocation, work: (inbox: Inbox) => Promise<T>): Promise<T> {
  const inbox = await openReady(call)
  try {
    return await work(inbox)
  } finally {
    await inbox.close()
  }
}

/** `hasAsked`: whether the user was already asked for the password; the question is asked only once. */
async function openReady(call: Invocation, hasAsked = false): Promise<Inbox> {
  let inbox: Inbox | undefined
  try {
    inbox = openTarget(call)
    await inbox.ready()
    return inbox
  } catch (error) {
    await inbox?.close()
    if (hasAsked || !isPasswordMissing(error) || !process.stdin.isTTY) throw explain(error)
    // Set as an environment variable, because `pg` reads it for each new connection.
    process.env.PGPASSWORD = await askSecret('Password: ', 'Set PGPASSWORD.')
    return openReady(call, true)
  }
}

/** True for the error that `pg` throws if a server requires a password and `pg` has none. */
function isPasswordMissing(error: unknown): boolean {
  return error instanceof Error && error.message.includes('password must be a string')
}

/** Throws a `UsageError` if no usable inbox is named. The error never contains a password. */
function openTarget({ target: named, values }: Invocation): Inbox {
  const target = named ?? process.env.INBOX_URL
  if (target === undefined || target === '')
    throw new UsageError('The inbox is missing: name its SQLite file or its postgres:// URL, or set INBOX_URL.')
  const schema = textOf('schema', values.schema)
  if (/^postgres(ql)?:/i.test(target)) return openPostgres(target, schema, named !== undefined)
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(target))
    throw new UsageError('An inbox is a SQLite file or a postgres:// URL; other URLs are not supported.')
  if (schema !== undefined) throw new UsageError('--schema is for PostgreSQL only.')
  return openSqlite(target)
}

function openPostgres(url: string, schema: string | undefined, isArgument: boolean): Inbox {
  if (isArgument && hasPassword(url))
    throw new UsageError(
      'A password in an argument can be seen by every user of the machine: set PGPASSWORD, or set the whole URL as INBOX_URL.',
    )
  // Loaded lazily: only needed for PostgreSQL.
  const { PostgresEngine } = require('../../inbox/postgres/engine') as typeof import('../../inbox/postgres/engine')
  const { resolvePostgresInbox } =
    require('../../inbox/postgres/options') as typeof import('../../inbox/postgres/options')
  // `unsafe` allows a server that can lose commits. Such a server is a risk only for processes that store events.
  const options = resolveOptions(() =>
    resolvePostgresInbox({
      connectionString: url,
      migrate: 'check',
      unsafe: true,
      ...(schema !== undefined && { schema }),
    }),
  )
  return open(options, (events) => new PostgresEngine(options, events))
}

/** A password may contain any character, so it may extend to the last @ of the URL. */
function hasPassword(url: string): boolean {
  const rest = url.slice(url.indexOf(':') + 1).replace(/^\/\//, '')
  const credentials = rest.slice(0, Math.max(0, rest.lastIndexOf('@')))
  return /:./.test(credentials) || /[?&](ssl)?password=/i.test(rest)
}

function openSqlite(path: string): Inbox {
  const file = resolve(path)
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found) throw new UsageError(`There is no file ${printable(file)}.`)
  if (!found.isFile())
    throw new UsageError(
      `${printable(file)} is not a file: name the SQLite file of the inbox, such as ${printable(`${basename(file)}/inbox.db`)}.`,
    )
  // Loaded lazily: only needed for SQLite.
  const { SqliteEngine } = require('../../inbox/sqlite/engine') as typeof import('../../inbox/sqlite/engine')
  const { resolveSqliteInbox } = require('../../inbox/sqlite/options') as typeof import('../../inbox/sqlite/options')
  const options = { ...resolveOptions(() => resolveSqliteInbox({ file })), create: false }
  return open(options, (events) => new SqliteEngine(options, events))
}

function open(
  options: ConstructorParameters<typeof SqlInbox>[0],
  createEngine: (events: EngineEvents) => Engine,
): Inbox {
  return new SqlInbox(options, (events) => createEngine({ ...events, alarm: ({ message }) => say(printable(message)) }))
}

function resolveOptions<T>(resolveThem: () => T): T {
  try {
    return resolveThem()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Adds advice for users of the command line to an error. */
function explain(error: unknown): unknown {
  if (!types.isNativeError(error)) return error
  const { message } = error
  if (message.startsWith('There are no tables'))
    return new Failure(`${message} If this is the wrong database or schema, name another one (--schema).`)
  if (isPasswordMissing(error))
    return new Failure(`${message.replace(/SASL: .*/, 'it requires a password')}: set PGPASSWORD, or INBOX_URL.`)
  if (message === 'Invalid URL' || message.startsWith('Option `connectionString`'))
    return new UsageError('The URL must have the form postgres://user@host/database.')
  return error
}
