/** The size of the suite, its seed, and a function that prints its figures. */
import { randomInt } from 'node:crypto'
import { isFull } from '../size'

export { isFull }

export const bodies = Number(process.env.FUZZ_BODIES ?? (isFull ? 1_000_000 : 25_000))
export const requests = Number(process.env.FUZZ_REQUESTS ?? (isFull ? 100_000 : 3_000))
/** FUZZ_SEED, which repeats a run, or a random seed. */
export const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31 - 1))

/** Prints the figures of a test as one line. Bypasses Jest's console, which would add further lines. */
export function report(title: string, figures: Record<string, string | number>): void {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${show(value)}`)
  process.stdout.write(`[fuzz] ${title}: ${shown.join(', ')}\n`)
}

function show(value: string | number): string {
  return typeof value === 'string' ? value : (Math.round(value * 10) / 10).toLocaleString('en')
}

export const MIB = 1024 * 1024
