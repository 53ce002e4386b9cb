// Writes the script and style sheet of the inspector into the built package, as strings. Runs after tsc. In tests, the
// argument names another folder.
import { transformSync } from 'esbuild'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const built = process.argv[2] ?? fileURLToPath(new URL('../../dist/', import.meta.url))
const minified = (file, loader) => {
  const source = readFileSync(new URL(`client/${file}`, import.meta.url), 'utf8')
  return JSON.stringify(transformSync(source, { loader, minify: true }).code)
}
writeFileSync(
  join(built, 'inspector/assets.js'),
  `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.script = ${minified('inspector.js', 'js')};
exports.style = ${minified('inspector.css', 'css')};
`,
)
