/**
 * The package as users receive it: packed, checked by publint and attw, installed into empty folders with Express 4 and
 * 5, and used from CommonJS, ESM, TypeScript and Jest.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSafe } from '../../lib/inbox/sqlite/driver'
import { createProject, install, root, run, tarball } from './project'

const bin = (name: string): string => join(root, 'node_modules', '.bin', name)

jest.setTimeout(300_000)

const MODES = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const

function compile(at: string, file: string, modes: ReadonlyArray<readonly [string, string]> = MODES): void {
  for (const [module, resolution] of modes) {
    const modules = ['--module', module, '--moduleResolution', resolution]
    const strict = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node']
    run(join(at, 'node_modules/.bin/tsc'), [...strict, ...modules, file], at)
  }
}

function createConsumer(name: string, ...packages: string[]): string {
  const at = createProject('consumer', name)
  writeFileSync(join(at, 'package.json'), JSON.stringify({ name, private: true }))
  install(at, ...packages)
  return at
}

test('publint has nothing to say', () => {
  expect(run(bin('publint'), ['--strict', tarball()], root)).toContain('All good!')
})

test('attw finds every entry typed for every way of importing', () => {
  expect(run(bin('attw'), [tarball()], root)).toContain('No problems found')
})

test('the tarball contains the build, the docs and the examples, no sources or tests, and at most 500 kB', () => {
  const files = run('tar', ['-tf', tarball()], root).split('\n')
  expect(files).toEqual(
    expect.arrayContaining([
      'package/dist/index.js',
      'package/dist/index.d.ts',
      'package/LICENSE',
      'package/README.md',
      'package/CHANGELOG.md',
      'package/SECURITY.md',
      'package/docs/delivery.md',
      'package/docs/openapi.json',
      'package/examples/server.ts',
    ]),
  )
  expect(
    files.filter(
      (file) =>
        !file.startsWith('package/examples/') && /^package\/(lib|__tests__|bench)\/|\.png$|(?<!\.d)\.ts$/.test(file),
    ),
  ).toEqual([])
  expect(statSync(tarball()).size).toBeLessThanOrEqual(500_000)
})

/** The packages that the README tells users to install, including Express 5. */
const [, installSection = ''] =
  /\n## Install\n([\s\S]*?)\n## /.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
const installLines = [...installSection.matchAll(/^npm install (.*)$/gm)]
const named = installLines.flatMap(([, line = '']) => line.replace(/#.*/, '').split(' '))
const packagesOfReadme = named.filter((word) => word !== '' && word !== 'tradecloud-webhook' && !word.startsWith('-'))

describe.each([
  ['Express 4', ['express@^4.22.0', '@types/express@^4']],
  ['what the README says', packagesOfReadme],
])('installed beside %s', (name, packages) => {
  let at: string
  beforeAll(() => {
    at = createConsumer(name.replaceAll(' ', '-').toLowerCase(), ...packages, 'typescript@~6.0.3', 'jest@^30')
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

describe('with an inbox', () => {
  let at: string
  beforeAll(() => {
    at = createConsumer('inboxes', 'express@^5.2.0')
  })

  test('each inbox names the package that it needs, and the command line as well', () => {
    const needed = isSafe(process.versions.sqlite)
      ? /^ready: 0 waiting$/
      : /^Option `inbox` needs .*: npm i @photostructure\/sqlite@1/
    const [sqlite, postgres] = run(process.execPath, ['inboxes.mjs'], at).split('\n')
    expect(sqlite).toMatch(needed)
    expect(postgres).toBe('postgresInbox needs the package pg: npm i pg@8')
    writeFileSync(join(at, 'empty.db'), '')
    expect(() => run(join(at, 'node_modules/.bin/tradecloud-webhook'), ['inbox', 'empty.db', 'list'], at)).toThrow(
      isSafe(process.versions.sqlite) ? 'is not an inbox' : 'npm i @photostructure/sqlite@1',
    )
  })

  test('both work once what they need is installed', () => {
    const types = ['@types/express@^5', '@types/pg@^8', '@types/node@^20', 'typescript@~6.0.3']
    install(at, '@photostructure/sqlite@1', 'pg@8', ...types)
    const [sqlite, postgres] = run(process.execPath, ['inboxes.mjs'], at).split('\n')
    expect(sqlite).toBe('ready: 0 waiting')
    expect(postgres).toMatch(/^PostgreSQL at 127\.0\.0\.1:1 cannot be used: connect ECONNREFUSED/)
  })

  test('an event is stored by one process, delivered by a worker, and listed by the command line', () => {
    const settled = 'delivered x-1 delivered\nOK: 0 waiting, 0 dead, 0 quarantined\n'
    expect(run(process.execPath, ['inbox.cjs'], at)).toBe(`202 waiting\n${settled}`)
  })

  test('the types compile in a strict TypeScript project, as CommonJS, as ESM and for a bundler', () => {
    compile(at, 'types-inboxes.ts')
  })
})

describe('with metrics and traces', () => {
  let at: string
  beforeAll(() => {
    at = createConsumer('telemetry', 'express@^5.2.0')
  })

  test('each adapter names the package that it needs', () => {
    expect(run(process.execPath, ['telemetry.mjs'], at).split('\n')).toEqual([
      'prometheusMetrics needs the package prom-client: npm i prom-client@15',
      'openTelemetry needs the package @opentelemetry/api: npm i @opentelemetry/api@1',
      '',
    ])
  })

  test('both work once what they need is installed, and their types compile', () => {
    const types = ['@types/express@^5', '@types/node@^20', 'typescript@~6.0.3']
    install(at, 'prom-client@15', '@opentelemetry/api@1', ...types)
    expect(run(process.execPath, ['telemetry.mjs'], at)).toBe('ready: true\nready: true\n')
    compile(at, 'types-telemetry.ts', MODES.slice(0, 1))
  })
})
