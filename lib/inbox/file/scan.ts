/** Reads what is in the folder, for the inbox at its start and for the command line beside a running one. */
import { readEventFile, type EventFile } from './event-file'
import { isMissing, type Folder } from './folder'
import type { Entry } from './lines'

export const SCANNED = ['waiting', 'dead', 'quarantine'] as const

/** `file` is absent for one that is not whole. */
export interface Scanned {
  place: Entry['place']
  id: string
  file: EventFile | undefined
}

/** Files that are read at a time. */
const AT_ONCE = 16

/** In no order. Leaves out what is moved or removed meanwhile. */
export async function* scan(folder: Folder): AsyncGenerator<Scanned> {
  for (const place of SCANNED) {
    let batch: string[] = []
    for await (const id of folder.ids(place)) {
      batch.push(id)
      if (batch.length < AT_ONCE) continue
      yield* await readAll(folder, place, batch)
      batch = []
    }
    yield* await readAll(folder, place, batch)
  }
}

async function readAll(folder: Folder, place: Entry['place'], ids: string[]): Promise<Scanned[]> {
  const read = await Promise.all(
    ids.map(async (id) => {
      try {
        const file = await folder.open(place, id, readEventFile)
        // One that was delivered while it was read has shrunk, and is not damaged.
        return file || (await folder.has(place, id)) ? { place, id, file } : undefined
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    }),
  )
  return read.filter((scanned) => scanned !== undefined)
}
