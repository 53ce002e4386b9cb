/**
 * How much the suite does: all of what was asked for, or with FUZZ=ci a size that fits CI. Seeds, and one line of figures a
 * test.
 */
import { randomInt } from 'node:crypto'

export const isCi = process.env.FUZZ === 'ci'

export const bodies = Number(process.env.FUZZ_BODIES ?? (isCi ? 25_000 : 1_000_000))
export const requests = Number(process.env.FUZZ_REQUESTS ?? (isCi ? 3_000 : 100_000))
/** FUZZ_SEED repeats a run. */
export const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31 - 1))

/** Past Jest's own output, so that the figures can be reported. */
export function report(title: string, figures: Record<string, string | number>): void {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${show(value)}`)
  process.stdout.write(`[fuzz] ${title}: ${shown.join(', ')}\n`)
}

function show(value: string | number): string {
  return typeof value === 'string' ? value : (Math.round(value * 10) / 10).toLocaleString('en')
}

export const MIB = 1024 * 1024
