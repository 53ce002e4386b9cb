/**
 * Makes the package smaller, after tsc: removes the comments and white space of the JavaScript files, a fifth of the
 * package, and declarations that no entry point refers to.
 */
import { transformSync } from 'esbuild'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const files = readdirSync(join(root, 'dist'), { recursive: true }).map((file) => join(root, 'dist', file))

for (const file of files.filter((name) => name.endsWith('.js'))) {
  const { code } = transformSync(readFileSync(file, 'utf8'), {
    legalComments: 'none',
    minifyWhitespace: true,
    target: 'node20',
  })
  writeFileSync(file, code)
}

const referred = new Set()
function refer(file) {
  if (referred.has(file)) return
  referred.add(file)
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)['"]/g)) {
    const base = resolve(dirname(file), path)
    const found = [`${base}.d.ts`, join(base, 'index.d.ts')].find((name) => existsSync(name))
    if (found !== undefined) refer(found)
  }
}
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
for (const { types } of Object.values(exports)) if (types !== undefined) refer(join(root, types))
for (const file of files) if (file.endsWith('.d.ts') && !referred.has(file)) rmSync(file)
