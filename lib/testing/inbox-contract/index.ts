/** The contract of an inbox, as tests for any test runner: for the inboxes of this package and for inboxes of users. */
import { acceptTests } from './accept'
import { actionTests } from './actions'
import { arrivalTests } from './arrivals'
import { catchUpTests } from './catch-up'
import { deliverTests } from './deliver'
import { figureTests } from './figures'
import { listTests } from './list'
import { processTests } from './processes'
import { Harness, type ContractTest, type InboxContractStorage } from './harness'

export type { InboxContractStorage }

export interface InboxContractOptions {
  /**
   * False for an inbox that does not support the catch-up: it has no `catchUp` and no `recordsArrivals`. Default: true.
   */
  catchUp?: boolean | undefined
}

/**
 * The contract tests. Each `run` rejects if the inbox breaks the contract.
 *
 * ```ts
 * const tests = inboxContract(() => {
 *   const schema = `test_${++count}`
 *   return { open: () => myInbox({ schema }) }
 * })
 * for (const { name, run } of tests) test(name, run)
 * ```
 */
export function inboxContract(
  create: () => InboxContractStorage | Promise<InboxContractStorage>,
  { catchUp = true }: InboxContractOptions = {},
): Array<{ name: string; run: () => Promise<void> }> {
  const tests: ContractTest[] = [
    ...acceptTests,
    ...deliverTests,
    ...listTests,
    ...actionTests,
    ...figureTests,
    ...processTests,
    ...(catchUp ? [...arrivalTests, ...catchUpTests] : []),
  ]
  return tests.map(({ name, run }) => ({
    name,
    run: async () => {
      const harness = new Harness(await create())
      try {
        await run(harness)
      } finally {
        await harness.end()
      }
    },
  }))
}
