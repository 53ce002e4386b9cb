/** Runs the catch-up as requested at the command line: each request is a row in the database of the inbox. */
import { describeUnquoted } from '../log/describe-error'
import { pause } from '../wait/pause'
import type { CatchUpReport, CatchUpRunOptions } from './catch-up-options'
import type { RunProgress } from './run-lists'
import type { CatchUpInbox, CatchUpRequest, RunStatus } from '../inbox/catch-up/storage'

type RequestQueue = Pick<CatchUpInbox, 'takeRequest' | 'reportRun'>
type RunRequested = (options: CatchUpRunOptions, onProgress: (progress: RunProgress) => void) => Promise<CatchUpReport>

const LOOK_EVERY_MS = 2_000
const REPORT_EVERY_MS = 1_000
const REPORT_TRIES = 5

/** Runs until the signal aborts. Never rejects. */
export async function serveRequests(requests: RequestQueue, run: RunRequested, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    const taken = await requests.takeRequest().catch(() => undefined)
    if (taken) await serve(requests, taken.id, taken.request, run)
    else await pause(LOOK_EVERY_MS, closing)
  }
}

async function serve(requests: RequestQueue, id: string, request: CatchUpRequest, run: RunRequested): Promise<void> {
  let progress: RunProgress = { polled: 0, recoveredTotal: 0 }
  const ended = new AbortController()
  const reporting = reportProgress(requests, id, () => progress, ended.signal)
  const end = await run(request, (now) => (progress = now)).then(statusOf, (error: unknown): RunStatus => ({
    state: 'failed',
    report: { error: describeUnquoted(error) },
  }))
  ended.abort()
  // Reports are sent one after another, so that a delayed progress report cannot overwrite the final one.
  await reporting
  await reportEnd(requests, id, end)
}

/** Stores the progress periodically, which also shows that the process is alive. */
async function reportProgress(
  requests: RequestQueue,
  id: string,
  progress: () => RunProgress,
  ended: AbortSignal,
): Promise<void> {
  while (await pause(REPORT_EVERY_MS, ended))
    await requests.reportRun(id, { state: 'running', report: { ...progress() } }).catch(() => undefined)
}

async function reportEnd(requests: RequestQueue, id: string, end: RunStatus): Promise<void> {
  for (let tries = 1; tries <= REPORT_TRIES; tries++) {
    try {
      return await requests.reportRun(id, end)
    } catch {
      // Retried even while the process is closing, because the pauses add up to only a second.
      await pause(200, new AbortController().signal)
    }
  }
}

function statusOf({ error, ...report }: CatchUpReport): RunStatus {
  return error
    ? { state: 'failed', report: { ...report, error: describeUnquoted(error) } }
    : { state: 'done', report: { ...report } }
}
