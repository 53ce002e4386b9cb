/**
 * The package as users get it: packed, checked by publint and attw, installed into empty folders beside Express 4 and 5,
 * and used from CommonJS, ESM, TypeScript and Jest.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(__dirname, '../..')
const consumer = join(__dirname, 'consumer')
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)

jest.setTimeout(300_000)

let folder: string
let tarball: string

function run(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`)
  }
}

function compile(at: string, file: string): void {
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    const modules = ['--module', module, '--moduleResolution', resolution]
    const strict = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node']
    run(join(at, 'node_modules/.bin/tsc'), [...strict, ...modules, file], at)
  }
}

function install(name: string, ...packages: string[]): string {
  const at = join(folder, name)
  cpSync(consumer, at, { recursive: true })
  writeFileSync(join(at, 'package.json'), JSON.stringify({ name, private: true }))
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...packages], at)
  return at
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tradecloud-webhook-'))
  run('npm', ['pack', '--pack-destination', folder], root)
  const packed = readdirSync(folder).find((file) => file.endsWith('.tgz'))
  if (packed === undefined) throw new Error('npm pack wrote no tarball')
  tarball = join(folder, packed)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('publint has nothing to say', () => {
  expect(run(bin('publint'), ['--strict', tarball], root)).toContain('All good!')
})

test('attw finds every entry typed for every way of importing', () => {
  expect(run(bin('attw'), [tarball], root)).toContain('No problems found')
})

test('the tarball holds the build, the schemas and the documents, and no sources or tests', () => {
  const files = run('tar', ['-tf', tarball], root).split('\n')
  expect(files).toEqual(
    expect.arrayContaining([
      'package/dist/index.js',
      'package/dist/index.d.ts',
      'package/LICENSE',
      'package/README.md',
      'package/CHANGELOG.md',
    ]),
  )
  expect(files.filter((file) => /^package\/(lib|__tests__|examples|bench)\/|(?<!\.d)\.ts$/.test(file))).toEqual([])
})

describe.each([
  ['Express 4', 'express@^4.22.0', '@types/express@^4'],
  ['Express 5', 'express@^5.2.0', '@types/express@^5'],
])('installed beside %s', (name, express, types) => {
  let at: string
  beforeAll(() => {
    at = install(
      name.replace(' ', '-').toLowerCase(),
      express,
      types,
      'typescript@~6.0.3',
      '@types/node@^20',
      'jest@^30',
    )
  })

  test('receives an event when required from CommonJS', () => {
    expect(run(process.execPath, ['require.cjs'], at)).toContain('received OrderIssuedByBuyer')
  })

  test('receives an event when imported from ESM', () => {
    expect(run(process.execPath, ['import.mjs'], at)).toContain('received OrderIssuedByBuyer')
  })

  test('loads nothing that it does not use, and its compiled validators say what ajv says', () => {
    expect(run(process.execPath, ['compiled.cjs'], at)).toMatch(
      /^lean\n[1-9]\d{3,} values judged alike, [1-9]\d{2,} of them wrong\n$/,
    )
  })

  test('keeps an event in a file inbox over a restart, and its command line lists it', () => {
    expect(run(process.execPath, ['inbox.cjs'], at)).toBe('202 waiting\ndelivered x-1 ""\n')
  })

  test('compiles in a strict TypeScript project, as CommonJS, as ESM and for a bundler', () => {
    compile(at, 'types.ts')
  })

  test("runs in the consumer's own Jest", () => {
    run(join(at, 'node_modules/.bin/jest'), ['--rootDir', '.', 'consumer.test.js'], at)
  })

  test('docs/testing.md is green from an empty folder on', () => {
    const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')
    const files = [...page.matchAll(/^```js\n\/\/ (\S+)\n([\s\S]*?)^```/gm)]
    expect(files.map(([, file]) => file)).toEqual(['erp.js', 'erp.test.js'])
    for (const [, file = '', code = ''] of files) writeFileSync(join(at, file), code)
    run(join(at, 'node_modules/.bin/jest'), ['--rootDir', '.', 'erp.test.js'], at)
  })
})

describe('installed beside bullmq and ioredis', () => {
  let at: string
  beforeAll(() => {
    const types = ['@types/express@^5', 'typescript@~6.0.3', '@types/node@^20']
    at = install('bullmq', 'express@^5.2.0', 'bullmq@^6', 'ioredis@^6', ...types)
  })

  test('the inbox on BullMQ is the same from CommonJS and from ESM', () => {
    expect(run(process.execPath, ['bullmq.mjs'], at)).toBe('unavailable true\n')
  })

  test('its types compile in a strict TypeScript project', () => {
    compile(at, 'types-bullmq.ts')
  })
})
