/** A webhook with an inbox in a file, and what the inbox holds. */
import type { Inbox, InboxEntry, SettledRecord } from 'tradecloud-webhook'
import { startRig, temporaryInbox, type Rig, type RigOptions } from './harness'

export const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

interface InboxRig extends Rig {
  inbox: Inbox
  settled: SettledRecord[]
}

/** A webhook with an inbox that retries soon. Settled deliveries are noted. */
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
  // Opening the file for the first request would count towards the time in which that is answered.
  await rig.webhook.ready()
  return { ...rig, inbox, settled }
}

/** Without delivered events. */
export async function entries(inbox: Inbox): Promise<InboxEntry[]> {
  return (await inbox.list()).entries.filter(({ state }) => state !== 'delivered')
}
