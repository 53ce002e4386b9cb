/** A webhook with an inbox in a file, and helpers that read the inbox. */
import type { Inbox, InboxEntry, SettledRecord } from 'tradecloud-webhook'
import { startRig, temporaryInbox, type Rig, type RigOptions } from './harness'

export const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

interface InboxRig extends Rig {
  inbox: Inbox
  settled: SettledRecord[]
}

/** A webhook with an inbox and short retry delays. Settled deliveries are recorded. */
export async function startInboxRig({
  inbox = temporaryInbox(),
  delivery,
  ...options
}: RigOptions & { inbox?: Inbox } = {}): Promise<InboxRig> {
  const settled: SettledRecord[] = []
  const rig = await startRig({
    ...options,
    inbox,
    delivery: {
      retry: { minDelayMs: 20, maxDelayMs: 40 },
      onSettled: (record) => void settled.push(record),
      ...delivery,
    },
  })
  // The inbox is opened in advance, because opening it would otherwise slow down the first request.
  await rig.webhook.ready()
  return { ...rig, inbox, settled }
}

/** All events of the inbox except delivered ones. */
export async function entries(inbox: Inbox): Promise<InboxEntry[]> {
  return (await inbox.list()).entries.filter(({ state }) => state !== 'delivered')
}
