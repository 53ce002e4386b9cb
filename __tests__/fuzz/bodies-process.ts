/**
 * The process of `bodies.test.ts`: checks a range of bodies of one seed, and reports to its parent. It runs outside of
 * Jest, whose sandbox halves the speed. Run with `node --expose-gc --import tsx`.
 */
import { makeBody } from './bodies'
import { isDeliverable, problemOf } from './judge-body'

export interface Report {
  problem?: string
  bodies: number
  kinds: string[]
  /**
   * For every 97th body, the process checks whether the body must be delivered. `sampled`: number of checked bodies;
   * `deliverable`: number of checked bodies that must be delivered.
   */
  sampled: number
  deliverable: number
  longestMs: number
  longestAt: number
  /** Growth of the heap from the third measurement to the last one, each after a garbage collection. */
  heapGrowth: number
}

const ROUNDS = 20
/** A body that takes longer than this counts as a hang. The longest bodies, of a few megabytes, take milliseconds. */
const HANG_MS = 5_000

async function run(seed: number, from: number, to: number): Promise<Report> {
  const round = Math.max(1, Math.floor((to - from) / ROUNDS))
  const kinds = new Set<string>()
  const heaps: number[] = []
  const report = { bodies: to - from, sampled: 0, deliverable: 0, longestMs: 0, longestAt: from, heapGrowth: 0 }
  for (let i = from; i < to; i++) {
    const body = makeBody(seed, i)
    kinds.add(body.how)
    const startedAt = performance.now()
    const problem = await problemOf(body, i)
    const took = performance.now() - startedAt
    if (took > report.longestMs) Object.assign(report, { longestMs: took, longestAt: i })
    if (problem !== undefined || took > HANG_MS) {
      const text = body.bytes.toString('base64').slice(0, 8_000)
      const what = `FUZZ_SEED=${seed}, body ${i} (${body.how}, ${body.type}): ${problem ?? `took ${took} ms`}`
      return { ...report, kinds: [...kinds], problem: `${what}\n${text}` }
    }
    if (i % 97 === 0) {
      report.sampled++
      if (isDeliverable(body.bytes)) report.deliverable++
    }
    if ((i - from) % round === round - 1) {
      globalThis.gc?.()
      heaps.push(process.memoryUsage().heapUsed)
    }
  }
  return { ...report, kinds: [...kinds], heapGrowth: (heaps.at(-1) ?? 0) - (heaps[2] ?? 0) }
}

const [seed = 0, from = 0, to = 0] = process.argv.slice(2).map(Number)
process.on('disconnect', () => process.exit())
void run(seed, from, to).then((report) => process.send?.(report, () => process.disconnect()))
