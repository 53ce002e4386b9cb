/** The parts of a webhook or worker that an inspector in the same process can access. */
import type { Reporter } from '../answer/report'
import type { Inbox } from '../inbox/inbox'
import type { Log } from '../log/log'
import type { ComposedCatchUp } from './catch-up'

export interface Inspection {
  inbox: Inbox | undefined
  log: Log
  reporter: Pick<Reporter, 'watch'>
  /** Absent without the option `catchUp`. */
  catchUp?: ComposedCatchUp['run'] | undefined
  /** Aborted when `close()` is called. */
  closing: AbortSignal
}

/**
 * A registered symbol, so that an inspector also recognises a webhook that was created by another copy of the package.
 */
const INSPECTION = Symbol.for('tradecloud-webhook.inspection')

/** Not enumerable, so that a logger does not print it with the webhook. */
export function makeInspectable(target: object, inspection: Inspection): void {
  Object.defineProperty(target, INSPECTION, { value: inspection })
}

/** `undefined` for anything but a webhook or a worker. */
export function inspectionOf(target: unknown): Inspection | undefined {
  if ((typeof target !== 'object' && typeof target !== 'function') || target === null) return undefined
  return (target as { [INSPECTION]?: Inspection })[INSPECTION]
}
