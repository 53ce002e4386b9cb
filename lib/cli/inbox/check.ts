/** `inbox check`: one line and an exit code, for cron, Nagios and Docker. */
import { MAX_AGE_MS, modelOf, type StatsModel } from '../../views/inbox'
import { JSON_OPTION, type Invocation, type Command } from '../command'
import { UsageError } from '../errors'
import { print } from '../output'
import { count, duration, printable, printableJson } from '../printable'
import { durationOf } from '../values'
import { TARGET_OPTIONS, withInbox } from './target'

export const check: Command = {
  summary: 'Reports in one line whether all is well, for cron, Nagios and Docker.',
  details: `Exit code: 0 all is well; 1 the oldest waiting event is older than --max-age, or an event is dead; 2 the inbox
cannot be read, or wrong usage.`,
  options: {
    'max-age': {
      type: 'string',
      value: 'duration',
      help: 'Maximum age of the oldest waiting event, such as 30s or 2h. Default: 15m.',
    },
    ...JSON_OPTION,
    ...TARGET_OPTIONS,
  },
  async run(call) {
    const maxAgeMs = durationOf('max-age', call.values['max-age']) ?? MAX_AGE_MS
    const [word] = call.words
    if (word !== undefined) throw new UsageError(`check takes no ${printable(word)}.`)
    const { code, line, ...model } = await judge(call, maxAgeMs)
    await print(call.values.json ? `${printableJson({ ok: code === 0, message: line, ...model })}\n` : `${line}\n`)
    return code
  },
}

async function judge(
  call: Invocation,
  maxAgeMs: number,
): Promise<{ code: number; line: string } & Partial<StatsModel>> {
  let model: StatsModel
  try {
    model = await withInbox(call, async (inbox) => modelOf(await inbox.stats()))
  } catch (error) {
    return { code: 2, line: `CRITICAL: ${printable(error instanceof Error ? error.message : String(error))}` }
  }
  const { waiting, running, dead, quarantined, oldestWaitingMs = 0 } = model
  const oldest = waiting + running > 0 ? ` (oldest ${duration(oldestWaitingMs)})` : ''
  const counts = `${count(waiting + running)} waiting${oldest}, ${count(dead)} dead, ${count(quarantined)} quarantined`
  const problems = [
    ...(oldestWaitingMs > maxAgeMs ? [`the oldest event has been waiting for more than ${duration(maxAgeMs)}`] : []),
    ...(dead > 0 ? [`${count(dead, 'event')} given up`] : []),
  ]
  if (problems.length === 0) return { ...model, code: 0, line: `OK: ${counts}` }
  return { ...model, code: 1, line: `WARNING: ${problems.join(', ')}: ${counts}` }
}
