/** The subscription through which the inspector learns what the webhook does. */
import type { Watcher } from '../../answer/report'

/** The returned function unsubscribes. */
export type Subscribe = (watcher: Watcher) => () => void
