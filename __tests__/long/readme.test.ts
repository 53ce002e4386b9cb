/**
 * Every TypeScript snippet in the README, CONTRIBUTING and docs/, except docs/frameworks.md, compiles unchanged, with
 * the project's strict settings.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(__dirname, '../..')
const pages = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  '.github/CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    // The snippets of frameworks.md import packages that only `package/frameworks.test.ts` installs.
    .filter((file) => file.endsWith('.md') && file !== 'frameworks.md')
    .map((file) => `docs/${file}`),
]
const snippets = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^ *```ts\n([\s\S]*?)^ *```/gm)].map((match, i) => ({
    page,
    i,
    code: match[1] ?? '',
  })),
)

test('README and docs have snippets', () => {
  expect(snippets.filter(({ page }) => page === 'README.md').length).toBeGreaterThanOrEqual(3)
  expect(snippets.length).toBeGreaterThanOrEqual(15)
})

test.each(['ts', 'sql'])('docs/database.md quotes examples/postgres.%s, which is tested, as it is', (language) => {
  const file = readFileSync(join(root, `examples/postgres.${language}`), 'utf8')
  expect(readFileSync(join(root, 'docs/database.md'), 'utf8')).toContain(`\n\`\`\`${language}\n${file}\`\`\`\n`)
})

test('every snippet compiles', () => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object }
  }
  // Settings that allow top-level await, as in a user's ES module.
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, module: 'esnext', moduleResolution: 'bundler', noUnusedLocals: false },
    root,
  )
  const files = new Map(
    snippets.map(({ page, i, code }) => [
      // Each snippet is compiled as a file in `examples`, because snippets import files of this folder. The README
      // tells users to copy these files.
      join(root, 'examples', `${page.replace(/\W/g, '-')}-${i}.ts`),
      `${code}\nexport {}\n`,
    ]),
  )
  const host = ts.createCompilerHost(options)
  const getSourceFile = host.getSourceFile.bind(host)
  const fileExists = host.fileExists.bind(host)
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.getSourceFile = (name, ...rest) => {
    const code = files.get(name)
    return code === undefined ? getSourceFile(name, ...rest) : ts.createSourceFile(name, code, rest[0])
  }
  const program = ts.createProgram([...files.keys()], options, host)
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  expect(problems).toEqual([])
})
