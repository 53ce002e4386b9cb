/**
 * A process that runs a catch-up and records the steps of the run in a file. With `at`, the process kills or stops
 * itself at a certain step. Started by tests.
 */
import { appendFileSync } from 'node:fs'
import { runOnce } from './catch-up-run'
import { openInbox, type EngineOptions } from './protocol'

export interface CatchUpProcessOptions {
  engine: EngineOptions
  /** Name of the webhook. */
  name: string
  /** Path of a file. Each completed step and the end of the run add a line: monotonic time, label and step. */
  steps: string
  label: string
  /** The signal that the process sends to itself before a step or, if `isDone` is true, after it. */
  at?: { step: number; isDone: boolean; signal: 'SIGKILL' | 'SIGSTOP' } | undefined
}

const { engine, name, steps, label, at } = JSON.parse(process.argv[2] ?? '{}') as CatchUpProcessOptions

async function main(): Promise<void> {
  // Keeps the process alive. Neither an open inbox nor waiting for the lease does that.
  const holding = setInterval(() => undefined, 60_000)
  const inbox = openInbox(engine)
  await inbox.ready()
  const note = (step: string) => appendFileSync(steps, `${process.hrtime.bigint()} ${label} ${step}\n`)
  const run = (): Promise<string> => {
    let count = 0
    const step = (name: string, isDone: boolean): void => {
      if (!isDone) count++
      else note(name)
      if (at?.step === count && at.isDone === isDone) process.kill(process.pid, at.signal)
    }
    return runOnce(inbox.catchUp!(name), step).then(
      () => 'complete',
      (error: unknown) => (error as Error).name,
    )
  }
  let ended = await run()
  // Repeats the run if the database does not respond in time, as happens on a busy machine.
  while (ended !== 'complete' && ended !== 'LeaseLostError') ended = await run()
  note(ended)
  await inbox.close()
  clearInterval(holding)
}

void main()
