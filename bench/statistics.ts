/** Measures candidates alternately. Computes medians and ratios of pairs, and writes Markdown tables. */

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The quantile of a sample: the share `part` of all values lies below it. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}

/**
 * The median of the ratios of all rounds. A disturbance of the machine during a round affects both values of its ratio.
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, i) => value / (theirs[i] ?? NaN)))
}

/** Omits decimals beyond about three significant digits, because noise exceeds them. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** A Markdown table. All columns except the first are aligned to the right. */
export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

/** A measurement is never shortened to fewer rounds than this. */
const LEAST_ROUNDS = 7
/** Time after which `LEAST_ROUNDS` are enough, for slow machines. */
const PATIENCE_MS = 45_000

/**
 * Runs several candidates alternately, each round in another order, because a candidate may have to collect the garbage
 * of the one before it. Stops before `rounds` if the rounds take too long. Returns the number of rounds.
 */
export async function alternate<T>(
  candidates: readonly T[],
  rounds: number,
  run: (candidate: T, index: number) => void | Promise<void>,
): Promise<number> {
  const started = performance.now()
  const isEnough = (round: number): boolean => round >= LEAST_ROUNDS && performance.now() - started > PATIENCE_MS
  let round = 0
  for (; round < rounds && !isEnough(round); round++) {
    for (let i = 0; i < candidates.length; i++) {
      const index = (i + round) % candidates.length
      await run(candidates[index] as T, index)
    }
  }
  return round
}

/** CPU microseconds (user and system) that this process needs for `work`. */
async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

export interface Measured {
  name: string
  /** CPU microseconds per call, one value per round. */
  times: number[]
}

/** Measures the CPU of several candidates alternately, after three rounds to warm up. */
export async function measureCpu(
  calls: number,
  rounds: number,
  work: Readonly<Record<string, () => unknown>>,
): Promise<Measured[]> {
  const candidates = Object.entries(work).map(([name, run]) => ({ name, run, times: [] as number[] }))
  const round = async ({ run, times }: (typeof candidates)[number]): Promise<void> => {
    const cpu = await cpuOf(async () => {
      for (let i = 0; i < calls; i++) await run()
    })
    times.push(cpu / calls)
  }
  await alternate(candidates, 3, round)
  for (const candidate of candidates) candidate.times = []
  await alternate(candidates, rounds, round)
  return candidates
}

export interface RatesOptions {
  /** Calls in one round. */
  count: number
  atOnce: number
  rounds: number
}

/**
 * Measures the calls per second of each candidate, and the CPU that this process needs for a call. The last candidate
 * is the baseline of the ratios.
 */
export async function rates(
  title: string,
  unit: string,
  { count, atOnce, rounds }: RatesOptions,
  work: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<string> {
  const candidates = Object.entries(work).map(([name, run]) => ({
    ...{ name, run },
    perSecond: [] as number[],
    cpu: [] as number[],
  }))
  const round = async ({ run, perSecond, cpu }: (typeof candidates)[number]): Promise<void> => {
    const started = performance.now()
    cpu.push((await cpuOf(() => manyAtOnce(count, atOnce, run))) / count)
    perSecond.push((1000 * count) / (performance.now() - started))
  }
  await alternate(candidates, 1, round)
  for (const candidate of candidates) Object.assign(candidate, { perSecond: [], cpu: [] })
  await alternate(candidates, rounds, round)
  const bare = candidates.at(-1)
  return table(
    [title, unit, 'ratio', 'CPU, µs', 'ratio'],
    candidates.map(({ name, perSecond, cpu }) => [
      ...[name, digits(median(perSecond)), digits(ratioOf(perSecond, bare?.perSecond ?? []))],
      ...[digits(median(cpu)), digits(ratioOf(cpu, bare?.cpu ?? []))],
    ]),
  )
}

export async function manyAtOnce(count: number, atOnce: number, run: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
