/** The file inbox without HTTP: events of 8 KB, 50 at once, each on disk before it counts, against a bare loop that writes such files. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { built } from './package'
import { alternate, digits, median, ratioOf, table } from './statistics'
import { storedEvent } from './stored-event'

const { fileInbox } = built<typeof import('../lib')>()

const BYTES = Buffer.alloc(8 * 1024, 'x')
const AT_ONCE = 50

async function manyAtOnce(count: number, write: () => Promise<unknown>): Promise<number> {
  let left = count
  const started = performance.now()
  const worker = async (): Promise<void> => {
    while (left-- > 0) await write()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return (1000 * count) / (performance.now() - started)
}

export async function fileInboxPart(quick: boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradecloud-bench-'))
  const inbox = fileInbox({ directory: join(folder, 'inbox') })
  try {
    await inbox.ready()
    const candidates = [
      { name: 'fileInbox: accept', write: () => inbox.accept(storedEvent(BYTES), BYTES), perSecond: [] as number[] },
      {
        name: 'bare loop: write and flush a file',
        write: async () => {
          const file = await open(join(folder, randomUUID()), 'wx')
          await file.writeFile(BYTES)
          await file.sync()
          await file.close()
        },
        perSecond: [] as number[],
      },
    ]
    const count = quick ? 500 : 1500
    for (const { write } of candidates) await manyAtOnce(300, write)
    await alternate(candidates, quick ? 3 : 9, async ({ write, perSecond }) => {
      perSecond.push(await manyAtOnce(count, write))
    })
    const bare = candidates[1]?.perSecond ?? []
    return table(
      ['8 KB, 50 at once', 'events/s', 'ratio'],
      candidates.map(({ name, perSecond }) => [name, digits(median(perSecond)), digits(ratioOf(perSecond, bare))]),
    )
  } finally {
    await inbox.close()
    await rm(folder, { recursive: true, force: true })
  }
}
