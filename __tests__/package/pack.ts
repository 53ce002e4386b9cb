/**
 * Packs the package once for all tests of this folder, and sets the environment variable `TARBALL` to the path of the
 * tarball.
 */
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from './project'

export default function pack(): void {
  const folder = mkdtempSync(join(tmpdir(), 'tradecloud-webhook-'))
  run('npm', ['pack', '--pack-destination', folder], root)
  const packed = readdirSync(folder).find((file) => file.endsWith('.tgz'))
  if (packed === undefined) throw new Error('npm pack wrote no tarball')
  process.env.TARBALL = join(folder, packed)
}
