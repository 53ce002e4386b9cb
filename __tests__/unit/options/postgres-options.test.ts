/** Options of `postgresInbox`: the host is required, because without a host, `pg` would connect to localhost. */
import { resolvePostgresInbox } from '../../../lib/inbox/postgres/options'

test.each([
  '',
  'postgres:///erp',
  'postgres://user:secret@/erp',
  'postgres://:5432/erp',
  'postgres://user:secret@:5432/erp',
])('a connection string without a host throws: %s', (connectionString) => {
  expect(() => resolvePostgresInbox({ connectionString })).toThrow('Option `connectionString` must have the form')
})

test.each(['postgres://db.example/erp', 'postgresql://user:secret@db:5432/erp', 'postgres://user@[::1]:5432/erp'])(
  'a connection string with a host is accepted: %s',
  (connectionString) => expect(resolvePostgresInbox({ connectionString })).toMatchObject({ connectionString }),
)
