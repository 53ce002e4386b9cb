/** The file inbox without HTTP: events of 8 KB, 50 at once, each on disk before it counts, against a bare loop that writes such files. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { built } from './package'
import { rates } from './statistics'
import { storedEvent } from './stored-event'

const { fileInbox } = built<typeof import('../lib')>()

const BYTES = Buffer.alloc(8 * 1024, 'x')
const AT_ONCE = 50

export async function run(quick: boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradecloud-bench-'))
  const inbox = fileInbox({ directory: join(folder, 'inbox') })
  try {
    await inbox.ready()
    return await rates(
      `8 KB, ${AT_ONCE} at once`,
      'events/s',
      { count: quick ? 500 : 1500, atOnce: AT_ONCE, rounds: quick ? 3 : 9 },
      {
        'fileInbox: accept': () => inbox.accept(storedEvent(BYTES), BYTES),
        'bare loop: write and flush a file': async () => {
          const file = await open(join(folder, randomUUID()), 'wx')
          await file.writeFile(BYTES)
          await file.sync()
          await file.close()
        },
      },
    )
  } finally {
    await inbox.close()
    await rm(folder, { recursive: true, force: true })
  }
}
