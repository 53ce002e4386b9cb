#!/usr/bin/env node
/** The command line: runs one command and turns what it throws into a message and an exit code. */
import { parseCommand } from './arguments'
import { UsageError } from './errors'
import { commandHelp, generalHelp } from './help'
import { print, say } from './output'
import { printableLines } from './printable'

async function run(words: string[]): Promise<number> {
  const parsed = parseCommand(words)
  switch (parsed.ask) {
    case 'version': {
      const { version } = require('../../package.json') as { version: string }
      await print(`${version}\n`)
      return 0
    }
    case 'help':
      await print(parsed.command ? commandHelp(parsed.command) : generalHelp())
      return 0
    case 'run':
      return parsed.command.run(parsed.call)
  }
}

function fail(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error)
  say(`tradecloud-webhook: ${printableLines(withoutPasswords(message)).join('\n  ')}`)
  if (!(error instanceof UsageError)) return 1
  say('See tradecloud-webhook --help.')
  return 2
}

/** Removes passwords from URLs, because the error for a misplaced argument quotes the argument. */
function withoutPasswords(message: string): string {
  return message.replace(/(\w:\/{0,2})[^\s@]*:.*@/g, '$1***@')
}

// EPIPE is normal (`| head`); report any other stdout error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : fail(error)))
process.stderr.on('error', () => undefined)

// Set before the command runs, so that a process that ends early counts as failed.
process.exitCode = 1
run(process.argv.slice(2))
  .catch(fail)
  // Exit explicitly: if a login fails, `pg` keeps the connection open for a minute.
  .then((code) => process.stderr.write('', () => process.exit(code)))
  .catch(() => undefined)
