/** Durations of repeated operations. They are printed in full-size runs, and no test asserts them. */
export class Latencies {
  readonly #ms: number[] = []

  async of<T>(work: Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const value = await work
    this.#ms.push(performance.now() - startedAt)
    return value
  }

  report(what: string): void {
    const sorted = this.#ms.toSorted((a, b) => a - b)
    const at = (part: number) => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? NaN)
    console.log(`${what}: ${sorted.length} events, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`)
  }
}
