/** When something has changed, sends server-sent events to the open pages. The pages then fetch the new content. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startInterval, startTimer, type Timer } from '../wait/timers'
import { startStream } from './respond'
import type { Source } from './source/source'

/** Limit of open streams. Further pages get no events, and reload themselves periodically instead. */
const MAX_STREAMS = 50
/** Changes within this time are combined into one event. */
const COLLECT_MS = 500
/** Something is sent at this interval, because proxies close idle connections. */
const KEEP_ALIVE_MS = 15_000
/** Streams end after this time. The browser reconnects, and its credentials are checked again. */
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

  /** Returns false if too many pages are open, or if the webhook is closed. */
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
    this.#stopWatching ??= this.#source.watch(() => this.changed())
    this.#keepAlive ??= startInterval(() => this.#write(':\n\n'), KEEP_ALIVE_MS)
    return true
  }

  /** Ends all streams, because a server that is closing waits for them. */
  close(): void {
    this.#isClosed = true
    for (const res of this.#streams) res.end()
    this.#stop()
  }

  /** Tells open pages to fetch what has changed. */
  changed(): void {
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
