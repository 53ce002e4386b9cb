/**
 * The folder on disk: one file an event, in a sub-folder for what became of it. Each step is one that a crash can only
 * leave done or undone.
 */
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { mkdir, open, readdir, readFile, rm, truncate, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { FolderFlusher } from './folder-flusher'

/** `delivered` holds empty files, whose names are all that is remembered of an event. */
export type Place = 'waiting' | 'dead' | 'quarantine' | 'delivered' | 'damaged'

/* What each event takes: these cost half as much as their twins in node:fs/promises, which make an object of each file. */
const rename = promisify(fs.rename)
const stat = promisify(fs.stat)
const unlink = promisify(fs.unlink)
const writeFile = promisify(fs.writeFile)

const PLACES: readonly Place[] = ['waiting', 'dead', 'quarantine', 'delivered', 'damaged']
/** Not for others: orders hold prices and names. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
/** Names of delivered events pile up for weeks. */
const SUBFOLDERS_OF_DELIVERED = 256
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/

export class Folder {
  readonly directory: string
  readonly #flusher = new FolderFlusher()
  /** Sub-folders whose own names are on disk. */
  readonly #flushed = new Set<string>()
  /** The topmost folder that was made for this one. */
  #made: string | undefined

  constructor(directory: string) {
    this.directory = directory
  }

  /** Makes what is missing. The folder itself too: only at start-up, lest events are written where a disk was mounted. */
  createSync(): void {
    this.#flushed.clear()
    this.#made = fs.mkdirSync(this.directory, { recursive: true, mode: FOLDER_MODE })
    for (const name of ['tmp', 'requests', ...PLACES])
      fs.mkdirSync(join(this.directory, name), { recursive: true, mode: FOLDER_MODE })
    // On a full disk none could be made, and what was delivered could not be noted: that is what makes room.
    for (let i = 0; i < SUBFOLDERS_OF_DELIVERED; i++)
      fs.mkdirSync(join(this.directory, 'delivered', subfolderName(i)), { recursive: true, mode: FOLDER_MODE })
  }

  path(place: Place, id: string): string {
    return join(this.#subfolder(place, id), id)
  }

  /**
   * Writes a file that is there as a whole or not at all, and flushes it and its name. One that is there by that name is replaced:
   * it is of the same event, and could be neither made safe nor taken back, or is not known again yet.
   */
  async create(place: Place, id: string, content: Buffer): Promise<void> {
    const temporary = join(this.directory, 'tmp', randomUUID())
    const target = this.path(place, id)
    try {
      await writeFile(temporary, content, { flag: 'wx', mode: FILE_MODE, flush: true })
      await this.#inSubfolder(place, id, () => rename(temporary, target))
    } catch (error) {
      // What cannot be removed now is swept at the next start.
      await unlink(temporary).catch(() => undefined)
      throw error
    }
    try {
      await this.#flushName(place, id)
    } catch (error) {
      // Not safe, so not there: the sender brings it again.
      await unlink(target)
      throw error
    }
  }

  /** Flushes a file that was written before, and its name. */
  async flush(place: Place, id: string): Promise<void> {
    await withFile(this.path(place, id), 'r', (file) => file.sync())
    await this.#flushName(place, id)
  }

  async has(place: Place, id: string): Promise<boolean> {
    try {
      await stat(this.path(place, id))
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  read(place: Place, id: string): Promise<Buffer> {
    return readFile(this.path(place, id))
  }

  open<T>(place: Place, id: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    return withFile(this.path(place, id), 'r', use)
  }

  /** Flushes the names of all files of a place, and of all folders on the way to them. */
  async flushNames(place: Place): Promise<void> {
    const root = join(this.directory, place)
    const subfolders = (await readdir(root)).map((name) => join(root, name))
    await Promise.all([...subfolders, root, this.directory].map((folder) => this.#flusher.flush(folder)))
    const parent = dirname(this.directory)
    const top = this.#made === undefined ? parent : dirname(this.#made)
    for (let folder = parent; folder.length >= top.length; folder = dirname(folder)) {
      // A folder that is not ours to read was not made by us.
      await this.#flusher.flush(folder).catch(() => undefined)
      if (folder === dirname(folder)) break
    }
  }

  /** Adds to a file. Not flushed unless asked for: what it tells may be lost with the machine's power, the event not. */
  async append(place: Place, id: string, text: string, flush = false): Promise<void> {
    // Not 'a', which would make a file that is not there.
    await withFile(this.path(place, id), 'r+', async (file) => {
      const { size } = await file.stat()
      await file.write(text, size)
      if (flush) await file.sync()
    })
  }

  async move(id: string, from: Place, to: Place, flush = true): Promise<void> {
    await this.#inSubfolder(to, id, () => rename(this.path(from, id), this.path(to, id)))
    if (!flush) return
    await this.#flushName(to, id)
    await this.#flusher.flush(this.#subfolder(from, id))
  }

  /** Only the name stays. Not flushed: at worst the event is delivered once more. */
  async shrink(id: string): Promise<void> {
    await this.move(id, 'waiting', 'delivered', false)
    await truncate(this.path('delivered', id))
  }

  async remove(place: Place, id: string): Promise<void> {
    await unlink(this.path(place, id))
  }

  /** When the event was delivered, in milliseconds since 1970. */
  async deliveredAt(id: string): Promise<number | undefined> {
    try {
      return (await stat(this.path('delivered', id))).mtimeMs
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Ends the memory of an event that was delivered so long ago. */
  async forget(id: string, ttlMs: number): Promise<void> {
    const path = this.path('delivered', id)
    const { mtimeMs, size } = await stat(path)
    if (Date.now() - mtimeMs >= ttlMs) await unlink(path)
    // A crash came between moving it here and shrinking it.
    else if (size > 0) await truncate(path)
  }

  /** IDs in one of the sub-folders, or in all. */
  async *ids(place: Place, subfolder?: string): AsyncGenerator<string> {
    const root = join(this.directory, place)
    for (const name of subfolder === undefined ? await readdir(root) : [subfolder]) {
      const names = await readdir(join(root, name)).catch((error: unknown) => {
        if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return []
        throw error
      })
      yield* names.filter(isEventId)
    }
  }

  /** What a crash has left half written. */
  async sweep(): Promise<void> {
    const root = join(this.directory, 'tmp')
    for (const name of await readdir(root)) await rm(join(root, name), { force: true })
  }

  /** By the first letters of the ID. Sixteen where events come in: those that come at once share a flush of their names. */
  #subfolder(place: Place, id: string): string {
    return join(this.directory, place, id.slice(0, place === 'delivered' ? 2 : 1))
  }

  /** Makes the sub-folder where it is missing; never the folders above it. */
  async #inSubfolder(place: Place, id: string, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      if (!isMissing(error)) throw error
      const subfolder = this.#subfolder(place, id)
      await mkdir(subfolder, { mode: FOLDER_MODE }).catch((failure: unknown) => {
        if ((failure as NodeJS.ErrnoException).code !== 'EEXIST') throw failure
      })
      await action()
    }
  }

  /** Of a file; and of its sub-folder, which another one may have made and not flushed yet. */
  async #flushName(place: Place, id: string): Promise<void> {
    const subfolder = this.#subfolder(place, id)
    await this.#flusher.flush(subfolder)
    if (this.#flushed.has(subfolder)) return
    await this.#flusher.flush(dirname(subfolder))
    this.#flushed.add(subfolder)
  }
}

/** One of the sub-folders that the names of delivered events are spread over. */
export function subfolderName(i: number): string {
  return (i % SUBFOLDERS_OF_DELIVERED).toString(16).padStart(2, '0')
}

export function isEventId(name: string): boolean {
  return UUID.test(name)
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}

async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}
