// Writes the code of the worker thread into the built package, as one string. Run after tsc; tests pass another folder.
import { buildSync } from 'esbuild'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const built = process.argv[2] ?? fileURLToPath(new URL('../../../dist/', import.meta.url))
const folder = join(built, 'inbox/sqlite/')
const { outputFiles } = buildSync({
  entryPoints: [`${folder}worker.js`],
  bundle: true,
  minifyWhitespace: true,
  minifySyntax: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  write: false,
})
writeFileSync(
  `${folder}worker-source.js`,
  `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nexports.workerSource = ${JSON.stringify(outputFiles[0].text)};\n`,
)
