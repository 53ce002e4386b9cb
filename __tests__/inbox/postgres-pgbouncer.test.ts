/**
 * With PgBouncer in transaction mode, each transaction may get another connection. Needs Debian's package `pgbouncer`.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { freePort } from '../proxies/ports'
import { until } from '../wait'
import { eventOf } from './numbered-event'
import { attach, closeInboxes, newSchema, open, takeOne } from './postgres-inboxes'

afterAll(stopPostgresServers)

test('an inbox behind PgBouncer in transaction mode, with fewer connections than it has itself', async () => {
  const server = await startPostgres()
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'))
  const port = await freePort()
  writeFileSync(join(folder, 'users'), '"postgres" ""\n', { mode: 0o644 })
  writeFileSync(
    join(folder, 'ini'),
    `[databases]
postgres = host=127.0.0.1 port=${server.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users')}
pool_mode = transaction
default_pool_size = 3
`,
  )
  chmodSync(folder, 0o755)
  const args = process.getuid?.() === 0 ? ['-u', 'postgres'] : []
  const bouncer = spawn('pgbouncer', [...args, join(folder, 'ini')], { stdio: 'ignore' })
  try {
    const connectionString = `postgres://postgres@127.0.0.1:${port}/postgres`
    const inbox = open({ connectionString, schema: newSchema() })
    await until(
      () =>
        inbox.ready().then(
          () => true,
          () => false,
        ),
      'PgBouncer does not answer',
    )
    attach(inbox)
    const count = 60
    const accepting = Array.from({ length: count }, (_, i) =>
      inbox.accept(...eventOf({ number: i, entity: `e${i % 5}` }, 2_000)),
    )
    expect((await Promise.all(accepting)).filter(({ result }) => result === 'queued')).toHaveLength(count)
    for (let number = 0; number < count; number++) {
      const delivery = await takeOne(inbox)
      if (number % 2 === 0) await inbox.settle(delivery, { result: 'delivered' })
      else await inbox.withTransaction?.(delivery, async () => undefined)
    }
    expect(await inbox.stats()).toMatchObject({ waiting: 0, running: 0, delivered: count })
    await closeInboxes()
  } finally {
    bouncer.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})
