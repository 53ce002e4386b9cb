/** `inbox give-up`: gives up a waiting event, which may be holding up its order or shipment. */
import { labelOf, whyNotGivenUp } from '../../views/event'
import { JSON_OPTION, type Command } from '../command'
import { Failure, UsageError } from '../errors'
import { print } from '../output'
import { printable, printableJson } from '../printable'
import { textOf } from '../values'
import { findEvent } from './ids'
import { TARGET_OPTIONS, withInbox } from './target'

export const giveUp: Command = {
  takes: '<id> --reason <text>',
  summary: 'Gives up a waiting event, so that the events behind it are delivered. It is kept as dead.',
  details: 'A dead event can be replayed later; it then goes to the end of the queue of its order or shipment.',
  options: {
    reason: { type: 'string', value: 'text', help: 'The reason, which is stored with the event. Required.' },
    ...JSON_OPTION,
    ...TARGET_OPTIONS,
  },
  run: async (call) => {
    const { values, words } = call
    const [word, more] = words
    if (word === undefined || more !== undefined) throw new UsageError('give-up takes one ID.')
    const reason = textOf('reason', values.reason)
    if (reason === undefined) throw new UsageError('give-up needs a --reason.')
    return withInbox(call, async (inbox) => {
      const entry = await findEvent(inbox, word)
      if (!(await inbox.giveUp(entry.id, reason))) throw new Failure(await whyNotGivenUp(inbox, entry.id))
      const model = { ...entry, state: 'dead', reason, nextAttemptAt: undefined, waitsBehind: undefined }
      await print(values.json ? `${printableJson(model)}\n` : `Given up: ${entry.id}, ${printable(labelOf(entry))}.\n`)
      return 0
    })
  },
}
