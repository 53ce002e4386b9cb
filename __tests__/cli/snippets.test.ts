/**
 * Every snippet in the docs is checked by a test. This file checks the snippets of shell, JSON and nginx. The commands
 * and options in shell snippets must exist.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseCommand } from '../../lib/cli/arguments'
import { scripts } from '../../package.json'

const root = resolve(__dirname, '../..')
const docs = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'))
const pages = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  '.github/CONTRIBUTING.md',
  ...docs.map((file) => `docs/${file}`),
]
const snippets = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^( *)```(.*)\n([\s\S]*?)^ *```$/gm)].map((match) => {
    const [, indent = '', language = '', code = ''] = match
    return { page, language, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '') }
  }),
)

/**
 * For most languages, the test that checks the snippets on all pages; `here` is this file. For the other languages, the
 * only pages that may contain snippets, because no other page is checked for them.
 */
const CHECKED: Record<string, 'here' | 'long/readme' | string[]> = {
  ts: 'long/readme',
  sh: 'here',
  console: 'here',
  jsonc: 'here',
  js: ['docs/testing.md'], // checked by package/package
  sql: ['docs/database.md', 'docs/inboxes.md'], // checked by long/readme and inbox/postgres-ready
  nginx: ['docs/inspector.md'], // checked below, and by browser/sites
}

test('each snippet has a language and a test', () => {
  const unchecked = snippets.filter(({ page, language }) => {
    const where = CHECKED[language]
    return where === undefined || (Array.isArray(where) && !where.includes(page))
  })
  expect(unchecked).toEqual([])
  expect(snippets.length).toBeGreaterThan(40)
})

/** The shell commands in the snippets. In a session (`console`), these are the lines after `$`. */
const shell = snippets.flatMap(({ page, language, code }) => {
  if (language === 'sh') return [{ page, code }]
  if (language !== 'console') return []
  const typed = [...code.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line)
  return [{ page, code: typed.join('\n') }]
})

test('bash can parse all of them', () => {
  for (const { code } of shell) execFileSync('bash', ['-n'], { input: code, stdio: 'pipe' })
})

const lines = shell.flatMap(({ page, code }) => code.split('\n').map((line) => ({ page, line })))
const ownCommands = lines.flatMap(({ page, line }) => {
  const [, words] = /^[^#]*?\btradecloud-webhook ([^#|&;>]*)/.exec(line.replace(/^npm .*/, '')) ?? []
  return words === undefined ? [] : [{ page, words }]
})

test.each(ownCommands)('$page: the command line knows tradecloud-webhook $words', ({ words }) => {
  const args = [...words.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
  expect(parseCommand(args)).toMatchObject({ ask: 'run' })
})

test('there are such commands, and each npm script exists', () => {
  expect(ownCommands.length).toBeGreaterThan(15)
  const named = lines.flatMap(({ line }) => [...line.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(([, name]) => name))
  const others = ['ci', 'init', 'install', 'i']
  expect(named.filter((name) => name !== undefined && !others.includes(name) && !(name in scripts))).toEqual([])
})

test('docs/inspector.md shows the directives of nginx that browser/sites.test.ts tests', () => {
  const tested = readFileSync(join(root, '__tests__/browser/nginx.ts'), 'utf8')
  const directives = snippets
    .filter(({ language }) => language === 'nginx')
    .flatMap(({ code }) => [...code.matchAll(/^ +(.*;)$/gm)].map(([, directive = '']) => directive))
    .filter((directive) => !directive.startsWith('proxy_pass '))
  expect(directives.length).toBeGreaterThan(2)
  for (const directive of directives) expect(tested).toContain(directive)
})

test.each(snippets.filter(({ language }) => language === 'jsonc'))('$page: JSON with comments', ({ code }) => {
  expect(() => JSON.parse(code.replaceAll(/ \/\/ .*$/gm, '')) as unknown).not.toThrow()
})
