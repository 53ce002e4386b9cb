/**
 * Every link and anchor in the README, SECURITY, CHANGELOG, CONTRIBUTING and docs/ has a target. The packed package
 * contains every linked file, except the screenshots in docs/ and files to which only CONTRIBUTING links. No page is
 * too long.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, resolve } from 'node:path'

const root = resolve(__dirname, '../..')
const docs = readdirSync(join(root, 'docs'))
  .filter((file) => file.endsWith('.md'))
  .map((file) => `docs/${file}`)
const pages = ['README.md', 'SECURITY.md', 'CHANGELOG.md', '.github/CONTRIBUTING.md', ...docs]

/** Reads a page without its code, in which brackets are not links. */
function read(page: string): string {
  return readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '')
}

interface Link {
  page: string
  file: string
  anchor: string | undefined
}

function linksOf(page: string): Link[] {
  const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
    ([, target, attribute]) => target ?? attribute ?? '',
  )
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#')
      return { page, file: path === '' ? page : normalize(join(dirname(page), path)), anchor }
    })
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [...read(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => heading ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

const links = pages.flatMap(linksOf)

test('there are links', () => {
  expect(links.length).toBeGreaterThan(40)
})

test('each leads to a file', () => {
  expect(links.filter(({ file }) => !existsSync(join(root, file)))).toEqual([])
})

test('each anchor is a heading', () => {
  const broken = links.filter(
    ({ file, anchor }) => anchor !== undefined && existsSync(join(root, file)) && !anchorsOf(file).has(anchor),
  )
  expect(broken).toEqual([])
})

test('the index of the README names each page', () => {
  const named = linksOf('README.md').map(({ file }) => file)
  expect(docs.filter((page) => !named.includes(page))).toEqual([])
})

/** Pages that are long because of generated tables, which are for reference. */
const GENERATED = ['docs/options.md']

/** Counts words as `wc -w` does, including code and tables. */
const wordsOf = (page: string): number => readFileSync(join(root, page), 'utf8').trim().split(/\s+/).length

test('README, SECURITY and each page of docs/ have at most 1,500 words, except generated ones', () => {
  const long = ['README.md', 'SECURITY.md', ...docs].filter(
    (page) => !GENERATED.includes(page) && wordsOf(page) > 1_500,
  )
  expect(long.map((page) => `${page}: ${wordsOf(page)}`)).toEqual([])
})

test('what the README and the docs link to is in the packed package', () => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  })
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }]
  const paths = files.map(({ path }) => path)
  const has = (file: string) => paths.some((path) => path === file || path.startsWith(`${file.replace(/\/$/, '')}/`))
  // The screenshots in docs/ are in the repository only.
  const missing = links.filter(
    ({ page, file }) =>
      page !== '.github/CONTRIBUTING.md' && !(page !== 'README.md' && file.endsWith('.png')) && !has(file),
  )
  expect(missing).toEqual([])
})
