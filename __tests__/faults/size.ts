/** The size of the suite, and a function that prints its figures. */
export { isFull } from '../size'

/** Prints the figures of a test as one line. Bypasses Jest's console, which would add further lines. */
export function report(title: string, figures: Record<string, unknown>): void {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${show(value)}`)
  process.stdout.write(`[faults] ${title}: ${shown.join(', ')}\n`)
}

function show(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 10) / 10)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
