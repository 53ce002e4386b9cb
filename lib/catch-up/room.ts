/** Limits how many found events wait for delivery, so that a run after a long outage does not fill the inbox. */
import type { CatchUpStorage } from '../inbox/catch-up/storage'
import type { RunOptions } from './run-options'

export async function waitForRoom(
  storage: Pick<CatchUpStorage, 'waiting'>,
  { maxWaiting: { events, bytes }, pause }: Pick<RunOptions, 'maxWaiting' | 'pause'>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const waiting = await storage.waiting()
    if (waiting.events < events && waiting.bytes < bytes) return
    signal.throwIfAborted()
    await pause(signal)
  }
}
