/** File systems that tests can fill, make read-only and detach. Needs root. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pause } from '../integration/harness'
import { atEnd, temporaryFolder } from './receiver-process'

const run = promisify(execFile)
const BUSY_MS = 10_000
const PAGE = Buffer.alloc(4096)
/** Number of files and folders for which a file system in memory has room. */
const FILES = 8192

export interface Mount {
  folder: string
  readOnly: (is: boolean) => Promise<void>
  /**
   * Detaches the file system, like a disk that was pulled out. The content of the folder below the mount point becomes
   * visible.
   */
  detach: () => Promise<void>
  attach: () => Promise<void>
}

/** Mounts a file system in memory. It is unmounted at the end, even if the test fails. */
export async function mountMemory(megabytes: number): Promise<Mount> {
  const source = temporaryFolder()
  await mount('-t', 'tmpfs', '-o', `size=${megabytes}m,nr_inodes=${FILES}`, 'tmpfs', source)
  atEnd(() => unmount(source))
  // The file system is mounted a second time, so that `detach` does not end it, and `attach` can mount it again.
  const folder = temporaryFolder()
  await mount('--bind', source, folder)
  atEnd(() => unmount(folder))
  return {
    folder,
    readOnly: async (is) => {
      // The file system is busy while a file is open for writing.
      for (const end = Date.now() + BUSY_MS; ; await pause(1)) {
        try {
          return await mount('-o', `remount,${is ? 'ro' : 'rw'}`, source)
        } catch (error) {
          if (Date.now() > end || !String(error).includes('busy')) throw error
        }
      }
    },
    detach: () => unmount(folder),
    attach: () => mount('--bind', source, folder),
  }
}

/** Uses up all space and all inodes. Also uses up what becomes free before `release` is called. */
export function fillDisk(folder: string): { release: () => void } {
  const path = join(folder, 'filling')
  mkdirSync(path)
  const file = openSync(join(path, 'pages'), 'a')
  const fill = (): void => {
    untilFull(() => writeSync(file, PAGE))
    untilFull(() => closeSync(openSync(join(path, randomUUID()), 'wx')))
  }
  fill()
  const timer = setInterval(fill, 5)
  let released = false
  const release = (): void => {
    if (released) return
    released = true
    clearInterval(timer)
    closeSync(file)
    rmSync(path, { force: true, recursive: true })
  }
  atEnd(async () => release())
  return { release }
}

function untilFull(action: () => void): void {
  try {
    for (;;) action()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

async function mount(...args: string[]): Promise<void> {
  try {
    await run('mount', args)
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(
      `This test mounts file systems, and so must run as root. mount ${args.join(' ')}: ${stderr ?? ''}`,
      {
        cause: error,
      },
    )
  }
}

async function unmount(folder: string): Promise<void> {
  await run('umount', ['--lazy', folder]).catch(() => undefined)
}
