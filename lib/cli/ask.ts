import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { isLoopback } from '../net/loopback'
import type { OptionValues } from './command'
import { UsageError } from './errors'
import { printable } from './printable'

/** `otherwise` is the advice in the error if there is no terminal. */
export async function confirm(question: string, otherwise: string): Promise<boolean> {
  requireTerminal(otherwise)
  const answer = await ask(createInterface({ input: process.stdin, output: process.stderr }), `${question} [y/N] `)
  return /^\s*y(es)?\s*$/i.test(answer)
}

/**
 * Asks the user before events are sent to another machine. Does not ask, and returns true, if `--yes` is set or the
 * endpoint is on this machine.
 */
export async function confirmTarget(hostname: string, what: string, { yes }: OptionValues): Promise<boolean> {
  if (yes === true || isLoopback(hostname.includes(':') ? `[${hostname}]` : hostname)) return true
  const host = printable(hostname)
  return confirm(`Send ${what} to ${host}?`, `${host} is not this machine: confirm with --yes.`)
}

/** Asks for a secret. What is typed is not shown. */
export async function askSecret(question: string, otherwise: string): Promise<string> {
  requireTerminal(otherwise)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  // The output is muted before the prompt is shown, so that no typed character is echoed.
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true })
  process.stderr.write(question)
  const answer = await ask(terminal, '')
  process.stderr.write('\n')
  return answer
}

function requireTerminal(otherwise: string): void {
  if (!process.stdin.isTTY) throw new UsageError(otherwise)
}

/** Resolves with an empty text if the input ends without an answer. */
function ask(terminal: Interface, question: string): Promise<string> {
  return new Promise((resolve) => {
    terminal.once('close', () => resolve(''))
    terminal.once('SIGINT', () => process.exit(130))
    terminal.question(question, (answer) => {
      resolve(answer)
      terminal.close()
    })
  })
}
