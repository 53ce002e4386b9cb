/** `inbox stats`: the number of events by state. */
import { modelOf, type StatsModel } from '../../views/inbox'
import { JSON_OPTION, type Command } from '../command'
import { UsageError } from '../errors'
import { print, printLines } from '../output'
import { byteSize, count, duration, printable, printableJson } from '../printable'
import { TARGET_OPTIONS, withInbox } from './target'

export const stats: Command = {
  summary: 'Counts the events by state.',
  options: { ...JSON_OPTION, ...TARGET_OPTIONS },
  run: async (call) => {
    const [word] = call.words
    if (word !== undefined) throw new UsageError(`stats takes no ${printable(word)}.`)
    return withInbox(call, async (inbox) => {
      const model = modelOf(await inbox.stats())
      if (call.values.json) await print(`${printableJson(model)}\n`)
      else await printLines(linesOf(model))
      return 0
    })
  },
}

function linesOf({ oldestWaitingAt, oldestWaitingMs, waitingBytes, ...counts }: StatsModel): string[] {
  const rows = Object.entries(counts).map(([state, number]): [string, string] => [state, count(number)])
  const width = Math.max(...rows.map(([, number]) => number.length))
  const lines = rows.map(([state, number]) => `${state.padEnd(13)}${number.padStart(width)}`)
  if (oldestWaitingAt === undefined || oldestWaitingMs === undefined) return lines
  return [
    ...lines,
    `The oldest has been waiting since ${oldestWaitingAt} (${duration(oldestWaitingMs)}); ${byteSize(waitingBytes)} are waiting.`,
  ]
}
