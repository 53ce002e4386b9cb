// Opens both inboxes, and prints for each that it is ready or why it is not: `node inboxes.mjs`.
import { postgresInbox, postgresInboxSql } from 'tradecloud-webhook/postgres'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'

async function attempt(create) {
  try {
    const inbox = create()
    await inbox.ready()
    console.log(`ready: ${(await inbox.stats()).waiting} waiting`)
    await inbox.close()
  } catch (error) {
    console.log(error.message)
  }
}

if (!postgresInboxSql('edi').includes('CREATE SCHEMA IF NOT EXISTS "edi"')) process.exit(1)
await attempt(() => sqliteInbox({ file: 'data/esm.db' }))
await attempt(() => postgresInbox({ connectionString: 'postgres://me@127.0.0.1:1/db' }))
