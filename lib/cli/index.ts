#!/usr/bin/env node
/** The command line: runs one command and turns what it throws into a message and an exit code. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isInboxFolder } from '../inbox/file/snapshot'
import { parseCommand } from './arguments'
import { list } from './list'
import { print, say } from './output'
import { printable } from './printable'
import { purge } from './purge'
import { replay } from './replay'
import { show } from './show'
import { USAGE, UsageError } from './usage'

async function run(words: string[]): Promise<void> {
  const parsed = parseCommand(words)
  if (parsed === 'help') return print(USAGE)
  const { command } = parsed
  const directory = resolve(parsed.directory)
  await checkFolder(directory)
  switch (command.name) {
    case 'list':
      return list(directory, command)
    case 'show':
      return show(directory, command)
    case 'replay':
      return replay(directory, command)
    case 'purge':
      return purge(directory, command)
  }
}

/** Before anything opens it: an inbox would make what is missing. */
async function checkFolder(directory: string): Promise<void> {
  const found = await stat(directory).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  })
  if (!found) throw new UsageError(`There is no folder ${printable(directory)}.`)
  if (!(await isInboxFolder(directory)))
    throw new UsageError(
      `${printable(directory)} is not the folder of a file inbox: waiting, dead or requests is missing in it.`,
    )
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  say(`tradecloud-webhook: ${printable(message)}`)
  if (error instanceof UsageError) say('See tradecloud-webhook --help.')
  process.exitCode = error instanceof UsageError ? 2 : 1
}

// `| head` has seen enough. Of anything else that befalls the output, such as a full disk, its reader must hear.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  fail(error)
  process.exit()
})
process.stderr.on('error', () => undefined)

// Until the end it has failed: a process that ends before has lost something that it waited for.
process.exitCode = 1
run(process.argv.slice(2)).then(() => (process.exitCode = 0), fail)
