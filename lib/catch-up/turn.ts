/** Ensures that only one process polls at a time: waits for the lease, and renews it during a run. */
import { pause } from '../wait/pause'
import { LeaseLostError, type CatchUpInbox } from '../inbox/catch-up/storage'

/** How often to ask for the lease while another run holds it. */
const ASK_EVERY_MS = 1_000
const RENEW_EVERY_MS = 4_000
/** A run must end before its lease expires (15 s after the last renewal), so that no other process begins meanwhile. */
const LOST_AFTER_MS = 10_000

type Leases = Pick<CatchUpInbox, 'acquire' | 'renew' | 'release'>

/**
 * Runs `work` while holding the lease. The signal passed to `work` aborts if `signal` aborts or the lease is lost.
 * Rejects with the reason of `signal` if that aborts during the wait for the lease.
 */
export async function inTurn<T>(
  leases: Leases,
  signal: AbortSignal,
  work: (token: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const token = await acquire(leases, signal)
  const lost = new AbortController()
  const done = new AbortController()
  const renewing = keep(leases, token, done.signal, () =>
    lost.abort(new LeaseLostError('Another process is polling at the moment.')),
  )
  try {
    return await work(token, AbortSignal.any([signal, lost.signal]))
  } finally {
    done.abort()
    await renewing
    // If releasing fails, the lease expires after 15 s.
    await leases.release(token).catch(() => undefined)
  }
}

async function acquire(leases: Leases, signal: AbortSignal): Promise<string> {
  for (;;) {
    signal.throwIfAborted()
    const token = await leases.acquire()
    if (token !== undefined) return token
    await pause(ASK_EVERY_MS, signal)
  }
}

async function keep(leases: Leases, token: string, done: AbortSignal, onLost: () => void): Promise<void> {
  let renewedAt = performance.now()
  while (await pause(RENEW_EVERY_MS, done)) {
    const at = performance.now()
    const isOurs = await leases.renew(token).catch(() => undefined)
    if (isOurs) renewedAt = at
    else if (isOurs === false || performance.now() - renewedAt > LOST_AFTER_MS) return onLost()
  }
}
