// Writes the code of the worker thread into the built package as one text. Run after tsc.
import { buildSync } from 'esbuild'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../dist/inbox/sqlite/', import.meta.url))
const { outputFiles } = buildSync({
  entryPoints: [`${folder}worker.js`],
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  write: false,
})
writeFileSync(
  `${folder}worker-source.js`,
  `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nexports.workerSource = ${JSON.stringify(outputFiles[0].text)};\n`,
)
