/** Flushes folders, so that the names in them outlive a power cut. Those who come while one runs share the next. */
import * as fs from 'node:fs'
import { promisify } from 'node:util'

const open = promisify(fs.open)
const fsync = promisify(fs.fsync)
const close = promisify(fs.close)

interface Flushes {
  /** Began before the caller came: it may have missed what the caller wrote. */
  current: Promise<void>
  next: Promise<void> | undefined
}

export class FolderFlusher {
  readonly #running = new Map<string, Flushes>()

  /** Resolves when everything that was in the folder at the time of the call is on disk. */
  flush(folder: string): Promise<void> {
    const running = this.#running.get(folder)
    if (!running) return this.#start(folder)
    running.next ??= running.current.then(
      () => this.#start(folder),
      () => this.#start(folder),
    )
    return running.next
  }

  #start(folder: string): Promise<void> {
    const current = flushNow(folder)
    const flushes: Flushes = { current, next: undefined }
    this.#running.set(folder, flushes)
    const end = (): void => {
      if (flushes.next === undefined && this.#running.get(folder) === flushes) this.#running.delete(folder)
    }
    current.then(end, end)
    return current
  }
}

async function flushNow(folder: string): Promise<void> {
  const descriptor = await open(folder, 'r')
  try {
    await fsync(descriptor)
  } finally {
    await close(descriptor)
  }
}
