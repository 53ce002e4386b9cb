/**
 * The code of the worker thread as one string, so that bundlers include it. In the built package, `build-worker.mjs`
 * generates this file.
 */
import { buildSync } from 'esbuild'
import { join } from 'node:path'

export const workerSource = buildSync({
  entryPoints: [join(__dirname, 'worker.ts')],
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  write: false,
}).outputFiles.reduce((text, file) => text + file.text, '')
