/**
 * The code of the worker thread as one string, so that bundlers include it. When the package is built,
 * `build-worker.mjs` replaces the compiled file.
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
