/** Tells open pages by server-sent events that something has changed; they fetch it themselves. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startInterval, startTimer, type Timer } from '../wait/timers'
import { startStream } from './respond'
import type { Source } from './source/source'

/** Pages beyond this reload by themselves. */
const MAX_STREAMS = 50
/** Changes within this time are one event. */
const COLLECT_MS = 500
/** Proxies close connections on which nothing is sent. */
const KEEP_ALIVE_MS = 15_000
/** Then the browser connects again, and its credentials are checked again. */
const MAX_STREAM_MS = 600_000

export class Live {
  readonly #source: Source
  readonly #streams = new Set<ServerResponse>()
  #stopWatching: (() => void) | undefined
  #keepAlive: Timer | undefined
  #pending: Timer | undefined
  #isClosed = false

  constructor(source: Source) {
    this.#source = source
  }

  /** False if no more pages can be told. */
  open(req: IncomingMessage, res: ServerResponse): boolean {
    if (this.#isClosed || this.#streams.size >= MAX_STREAMS) return false
    startStream(res)
    if (req.method === 'HEAD') {
      res.end()
      return true
    }
    res.write('retry: 5000\nevent: hello\ndata:\n\n')
    this.#streams.add(res)
    const timer = startTimer(() => res.end(), MAX_STREAM_MS)
    res.once('close', () => {
      clearTimeout(timer)
      this.#streams.delete(res)
      if (this.#streams.size === 0) this.#stop()
    })
    this.#stopWatching ??= this.#source.watch(() => this.#changed())
    this.#keepAlive ??= startInterval(() => this.#write(':\n\n'), KEEP_ALIVE_MS)
    return true
  }

  /** Ends all streams: a server that closes waits for them. */
  close(): void {
    this.#isClosed = true
    for (const res of this.#streams) res.end()
    this.#stop()
  }

  #changed(): void {
    this.#pending ??= startTimer(() => {
      this.#pending = undefined
      this.#write('event: change\ndata:\n\n')
    }, COLLECT_MS)
  }

  #write(text: string): void {
    for (const res of this.#streams) res.write(text)
  }

  #stop(): void {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    clearInterval(this.#keepAlive)
    this.#keepAlive = undefined
    clearTimeout(this.#pending)
    this.#pending = undefined
  }
}
