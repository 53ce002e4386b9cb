/** Notifies the inspector of what the webhook does. */
import type { Watcher } from '../../answer/report'

/** The returned function unsubscribes. */
export type Subscribe = (watcher: Watcher) => () => void
