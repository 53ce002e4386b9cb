/**
 * Compiles the package and the programs of the tests to JavaScript once, so that they start as fast as for users. The
 * build is cached below `node_modules/.cache`, under a hash of the sources.
 */
import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type TypeScript from 'typescript'

const ROOT = join(__dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/tradecloud-webhook-faults')
const KEPT_MS = 60 * 60_000

let built: string | undefined

/**
 * Path of the receiver's program, which imports the package by name, as users do. While a test file runs, the path
 * stays the same, even if the sources are edited.
 */
export function buildReceiver(): string {
  return join(buildOnce(), '__tests__/faults/receiver.js')
}

/** Path of the program behind the proxies. */
export function buildApp(): string {
  return join(buildOnce(), '__tests__/proxies/app.js')
}

/** Path of the command line's program. */
export function buildCli(): string {
  return join(buildOnce(), 'dist/cli/index.js')
}

function buildOnce(): string {
  return (built ??= build())
}

function build(): string {
  const sources = [
    ...sourcesIn('lib').map((path) => ({ from: join(ROOT, 'lib', path), to: join('dist', path) })),
    ...['__tests__/faults', '__tests__/proxies', 'examples'].flatMap((folder) =>
      sourcesIn(folder).map((path) => ({ from: join(ROOT, folder, path), to: join(folder, path) })),
    ),
  ].filter(({ from }) => !from.endsWith('.test.ts'))
  const texts = sources.map((source) => ({ ...source, text: readFileSync(source.from, 'utf8') }))
  const hash = createHash('sha256')
  for (const { to, text } of texts) hash.update(`${to}\0${text}\0`)
  const folder = join(CACHE, hash.digest('hex').slice(0, 16))
  if (!existsSync(folder)) {
    forgetOld()
    const unfinished = join(CACHE, randomUUID())
    const compile = createCompiler()
    for (const { to, text } of texts) write(join(unfinished, to.replace(/\.ts$/, '.js')), compile(to, text))
    copyFileSync(join(ROOT, 'package.json'), join(unfinished, 'package.json'))
    execFileSync(process.execPath, [join(ROOT, 'lib/inbox/sqlite/build-worker.mjs'), join(unfinished, 'dist')])
    try {
      renameSync(unfinished, folder)
    } catch (error) {
      // Another process has already created the build.
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(folder)) throw error
    }
  }
  return folder
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|json)$/.test(path) && path !== 'tsconfig.json')
    .sort()
}

/** TypeScript is loaded lazily: most test files find the build in the cache. */
function createCompiler(): (path: string, text: string) => string {
  const ts = require('typescript') as typeof TypeScript
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: { compilerOptions: object }
  }
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT)
  const compilerOptions = { ...options, module: ts.ModuleKind.CommonJS, moduleResolution: undefined, paths: undefined }
  return (fileName, text) =>
    fileName.endsWith('.ts') ? ts.transpileModule(text, { compilerOptions, fileName }).outputText : text
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function forgetOld(): void {
  mkdirSync(CACHE, { recursive: true })
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name)
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true })
  }
}
