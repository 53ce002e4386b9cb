/** Receivers as child processes: starts, queries and kills them, and cleans up what a test has left. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InboxStats } from 'tradecloud-webhook'
import { pause } from '../integration/harness'
import { buildReceiver } from './build'
import type { Behaviour, FromReceiver, Measured, Question, ReceiverSettings, ToReceiver } from './receiver'

const START_MS = 20_000
const ANSWER_MS = 10_000
const END_MS = 5_000

const open: Array<() => Promise<unknown>> = []

/** Ends processes and removes folders, newest first. To be called in `afterEach`. */
export async function endAll(): Promise<void> {
  for (const end of open.splice(0).reverse()) await end()
}

/** Registers an action for `endAll`, which runs the actions in reverse order. */
export function atEnd(end: () => Promise<unknown>): void {
  open.push(end)
}

/** Creates a folder that is removed at the end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradecloud-faults-'))
  open.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The receiver could not start. The message contains the reason. */
export class Refused extends Error {
  readonly code: unknown

  constructor(code: unknown, message: string) {
    super(message)
    this.code = code
  }
}

/** Starts a receiver, and resolves when it listens. */
export async function startReceiver(settings: ReceiverSettings): Promise<Receiver> {
  const child = spawn(process.execPath, ['--expose-gc', buildReceiver(), JSON.stringify(settings)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
  })
  const receiver = new Receiver(child)
  open.push(() => receiver.end())
  await receiver.listening()
  return receiver
}

export class Receiver {
  port = 0
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #questions = new Map<number, (value: unknown) => void>()
  /** When the receiver began to close. Infinity until it reports that. */
  #closingAt = Infinity
  #stderr = ''
  #nextQuestion = 1

  constructor(child: ChildProcess) {
    this.#child = child
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr = (this.#stderr + chunk.toString()).slice(-4_000)))
    child.on('message', (message: FromReceiver) => {
      if (message.type === 'closing') this.#closingAt = message.at
      if (message.type !== 'answer') return
      this.#questions.get(message.question)?.(message.value)
      this.#questions.delete(message.question)
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async listening(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#child.on('message', (message: FromReceiver) => {
        if (message.type === 'refused') reject(new Refused(message.code, message.message))
        if (message.type !== 'listening') return
        this.port = message.port
        resolve()
      })
      this.#child.once('error', reject)
      void this.#exited.then(() => reject(new Error(`The receiver ended at its start: ${this.#stderr}`)))
    })
    await within(START_MS, started, 'the receiver does not start')
  }

  behave(behaviour: Behaviour): void {
    this.#send({ type: 'behave', behaviour })
  }

  /** Rejects if the inbox cannot be read at the moment. */
  stats(): Promise<InboxStats> {
    return this.#ask('stats') as Promise<InboxStats>
  }

  measure(): Promise<Measured> {
    return this.#ask('measure') as Promise<Measured>
  }

  /** Resolves once no event is waiting or running. */
  async drained(timeoutMs: number): Promise<void> {
    for (const end = Date.now() + timeoutMs; ; await pause(20)) {
      const stats = await this.stats().catch((error: unknown) => String(error))
      if (typeof stats === 'object' && stats.waiting + stats.running === 0) return
      if (Date.now() > end) throw new Error(`Not delivered within ${timeoutMs} ms: ${JSON.stringify(stats)}`)
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /**
   * Sends a signal, and resolves when the process has ended. `refusesFrom`: the time from which new requests must be
   * refused.
   */
  async signal(signal: NodeJS.Signals): Promise<{ code: number | null; afterMs: number; refusesFrom: number }> {
    const startedAt = performance.now()
    this.#child.kill(signal)
    await within(30_000, this.#exited, `${signal} does not end the receiver`)
    return { code: this.#child.exitCode, afterMs: performance.now() - startedAt, refusesFrom: this.#closingAt + 1 }
  }

  /** Makes the process call `process.exit()` at once, and resolves when it has ended. */
  async exit(): Promise<void> {
    this.#send({ type: 'exit' })
    await within(30_000, this.#exited, 'it does not exit')
  }

  /** Disconnects from the process, so that it ends by itself. Kills the process if it does not end in time. */
  async end(): Promise<void> {
    if (this.hasExited || this.#child.pid === undefined) return
    if (this.#child.connected) this.#child.disconnect()
    await within(END_MS, this.#exited, 'it does not end').catch(() => undefined)
    await this.kill()
  }

  async #ask(what: Question): Promise<unknown> {
    const question = this.#nextQuestion++
    const answered = new Promise((resolve) => this.#questions.set(question, resolve))
    this.#send({ type: 'ask', question, what })
    const value = await within(ANSWER_MS, answered, `the receiver does not answer: ${what}. ${this.#stderr}`)
    if (typeof (value as { error?: unknown }).error === 'string') throw new Error((value as { error: string }).error)
    return value
  }

  #send(message: ToReceiver): void {
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }
}

async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`After ${ms} ms: ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
