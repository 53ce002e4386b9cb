/**
 * Last step of the build, which makes the package smaller. Removes the comments and white space of the JavaScript files
 * (a fifth of the package). Also removes the declarations to which no entry point refers, and the JavaScript files that
 * no entry point loads, such as those of the worker thread: their code is also in `worker-source.js`.
 */
import { transformSync } from 'esbuild'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { slimTypes } from './slim-types.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const dist = join(root, 'dist/')
const { bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.values(exports).filter((entry) => typeof entry === 'object')

for (const file of scripts()) {
  const { code } = transformSync(readFileSync(file, 'utf8'), {
    legalComments: 'none',
    // Node prints the source line that threw an uncaught exception, for example for an invalid option. The lines of
    // `errors/` must therefore stay readable.
    minifyWhitespace: !file.startsWith(join(dist, 'errors/')),
    target: 'node20',
  })
  writeFileSync(file, code)
}

const loaded = new Set()
for (const path of [...entries.map((entry) => entry.default), ...Object.values(bin)]) load(join(root, path))
for (const file of scripts()) if (!loaded.has(file)) rmSync(file)

slimTypes(
  dist,
  entries.map(({ types }) => join(root, types)),
)

function scripts() {
  const files = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'))
  return files.map((name) => join(dist, name))
}

function load(file) {
  if (loaded.has(file)) return
  loaded.add(file)
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/\brequire\("(\.[^"]+)"\)/g)) {
    const base = resolve(dirname(file), path)
    const found = [`${base}.js`, join(base, 'index.js')].find((name) => existsSync(name))
    if (found !== undefined) load(found)
  }
}
