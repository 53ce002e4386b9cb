/** No import, not even of a type, points to a higher layer, and no files import each other in a circle. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { preProcessFile } from 'typescript'

/**
 * The layers from top to bottom. A file belongs to the longest entry that matches it, and may import from its own layer
 * and from layers below.
 */
const LAYERS = [
  'index.ts',
  'cli',
  'testing',
  'inspector',
  'compose',
  'options',
  'telemetry',
  'deliver/stored',
  'deliver',
  'deliver/dedupe',
  'receive',
  'receive/event',
  'receive/route.ts',
  'receive/body',
  'receive/sender',
  'catch-up',
  'answer',
  'views',
  'inbox',
  'inbox/catch-up',
  'txml',
  'api',
  'events',
  'schema',
  'net',
  'log',
  'bytes',
  'wait',
  'errors',
]

const lib = join(__dirname, '../../lib')
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
const imports = new Map(files.map((file) => [file, importsOf(file)]))

it('each file belongs to a layer, and each layer has files', () => {
  expect(new Set(files.map(layerOf))).toEqual(new Set(LAYERS))
})

it('imports point downwards', () => {
  const upwards = [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => LAYERS.indexOf(layerOf(target)) < LAYERS.indexOf(layerOf(file)))
      .map((target) => `${file} imports ${target}`),
  )
  expect(upwards).toEqual([])
})

it('no files import each other in a circle', () => {
  const reachable = new Map(files.map((file) => [file, reachableFrom(file)]))
  expect(files.filter((file) => reachable.get(file)?.has(file))).toEqual([])
})

it('each folder of the package has more than one file', () => {
  const folders = files.map((file) => dirname(file))
  const contents = readdirSync(lib, { recursive: true, encoding: 'utf8' }).map((path) => dirname(path))
  expect([...new Set(folders)].filter((folder) => contents.indexOf(folder) === contents.lastIndexOf(folder))).toEqual(
    [],
  )
})

function layerOf(file: string): string {
  const matching = LAYERS.filter((layer) => file === layer || file.startsWith(`${layer}/`))
  return matching.sort((a, b) => b.length - a.length)[0] ?? `no layer: ${file}`
}

/** The files of the package that a file imports or requires, including types. */
function importsOf(file: string): string[] {
  const { importedFiles } = preProcessFile(readFileSync(join(lib, file), 'utf8'), true, true)
  const targets = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'))
  return [...new Set(targets.map((name) => resolve(join(lib, dirname(file), name))))]
    .filter((path) => path.endsWith('.ts'))
    .map((path) => relative(lib, path))
}

function resolve(path: string): string {
  return [`${path}.ts`, join(path, 'index.ts'), path].find(
    (candidate) => /\.\w+$/.test(candidate) && existsSync(candidate),
  )!
}

function reachableFrom(file: string): Set<string> {
  const found = new Set<string>()
  const open = [file]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const target of imports.get(next) ?? []) {
      if (found.has(target)) continue
      found.add(target)
      open.push(target)
    }
  }
  return found
}
