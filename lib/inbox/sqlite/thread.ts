/** Controls the worker thread from the main thread: sends requests, receives responses, and ends the thread. */
import { Worker } from 'node:worker_threads'
import { unavailable } from '../unavailable'
import { GATE, OPENED, type ThreadCall, type Posted, type Request, type WorkerOptions } from './protocol'
import { workerSource } from './worker-source'

/**
 * Node ends worker threads when the process exits. Before that, the thread gets this much time to end its transaction
 * and close the file.
 */
const EXIT_MS = 2_500

/** `code` is the primary result code of SQLite. */
export class SqliteError extends Error {
  constructor(
    message: string,
    readonly code: number | undefined,
  ) {
    super(message)
  }
}

export class Thread {
  /** Resolves once the file is open, with a warning for operators if there is one. */
  readonly opened: Promise<string | undefined>
  /** Resolves once the thread has ended, for any reason. */
  readonly ended: Promise<void>
  readonly #worker: Worker
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  readonly #outgoing: Request[] = []
  readonly #flags: Int32Array
  readonly #onExit: () => void
  #lastId = OPENED
  #last: Promise<unknown> = Promise.resolve()
  #hasEnded = false

  constructor(options: Omit<WorkerOptions, 'gate'>, onChange: () => void) {
    const gate = new SharedArrayBuffer(GATE.bytes)
    this.#flags = new Int32Array(gate)
    const workerData: WorkerOptions = { ...options, gate }
    // The thread does not inherit the command-line options of Node, because it needs none.
    this.#worker = new Worker(workerSource, { eval: true, workerData, execArgv: [], name: 'tradecloud-webhook inbox' })
    this.opened = this.#expect(OPENED) as Promise<string | undefined>
    this.opened.catch(() => undefined)
    this.#worker.on('message', (posted: Posted) => {
      if ('changed' in posted) onChange()
      else posted.results.forEach((response) => this.#settle(response.id, response))
      this.#holdProcess()
    })
    const fail = (error: Error): void => {
      for (const { reject } of this.#pending.values()) reject(error)
      this.#pending.clear()
    }
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        process.off('exit', this.#onExit)
        this.#hasEnded = true
        fail(unavailable('The inbox is closed.'))
        resolve()
      })
    })
    this.#worker.once('error', fail)
    this.#onExit = () => {
      Atomics.store(this.#flags, GATE.stop, 1)
      this.#worker.postMessage([{ id: OPENED, call: 'close', argument: undefined }] satisfies Request[])
      Atomics.wait(this.#flags, GATE.open, 1, EXIT_MS)
    }
    process.on('exit', this.#onExit)
  }

  call(call: ThreadCall, argument: unknown): Promise<unknown> {
    if (this.#hasEnded) return Promise.reject(unavailable('The inbox is closed.'))
    const request: Request = { id: ++this.#lastId, call, argument }
    const result = this.#expect(request.id)
    this.#last = result.catch(() => undefined)
    // Sent one microtask later, so that requests made until then share one message: most of the cost of a message does
    // not depend on its size.
    if (this.#outgoing.push(request) === 1) void Promise.resolve().then(() => this.#post())
    this.#holdProcess()
    return result
  }

  #post(): void {
    const requests = this.#outgoing.splice(0)
    const bodies = requests.map(({ argument }) => argument).filter(hasBytes)
    // The bodies are copied once and then transferred. A body may be part of a larger buffer, and cloning would copy
    // that whole buffer.
    const memory = new Uint8Array(bodies.reduce((size, { bytes }) => size + bytes.length, 0))
    let at = 0
    const moved = requests.map((request) => {
      const { argument } = request
      if (!hasBytes(argument)) return request
      memory.set(argument.bytes, at)
      const bytes = memory.subarray(at, (at += argument.bytes.length))
      return { ...request, argument: { ...argument, bytes } }
    })
    this.#worker.postMessage(moved, [memory.buffer])
  }

  /** Resolves once every request that was sent so far has its result. */
  get last(): Promise<unknown> {
    return this.#last
  }

  /** Closes the file after all requests that were sent before. */
  async close(): Promise<void> {
    await this.call('close', undefined).catch(() => undefined)
    this.#worker.ref()
    await this.ended
  }

  #expect(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
  }

  #settle(id: number, response: Extract<Posted, { results: unknown }>['results'][number]): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (response.ok) pending?.resolve(response.value)
    else pending?.reject(new SqliteError(response.message, response.code))
  }

  /** Keeps the process alive only while requests are running. */
  #holdProcess(): void {
    if (this.#pending.size > 0) this.#worker.ref()
    else this.#worker.unref()
  }
}

/** `instanceof` would fail in Jest, which gives tests a `Uint8Array` other than Node's. */
function hasBytes(argument: unknown): argument is { bytes: Uint8Array } {
  return ArrayBuffer.isView((argument as { bytes?: unknown } | undefined)?.bytes)
}
