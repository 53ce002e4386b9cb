import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { tarball } from './project'

/** Removes the tarball and every project created from it. */
export default function unpack(): void {
  rmSync(dirname(tarball()), { recursive: true, force: true })
}
