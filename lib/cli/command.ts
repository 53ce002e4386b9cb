/** The definition of a command. Its list of options serves both for parsing and for `--help`. */

export interface Option {
  type: 'string' | 'boolean'
  multiple?: true
  /** Name of the option's value in the help. */
  value?: string
  help: string
}

export type OptionValue = string | boolean | string[] | undefined
export type OptionValues = Readonly<Record<string, OptionValue>>

export interface Invocation {
  values: OptionValues
  /** The positional arguments after the name of the command. */
  words: string[]
  /** For `inbox` commands: the file or URL of the inbox, if it was given as an argument. */
  target?: string | undefined
}

export interface Command {
  /** The arguments as the help shows them, such as `<id>…`. */
  takes?: string
  summary: string
  details?: string
  options: Readonly<Record<string, Option>>
  /** Resolves with the exit code. */
  run(call: Invocation): Promise<number>
}

export const JSON_OPTION: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'Machine-readable output.' },
}
