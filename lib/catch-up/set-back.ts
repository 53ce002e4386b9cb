/** Detects that the API's clock, as the header `Date` shows it, was set back. */
import type { CatchUpStorage, Lease, Position } from '../inbox/catch-up/storage'

/** Smaller steps are ignored, because the clocks of the API's servers differ slightly. */
const SET_BACK_MS = 60_000

/**
 * After the API's clock was set back, arrival records with later times would cover new changes. These records are
 * deleted, although their changes are then delivered again. A single response may be wrong, and a cache may repeat it,
 * so the first run with an earlier clock rejects. Only a later run deletes the records, if its clock has advanced and
 * is still too early.
 */
export async function checkClock(
  storage: CatchUpStorage,
  lease: Lease,
  position: Position,
  clock: number,
): Promise<Position> {
  const { clock: last = -Infinity, setBackTo } = position
  if (clock >= last - SET_BACK_MS) return { ...position, setBackTo: undefined }
  if (setBackTo !== undefined && clock > setBackTo) {
    await storage.forgetAfter(lease, lease.scope, clock)
    return position
  }
  await storage.savePosition(lease, { ...position, setBackTo: clock })
  const [date, before] = [clock, last].map((time) => new Date(time).toISOString())
  throw new Error(
    `the API's Date header, ${date}, is earlier than in the last run, ${before}. The next run shows whether its clock was set back`,
  )
}
