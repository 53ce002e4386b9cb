/** Starts processes that share an inbox, sends events to them, and finds errors in their ledger. */
import { fork, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MemberOptions, Numbered, Order, Report } from './protocol'

export class Member {
  readonly process: ChildProcess
  readonly ready: Promise<void>
  /** The reasons why events were refused. */
  readonly refusals: string[] = []
  readonly alarms: string[] = []
  isExhausted = false
  #leasesLost = 0
  #ignored = 0
  readonly #waiting = new Map<number, (accepted: boolean) => void>()

  /** `under` is a program with its arguments, such as strace, that runs the process. */
  constructor(options: MemberOptions, under: string[] = []) {
    const [execPath, ...execArgv] = [...under, process.execPath, '--import', 'tsx']
    this.process = fork(join(__dirname, 'member.ts'), [JSON.stringify(options)], {
      execPath,
      execArgv,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Creates a process group, so that `kill` ends both the program in `under` and the process that it runs.
      detached: true,
    })
    this.ready = new Promise((resolve, reject) => {
      this.process.on('message', (report: Report) => {
        if ('ready' in report) resolve()
        if ('leaseLost' in report) this.#leasesLost++
        if ('ignored' in report) this.#ignored++
        if ('accepted' in report) this.#answer(report.accepted, true)
        if ('alarm' in report) this.alarms.push(report.alarm)
        if ('exhausted' in report) this.isExhausted = true
        if (!('refused' in report)) return
        this.refusals.push(report.error)
        this.#answer(report.refused, false)
      })
      this.process.once('exit', () => {
        reject(new Error('the process ended before it was ready'))
        for (const number of this.#waiting.keys()) this.#answer(number, false)
      })
    })
    this.ready.catch(() => undefined)
  }

  get leasesLost(): number {
    return this.#leasesLost
  }

  /** How many events a webhook would have ignored, because no process was known to have a callback. */
  get ignored(): number {
    return this.#ignored
  }

  /** Resolves with true if the event is stored, and with false if it was refused or the result is unknown. */
  accept(order: Numbered): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.set(order.number, resolve)
      if (!this.process.connected) return this.#answer(order.number, false)
      this.process.send(order, (error) => error && this.#answer(order.number, false))
    })
  }

  kill(): Promise<void> {
    return this.#end(() => process.kill(-(this.process.pid ?? 0), 'SIGKILL'))
  }

  end(): Promise<void> {
    return this.#end(() => this.process.send('end' satisfies Order))
  }

  #end(act: () => void): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return Promise.resolve()
    return new Promise((resolve) => {
      this.process.once('exit', () => resolve())
      act()
    })
  }

  #answer(number: number, accepted: boolean): void {
    this.#waiting.get(number)?.(accepted)
    this.#waiting.delete(number)
  }
}

/** Sends numbered events until each is stored. Events of one entity are sent one after another. */
export async function sendAll(
  {
    events,
    entities,
    connections,
    kindOf,
    signal,
  }: {
    events: number
    entities: number
    connections: number
    kindOf?: (number: number) => Numbered['kind']
    signal?: AbortSignal
  },
  member: () => Pick<Member, 'accept'> | undefined,
  onAccepted: (count: number) => void = () => undefined,
): Promise<void> {
  let next = 0
  let accepted = 0
  const busy = new Map<string, Promise<void>>()
  const send = async (number: number, entity: string, before: Promise<void> | undefined): Promise<void> => {
    await before
    while (!signal?.aborted && !((await member()?.accept({ number, entity, kind: kindOf?.(number) })) ?? false))
      await new Promise((resolve) => setTimeout(resolve, 10))
    onAccepted(++accepted)
  }
  const connection = async (): Promise<void> => {
    while (next < events && !signal?.aborted) {
      const number = ++next
      const entity = `order-${number % entities}`
      const sending = send(number, entity, busy.get(entity))
      busy.set(entity, sending)
      await sending
    }
  }
  await Promise.all(Array.from({ length: connections }, connection))
}

export interface Step {
  at: bigint
  pid: number
  /** The process: its name in the test, or its PID. */
  by: number
  step: 'begin' | 'end' | 'fail'
  entity: string
  number: number
}

export function readLedger(path: string): Step[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [at = '0', pid, step, entity = '', number, , by] = line.split(' ')
      return {
        ...{ at: BigInt(at), pid: Number(pid), by: Number(by), step: step as Step['step'] },
        ...{ entity, number: Number(number) },
      }
    })
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

export function delivered(steps: Step[]): Set<number> {
  return new Set(steps.filter(({ step }) => step === 'end').map(({ number }) => number))
}

/** When a process was stopped: the times before and after it was killed or frozen. */
export interface Stop {
  from: bigint
  to: bigint
}

/** Runs `act`, which kills or freezes a process, and records the times around it. */
export async function stopping(act: () => unknown): Promise<Stop> {
  const from = process.hrtime.bigint()
  await act()
  return { from, to: process.hrtime.bigint() }
}

/**
 * Finds deliveries that overlapped with another delivery of the same entity (`overlaps`), and deliveries that began
 * after a delivery of a later event of that entity (`outOfOrder`). A repeated delivery of an event that has succeeded
 * is not out of order. A delivery that began before its process was killed or frozen (`stops`) does not count as
 * running afterwards.
 */
export function disorder(steps: Step[], stops: ReadonlyMap<number, Stop>): { overlaps: Step[]; outOfOrder: Step[] } {
  const overlaps: Step[] = []
  const outOfOrder: Step[] = []
  const running = new Map<string, Step>()
  const latest = new Map<string, number>()
  const ended = new Set<number>()
  for (const step of steps) {
    const { entity, number, by, at } = step
    if (step.step === 'begin') {
      const other = running.get(entity)
      const stop = other && stops.get(other.by)
      if (other && !(stop && other.at <= stop.to && stop.from <= at)) overlaps.push(step)
      running.set(entity, step)
      if (number < (latest.get(entity) ?? 0) && !ended.has(number)) outOfOrder.push(step)
      latest.set(entity, Math.max(number, latest.get(entity) ?? 0))
    } else {
      if (running.get(entity)?.by === by) running.delete(entity)
      if (step.step === 'end') ended.add(number)
    }
  }
  return { overlaps, outOfOrder }
}
