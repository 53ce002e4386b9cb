/** The contract of inboxes, on SQLite. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { inboxContract } from '../../lib/testing/inbox-contract'

describe('the inbox in SQLite', () => {
  const tests = inboxContract(() => {
    const folder = mkdtempSync(join(tmpdir(), 'sqlite-inbox-'))
    return {
      open: () => sqliteInbox({ file: join(folder, 'inbox.db') }),
      dispose: () => rmSync(folder, { recursive: true, force: true }),
    }
  })
  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run(), 60_000)
})
