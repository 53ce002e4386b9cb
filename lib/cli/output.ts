/** Results go to stdout; progress and messages go to stderr. */
import { styleText } from 'node:util'
import { fit } from './printable'

const REWRITE_MS = 100
/** Without a terminal, the first progress line is written after this time, and further ones every `NEXT_LINE_MS`. */
const FIRST_LINE_MS = 2_000
const NEXT_LINE_MS = 5_000
const MIN_WIDTH = 40
/** The assumed width of a terminal that reports 0 because it does not know its width. */
const UNKNOWN_WIDTH = 80

/** Resolves once the text has been written. Callers wait for this, so that a slow reader does not fill the memory. */
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

/** Width of the terminal. `undefined` if stdout is not a terminal: tables are then not cut. */
export function terminalWidth(): number | undefined {
  return isTerminal() ? Math.max(MIN_WIDTH, process.stdout.columns || UNKNOWN_WIDTH) : undefined
}

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim'

/** Styles the text if stdout is a terminal with colours and NO_COLOR is not set; `styleText` checks both. */
export function styled(style: Style | undefined, text: string): string {
  return style === undefined ? text : styleText(style, text)
}

/** Shows progress. On a terminal, one line is overwritten; elsewhere, a new line is written at intervals. */
export class ProgressLine {
  #due = Date.now() + (process.stderr.isTTY ? REWRITE_MS : FIRST_LINE_MS)
  #isShown = false

  show(text: string): void {
    const now = Date.now()
    if (now < this.#due) return
    this.#due = now + (process.stderr.isTTY ? REWRITE_MS : NEXT_LINE_MS)
    if (process.stderr.isTTY) {
      // The text is shortened to the width of the terminal, because only a single line can be overwritten.
      process.stderr.write(`\r${fit(text, Math.max(1, (process.stderr.columns || UNKNOWN_WIDTH) - 1))}`)
      this.#isShown = true
    } else say(text)
  }

  end(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K')
    this.#isShown = false
  }
}
