/**
 * Bodies, most of them damaged, go through the same parsing, validation and event building as in production. With
 * TEST_SIZE=full, there are a million bodies. FUZZ_SEED repeats a run, FUZZ_BODIES sets the number of bodies.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Report } from './bodies-process'
import { bodies, MIB, report, seed } from './size'

/** Resolves with the child's report, or with the reason why it ended early. */
function run(from: number, to: number): Promise<Report | string> {
  const child = fork(join(__dirname, 'bodies-process.ts'), [seed, from, to].map(String), {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as Report))
    child.once('exit', (code, signal) =>
      resolve(`FUZZ_SEED=${seed}, bodies ${from} to ${to}: the process ended with ${signal ?? code}`),
    )
  })
}

test(`${bodies} bodies`, async () => {
  const processes = Math.min(4, availableParallelism())
  const at = (part: number): number => Math.round((bodies * part) / processes)
  const begun = performance.now()
  const ended = await Promise.all(Array.from({ length: processes }, (_, i) => run(at(i), at(i + 1))))
  const seconds = (performance.now() - begun) / 1000
  const died = ended.filter((one) => typeof one === 'string')
  const reports = ended.filter((one) => typeof one !== 'string')
  expect([...died, ...reports.flatMap(({ problem }) => problem ?? [])]).toEqual([])
  const sum = (of: (one: Report) => number): number => reports.reduce((total, one) => total + of(one), 0)
  const slowest = reports.reduce((one, other) => (other.longestMs > one.longestMs ? other : one))
  const deliverable = sum((one) => one.deliverable) / sum((one) => one.sampled)
  const heapGrowth = Math.max(...reports.map((one) => one.heapGrowth))
  report(`bodies, FUZZ_SEED=${seed}`, {
    bodies: sum((one) => one.bodies),
    'per second': bodies / seconds,
    'must be delivered, in percent': 100 * deliverable,
    'longest ms': slowest.longestMs,
    'which was': slowest.longestAt,
    'heap grew by MiB': heapGrowth / MIB,
  })
  expect(sum((one) => one.bodies)).toBe(bodies)
  expect(new Set(reports.flatMap(({ kinds }) => kinds)).size).toBe(16)
  // A generator that yields only valid or only invalid bodies would prove nothing.
  expect(deliverable).toBeGreaterThan(0.2)
  expect(deliverable).toBeLessThan(0.8)
  expect(heapGrowth).toBeLessThan(32 * MIB)
}, 1_200_000)
