import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { tarball } from './project'

/** Removes the tarball and every project that was created with it. */
export default function unpack(): void {
  rmSync(dirname(tarball()), { recursive: true, force: true })
}
