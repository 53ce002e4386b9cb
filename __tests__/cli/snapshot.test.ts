/** Reading a folder whose files move and shrink under the reader's eyes, as a server makes them. */
import type { FileHandle } from 'node:fs/promises'
import { Folder, type Place } from '../../lib/inbox/file/folder'
import { findEvent, showEvent, takeSnapshot } from '../../lib/inbox/file/snapshot'
import { closeAll, fill, newFolder } from './inbox-folder'

afterEach(closeAll)

/** The server delivers an event just when it is being read. */
class Delivering extends Folder {
  override open<T>(place: Place, id: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    return super.open(place, id, async (file) => {
      await this.shrink(id)
      return use(file)
    })
  }
}

/** The server queues an event again after `waiting` has been read, and before `dead` is. */
class Requeuing extends Folder {
  override async *ids(place: Place, subfolder?: string): AsyncGenerator<string> {
    if (place === 'dead') for await (const id of super.ids('dead')) await this.move(id, 'dead', 'waiting')
    yield* super.ids(place, subfolder)
  }
}

/** It does so while one event is looked for. */
class RequeuingOne extends Folder {
  override async open<T>(place: Place, id: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    if (place === 'dead' && (await this.has('dead', id))) await this.move(id, 'dead', 'waiting')
    return super.open(place, id, use)
  }
}

test('an event that is delivered while it is read is not there, and not damaged', async () => {
  const directory = newFolder()
  const [first, second, third] = await fill(directory, 'waiting', 3)
  const folder = new Delivering(directory)
  expect(await findEvent(folder, first!)).toBeUndefined()
  expect(await showEvent(folder, second!)).toBeUndefined()
  const { entries, damaged, stats } = await takeSnapshot(folder)
  expect({ entries, damaged, waiting: stats.waiting }).toEqual({ entries: [], damaged: [], waiting: 0 })
  expect(await folder.has('delivered', third!)).toBe(true)
})

test('an event that is queued again while the folder is read is found', async () => {
  const directory = newFolder()
  const [id] = await fill(directory, 'dead', 1)
  const { entries, stats } = await takeSnapshot(new Requeuing(directory))
  expect(entries).toMatchObject([{ id, state: 'waiting' }])
  expect(stats).toMatchObject({ waiting: 1, dead: 0 })
  const [other] = await fill(directory, 'dead', 1)
  expect(await findEvent(new RequeuingOne(directory), other!)).toMatchObject({ place: 'waiting' })
})
