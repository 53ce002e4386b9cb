/** Parses the arguments of the command line into a command with its options. */
import { parseArgs } from 'node:util'
import { suggest } from '../errors/checks'
import type { Invocation, Command, Option, OptionValues } from './command'
import { commands, inboxCommands } from './commands'
import { UsageError } from './errors'
import { printable } from './printable'

export type Parsed =
  | { ask: 'version' }
  /** `command` is `undefined` if no known command is named: the help then covers all commands. */
  | { ask: 'help'; command: Named | undefined }
  | { ask: 'run'; command: Named; call: Invocation }

export interface Named extends Command {
  /** The full name, such as `inbox list`. */
  name: string
}

const GENERAL: Readonly<Record<string, Option & { short: string }>> = {
  help: { type: 'boolean', short: 'h', help: 'Shows this.' },
  version: { type: 'boolean', short: 'v', help: 'Shows the version.' },
}
/** Options with the same name have the same type in all commands. */
const ALL = Object.assign(
  {},
  ...[...Object.values(inboxCommands), ...Object.values(commands)].map(({ options }) => options),
  GENERAL,
) as Readonly<Record<string, Option>>

const OPTION_NAMES = Object.keys(ALL).map((name) => `--${name}`)

export function parseCommand(words: string[]): Parsed {
  const { values, positionals } = parseWords(words)
  if (values.version === true) return { ask: 'version' }
  if (values.help === true || positionals[0] === 'help') {
    const named = positionals.filter((word) => word !== 'help')
    return { ask: 'help', command: named.length === 0 ? undefined : findCommand(named, false)?.command }
  }
  const found = findCommand(positionals, true)
  if (!found) throw new UsageError('The command is missing.')
  const { command, call } = found
  for (const name of Object.keys(values))
    if (!Object.hasOwn(command.options, name)) throw new UsageError(`${command.name} has no option --${name}.`)
  return { ask: 'run', command, call: { ...call, values } }
}

function parseWords(args: string[]): { values: OptionValues; positionals: string[] } {
  // `--help` shows the help of a command even if other arguments are wrong.
  const end = args.indexOf('--')
  const asksHelp = args.slice(0, end < 0 ? undefined : end).some((word) => word === '--help' || word === '-h')
  try {
    const { values, positionals } = parseArgs({ args, options: ALL, allowPositionals: true, strict: !asksHelp })
    return { values: values as OptionValues, positionals }
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    const option = /'(--?[^' ]*)/.exec(message)?.[1] ?? ''
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
      throw new UsageError(sentence(`There is no option ${printable(option)}`, suggest(option, OPTION_NAMES)))
    if (message.includes('ambiguous'))
      throw new UsageError(`The value of ${option} is missing. If it begins with a dash, write ${option}=-…`)
    // Only the first sentence is shown: Node's message may continue with advice on words that begin with a dash.
    throw new UsageError(`${printable(message.split(/\. |\n/, 1)[0]?.replace(/\.$/, '') ?? '')}.`)
  }
}

const TARGET = /[./\\:]/

/** If the command is unknown: throws if `strict` is true, and returns `undefined` otherwise. */
function findCommand(
  [area, ...rest]: string[],
  strict: boolean,
): { command: Named; call: Omit<Invocation, 'values'> } | undefined {
  if (area === undefined) return undefined
  if (area !== 'inbox') return findIn(commands, '', [area, ...rest], ['inbox', ...Object.keys(commands)], strict)
  const [first, second] = rest
  if (first !== undefined && Object.hasOwn(inboxCommands, first))
    return findIn(inboxCommands, 'inbox ', rest, Object.keys(inboxCommands), strict)
  // A single word without a dot, slash, backslash or colon is probably a misspelled command, not a file or URL.
  const isTarget = first !== undefined && (second !== undefined || TARGET.test(first))
  if (strict && second !== undefined && TARGET.test(second)) throw new UsageError('inbox takes one file or URL.')
  const found = findIn(inboxCommands, 'inbox ', isTarget ? rest.slice(1) : rest, Object.keys(inboxCommands), strict)
  return found && { ...found, call: { ...found.call, ...(isTarget && { target: first }) } }
}

function findIn(
  table: Readonly<Record<string, Command>>,
  prefix: string,
  [name, ...words]: string[],
  names: string[],
  strict: boolean,
): { command: Named; call: Omit<Invocation, 'values'> } | undefined {
  const command = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
  if (command && name !== undefined) return { command: { ...command, name: `${prefix}${name}` }, call: { words } }
  if (!strict) return undefined
  const known = `the commands are ${names.join(', ')}`
  if (name === undefined) throw new UsageError(`The command after inbox is missing: ${known}.`)
  throw new UsageError(sentence(`Unknown command ${printable(prefix + name)}; ${known}`, suggest(name, names)))
}

/** `suggestion` is a question such as `Did you mean …?`, or empty. */
function sentence(text: string, suggestion: string): string {
  return suggestion === '' ? `${text}.` : `${text}${suggestion}`
}
