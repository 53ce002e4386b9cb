/** A callback that waits until the test releases it. */
import { deferred, type Loose, type RawAnswer } from './harness'

export const outcomes = (answers: RawAnswer[]): string[] => answers.map(({ json }) => json.outcome ?? json.code).sort()

/** Creates a callback that waits until `open` is called. `inside` lists the calls that still run; `seen` lists all. */
export function gate(): {
  callback: (event: Loose) => Promise<void>
  inside: string[]
  seen: string[]
  most: number
  open: () => void
} {
  const opened = deferred()
  const state = {
    inside: [] as string[],
    seen: [] as string[],
    most: 0,
    open: () => opened.resolve(),
    callback: async (event: Loose) => {
      const name = String(event.order?.label ?? event.orderId ?? event.shipmentId)
      state.inside.push(name)
      state.seen.push(name)
      state.most = Math.max(state.most, state.inside.length)
      await opened.promise
      await new Promise((resolve) => setTimeout(resolve, 2))
      state.inside.splice(state.inside.indexOf(name), 1)
    },
  }
  return state
}
