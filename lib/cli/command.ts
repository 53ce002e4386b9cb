/** What a command is: its options are the single source of parsing and of `--help`. */

export interface Option {
  type: 'string' | 'boolean'
  multiple?: true
  /** Name of the value in the help. */
  value?: string
  help: string
}

export type Value = string | boolean | string[] | undefined
export type Values = Readonly<Record<string, Value>>

export interface Call {
  values: Values
  /** What follows the name of the command. */
  words: string[]
  /** `inbox`: the database that was named. */
  target?: string | undefined
}

export interface Command {
  /** What follows its name, as in `<id>…`. */
  takes?: string
  summary: string
  details?: string
  options: Readonly<Record<string, Option>>
  /** Resolves with the exit code. */
  run(call: Call): Promise<number>
}

export const JSON_OPTION: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'Machine-readable output.' },
}
