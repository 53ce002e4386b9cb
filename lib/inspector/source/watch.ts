/** How the inspector learns of what the webhook does. */
import type { Watcher } from '../../answer/report'

/** The returned function ends it. */
export type Watch = (watcher: Watcher) => () => void
