/** Histories that are played with a storage in memory, and also with real inboxes. */
import type { HistoryOptions } from '../../../lib/testing'
import { SETTLE } from './rig'

/** No event is lost, and late events arrive before the catch-up checks for them. */
export const HEALTHY = {
  lost: 0,
  delayMs: SETTLE - 1,
  hidden: 0,
  untimed: 0,
  existing: 4,
  headers: 0.3,
  documents: 0.1,
} satisfies HistoryOptions

/** Your own company makes requests whose events are disabled, and the other company answers them. */
export const OWN_CHANGES = {
  own: 0.4,
  existing: 0,
  sameMoment: 0,
  lost: 0,
  delayed: 0,
  twice: 0,
  hidden: 0,
  untimed: 0,
  gets: 0,
  documents: 0,
  headers: 0,
  shipments: 0,
} satisfies HistoryOptions
