/**
 * An event is acknowledged only after a successful flush. After a failed flush, no event is acknowledged until the
 * repair is complete. strace records the system calls of the process, and the tests read this record.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../wait'
import { Member } from './members'
import type { MemberOptions } from './protocol'

let folder: string
let file: string
let member: Member | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sqlite-flush-'))
  file = join(folder, 'inbox.db')
})
afterEach(async () => {
  await member?.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** With `LARGE`, the body is stored in two parts. */
const [SMALL, LARGE] = [2_000, 1_500_000]

async function start(bodyBytes: number, ...strace: string[]): Promise<Member> {
  const ledger = join(folder, 'ledger')
  const options: MemberOptions = {
    engine: { type: 'sqlite', file },
    ...{ ledger, callbackMs: 0, failing: 0, concurrency: 0, bodyBytes },
  }
  member = new Member(options, ['strace', '-f', '-y', '-s', '200', '-o', join(folder, 'strace'), ...strace])
  await member.ready
  return member
}

type Call = 'write' | 'flush' | 'answer'

/** Writes to the log, successful flushes of the log, and responses, in the order in which they ended. */
function calls(): Call[] {
  const pending = new Map<string, string>()
  return readFileSync(join(folder, 'strace'), 'utf8')
    .split('\n')
    .flatMap((line): Call[] => {
      const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
      if (rest.endsWith('<unfinished ...>')) {
        pending.set(thread, rest)
        return []
      }
      const call = /^<\.\.\. \w+ resumed>/.test(rest) ? `${pending.get(thread) ?? ''}${rest}` : rest
      if (call.startsWith('pwrite64') && call.includes('inbox.db-wal')) return ['write']
      if (call.startsWith('fdatasync') && call.includes('inbox.db-wal') && call.endsWith(' = 0')) return ['flush']
      return call.includes('accepted') && call.startsWith('write') ? ['answer'] : []
    })
}

test.each([SMALL, LARGE])(
  '%i bytes: an event, and a duplicate of one, is acknowledged only after a flush that began after its last write',
  async (bytes) => {
    const process = await start(bytes, '-e', 'trace=pwrite64,fdatasync,write,writev')
    for (const number of [1, 2, 2, 3, 1]) expect(await process.accept({ number, entity: 'order' })).toBe(true)
    await process.kill()
    const found = calls()
    const answers = found.flatMap((call, i) => (call === 'answer' ? [i] : []))
    expect(answers).toHaveLength(5)
    for (const [i, at] of answers.entries()) {
      const before = found.slice(i === 0 ? 0 : answers[i - 1]! + 1, at)
      expect(before.lastIndexOf('flush')).toBeGreaterThan(before.lastIndexOf('write'))
    }
  },
)

test('after a failed flush nothing is acknowledged, not even as a duplicate, until all of the log is in the file', async () => {
  // `inject` makes several flushes fail: the first one is for an event, and later ones are those of the repair.
  const process = await start(
    SMALL,
    '-e',
    'trace=fdatasync,fsync,write,writev',
    '-e',
    'inject=fdatasync,fsync:error=EIO:when=10..16',
  )
  let number = 0
  await until(async () => !(await process.accept({ number: ++number, entity: 'order' })), 'a flush to fail')
  // Sends the refused event again. This event is in the log, but not yet on disk.
  await until(() => process.accept({ number, entity: 'order' }), 'the repair')
  await process.kill()
  const lines = readFileSync(join(folder, 'strace'), 'utf8').split('\n')
  const failed = lines.findIndex((line) => line.includes('INJECTED'))
  const answered = lines.findIndex((line, i) => i > failed && line.includes('write') && line.includes('accepted'))
  const lastFailure = lines.findLastIndex((line) => line.includes('INJECTED'))
  expect(failed).toBeGreaterThan(0)
  expect(answered).toBeGreaterThan(lastFailure)
  // Between the failed flush and the response, the repair has flushed the database file itself.
  const flushed = lines.findIndex(
    (line, i) => i > failed && /sync\(\d+<[^>]*inbox\.db>(\) += 0| <unfinished)/.test(line),
  )
  expect(flushed).toBeGreaterThan(failed)
  expect(flushed).toBeLessThan(answered)
})
