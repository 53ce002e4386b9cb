/** Results go to stdout, and nothing else does; progress and messages go to stderr. */
import { fit } from './printable'

const REWRITE_MS = 100
/** Without a terminal: until the first line, and between two. */
const FIRST_LINE_MS = 2_000
const NEXT_LINE_MS = 5_000
/** Wide enough for a reader, where nobody says how wide it is. Programs take --json. */
const DEFAULT_WIDTH = 200
const MIN_WIDTH = 40

/** Resolves when it was taken, so that a slow reader holds us up and does not fill the memory. */
export function print(text: string | Buffer): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()))
}

export async function printLines(lines: Iterable<string>): Promise<void> {
  let batch = ''
  for (const line of lines) {
    batch += `${line}\n`
    if (batch.length < 64 * 1024) continue
    await print(batch)
    batch = ''
  }
  await print(batch)
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function terminalWidth(): number {
  const width = process.stdout.isTTY ? process.stdout.columns : Number(process.env.COLUMNS)
  return width > 0 ? Math.max(MIN_WIDTH, Math.floor(width)) : DEFAULT_WIDTH
}

/** On a terminal one line that is rewritten, else a line now and then. */
export class Progress {
  #due = Date.now() + (process.stderr.isTTY ? REWRITE_MS : FIRST_LINE_MS)
  #isShown = false

  show(text: string): void {
    const now = Date.now()
    if (now < this.#due) return
    this.#due = now + (process.stderr.isTTY ? REWRITE_MS : NEXT_LINE_MS)
    if (process.stderr.isTTY) {
      // A line that breaks could not be rewritten.
      process.stderr.write(`\r${fit(text, Math.max(1, process.stderr.columns - 1))}`)
      this.#isShown = true
    } else say(text)
  }

  end(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K')
    this.#isShown = false
  }
}
