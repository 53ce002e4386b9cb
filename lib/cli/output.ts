/** Results go to stdout; progress and messages go to stderr. */
import { styleText } from 'node:util'
import { fit } from './printable'

const REWRITE_MS = 100
/** Without a terminal, the interval between progress lines, and the time before the first. */
const FIRST_LINE_MS = 2_000
const NEXT_LINE_MS = 5_000
const MIN_WIDTH = 40

/** Resolves once the text was written, so that a slow reader does not fill the memory. */
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
  if (batch !== '') await print(batch)
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function isTerminal(): boolean {
  return process.stdout.isTTY
}

/** Width of the terminal; `undefined` without a terminal: then nothing is cut. */
export function terminalWidth(): number | undefined {
  return isTerminal() ? Math.max(MIN_WIDTH, process.stdout.columns) : undefined
}

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim'

/** Coloured if stdout is a terminal with colours and NO_COLOR is not set: `styleText` checks both. */
export function styled(style: Style | undefined, text: string): string {
  return style === undefined ? text : styleText(style, text)
}

/** Shows progress: on a terminal in one line that is overwritten, otherwise in a new line at intervals. */
export class Progress {
  #due = Date.now() + (process.stderr.isTTY ? REWRITE_MS : FIRST_LINE_MS)
  #isShown = false

  show(text: string): void {
    const now = Date.now()
    if (now < this.#due) return
    this.#due = now + (process.stderr.isTTY ? REWRITE_MS : NEXT_LINE_MS)
    if (process.stderr.isTTY) {
      // A line that wraps could not be overwritten.
      process.stderr.write(`\r${fit(text, Math.max(1, process.stderr.columns - 1))}`)
      this.#isShown = true
    } else say(text)
  }

  end(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K')
    this.#isShown = false
  }
}
