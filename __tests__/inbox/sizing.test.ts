/**
 * The sizes in docs/inboxes.md: how much space an event takes in a SQLite file. Run with `npx jest --selectProjects
 * inbox --testPathPatterns sizing`.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteInbox } from '../../lib/inbox/sqlite'
import { eventOf } from './numbered-event'
import { attach, takeOne } from './postgres-inboxes'

const EVENTS = 1_000
const page = readFileSync(join(__dirname, '../../docs/inboxes.md'), 'utf8')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inbox-size-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/**
 * Kilobytes that an event adds to the closed file, measured as the difference of two files, so that the size of an
 * empty file does not count.
 */
async function kilobytes(bodyBytes: number, isDelivered: boolean): Promise<number> {
  const sizes: number[] = []
  for (const count of [EVENTS / 2, EVENTS]) {
    const file = join(folder, `${bodyBytes}-${count}.db`)
    const inbox = sqliteInbox({ file, keepDelivered: false })
    const numbers = Array.from({ length: count }, (_, i) => i)
    // Events are stored in groups, so that no event is refused for waiting too long on a busy machine.
    while (numbers.length > 0)
      await Promise.all(
        numbers
          .splice(0, 50)
          .map((number) =>
            inbox.accept(...eventOf({ number, entity: `cb0cef0b-6538-4828-b45e-5ad8ea69b5cd-PO${number}` }, bodyBytes)),
          ),
      )
    if (isDelivered) {
      attach(inbox)
      const deliveries = [await takeOne(inbox)]
      while (deliveries.length < count) deliveries.push(...(await inbox.take({ limit: 100, maxBytes: 1e9 })).deliveries)
      for (const delivery of deliveries) await inbox.settle(delivery, { result: 'delivered' })
    }
    await inbox.close()
    sizes.push(statSync(file).size)
  }
  const [half = 0, whole = 0] = sizes
  return (whole - half) / (EVENTS / 2) / 1_000
}

test.each([
  ['an event of 1 kB, waiting or kept', 1_000, false],
  ['an event of 8 kB, waiting or kept', 8_000, false],
  ['a delivered event without its body', 10, true],
])('%s', async (row, bodyBytes, isDelivered) => {
  const documented = Number(new RegExp(`^\\| ${row} \\| ([\\d.]+) kB`, 'm').exec(page)?.[1])
  const measured = await kilobytes(bodyBytes, isDelivered)
  expect(measured).toBeGreaterThan(documented * 0.9)
  expect(measured).toBeLessThan(documented * 1.1)
})
