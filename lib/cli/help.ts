/** The texts of `--help`. */
import type { Named } from './arguments'
import type { Command } from './command'
import { commands, inboxCommands } from './commands'
import { wrap } from './printable'

const WIDTH = 100

export function generalHelp(): string {
  const rows = [
    ...Object.entries(inboxCommands).map(([name, { summary }]): [string, string] => [
      `inbox [target] ${name}`,
      summary,
    ]),
    ...Object.entries(commands).map(([name, { summary }]): [string, string] => [name, summary]),
  ]
  return `Usage: tradecloud-webhook <command>

${columns(rows)}

The target is the inbox of a webhook: its SQLite file, or postgres://user@host/database. Without one,
INBOX_URL is used. The inbox is opened directly, alongside a running server and without one. The
password of PostgreSQL comes from PGPASSWORD, or from a prompt.

  tradecloud-webhook <command> --help    options of a command
  tradecloud-webhook --version
`
}

export function commandHelp({ name, takes = '', summary, details, options }: Named): string {
  const words = name.startsWith('inbox ') ? `inbox [target] ${name.slice(6)}` : name
  const all: Command['options'] = { ...options, help: { type: 'boolean', help: 'Shows this.' } }
  const rows = Object.entries(all).map(([option, { value, help }]): [string, string] => [
    `--${option}${value === undefined ? '' : ` <${value}>`}`,
    help,
  ])
  const usage = ['tradecloud-webhook', words, takes, '[options]'].filter(Boolean).join(' ')
  const parts = [`Usage: ${usage}`, wrap(summary, WIDTH).join('\n'), details, columns(rows)]
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`
}

function columns(rows: Array<[string, string]>): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 4
  return rows
    .map(([left, right]) => `  ${left.padEnd(width - 2)}${wrap(right, WIDTH - width).join(`\n${' '.repeat(width)}`)}`)
    .join('\n')
}
