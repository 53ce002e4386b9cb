/** Detects that the API's clock, as the header `Date` shows it, was set back. */
import type { CatchUpStorage, Lease, Position } from '../inbox/catch-up/storage'

/** Smaller steps are ignored, because the clocks of the API's servers differ slightly. */
const SET_BACK_MS = 60_000

/**
 * After the API's clock was set back, some arrival records have times later than the clock. They would make new changes
 * look as if they had arrived. So these records are deleted, although their changes are then delivered again.
 *
 * A single wrong response, which a cache may repeat, also shows an earlier clock. So the first run that sees an earlier
 * clock only rejects. A later run deletes the records if its clock has advanced since then, but is still too early.
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
