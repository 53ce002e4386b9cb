/** Checks at most once a second whether a webhook can accept events, or a worker can take them. */
import { describe } from '../log/describe-error'
import { within } from '../wait/within'

/** The result of one check, such as that of the inbox or of the store. */
export interface HealthCheck {
  ok: boolean
  /** The reason if `ok` is false. Only for your own logs: it may contain names of hosts and files. */
  detail?: string | undefined
}

export interface Health {
  /** Always true: a process that is not alive cannot respond. */
  live: boolean
  /** False while events cannot be accepted; for a worker, while events cannot be taken from the inbox. */
  ready: boolean
  /**
   * The checks that apply to this webhook or worker. `open`: `close()` was not called. `load`: bodies in flight are
   * below `limits.maxBytesInFlight`. `inbox`: an event could be stored. `store`: the store of `dedupe` responds.
   * `credentials`: the keys for OAuth tokens are known.
   */
  checks: Record<string, HealthCheck>
}

/** Returns if all is well; otherwise throws or rejects with the problem. */
export type Check = () => void | Promise<void>

/** How long a result is reused: anyone may request the health, and a check may write to a disk. */
const KEEP_MS = 1_000
/** Time limit of a check. Inboxes and stores have shorter limits, so that their more detailed errors come first. */
const PATIENCE_MS = 3_000

/** Combines the checks of one webhook or worker. The returned function never rejects. */
export function createHealth(checks: Record<string, Check>): () => Promise<Health> {
  let last: { at: number; health: Promise<Health> } | undefined
  return () => {
    const now = performance.now()
    if (last === undefined || now - last.at > KEEP_MS) last = { at: now, health: checkAll(checks) }
    return last.health
  }
}

async function checkAll(checks: Record<string, Check>): Promise<Health> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await run(check)] as const),
  )
  return { live: true, ready: results.every(([, { ok }]) => ok), checks: Object.fromEntries(results) }
}

async function run(check: Check): Promise<HealthCheck> {
  try {
    await within(PATIENCE_MS, Promise.resolve(check()), () => {
      throw new Error(`It did not respond within ${PATIENCE_MS} ms.`)
    })
    return { ok: true }
  } catch (error) {
    return { ok: false, detail: describe(error) }
  }
}
