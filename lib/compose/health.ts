/** Checks whether events can be accepted now: asks each part that this depends on, at most once a second. */
import { describe } from '../log/describe-error'
import { within } from '../wait/within'

/** One part that accepting events depends on. */
export interface HealthCheck {
  ok: boolean
  /** Why not, for your own logs: it may name hosts and files. */
  detail?: string | undefined
}

export interface Health {
  /** Always true: that the process responds is the check. */
  live: boolean
  /** False while no event can be accepted; of a worker, while none can be taken from the inbox. */
  ready: boolean
  /**
   * `open`: `close()` was not called. `load`: bodies in flight are below `limits.maxBytesInFlight`. `inbox`: an event could
   * be stored. `store`: the store of `dedupe` responds. `credentials`: a key of OAuth is known. Only those that apply.
   */
  checks: Record<string, HealthCheck>
}

/** Throws or rejects with the problem. */
export type Check = () => void | Promise<void>

/** Anyone may ask for the health, and each check may write to a disk. */
const KEEP_MS = 1_000
/** Above the time limits of an inbox and a store. */
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
