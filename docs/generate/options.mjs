/**
 * Fills the tables of docs/options.md from the doc comments of the option types (`npm run docs:options`). With
 * `--check` it writes nothing and fails when the page does not fit the comments.
 *
 * A table belongs between `<!-- options TYPE -->` or `<!-- options TYPE as prefix -->` and `<!-- end -->`. Each comment
 * says `Default: …` or `Required …` at its end.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = join(root, 'docs/options.md')

/** The entry points whose options are on the page. The options of `/testing` are documented in docs/testing.md. */
const { paths } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config.compilerOptions
const entries = Object.entries(paths)
  .filter(([name]) => name !== 'tradecloud-webhook/testing')
  .map(([, [file]]) => join(root, file))

const program = createProgram()
const checker = program.getTypeChecker()
const exported = new Map(
  entries.flatMap((file) => {
    const source = program.getSourceFile(file)
    return checker
      .getExportsOfModule(checker.getSymbolAtLocation(source))
      .map((symbol) => [symbol.name, aliased(symbol)])
  }),
)

/** Loads only the package's own files: other packages would take most of the time, and have no comments to read. */
function createProgram() {
  const options = { noResolve: false, types: [], lib: ['lib.es5.d.ts'], target: ts.ScriptTarget.ES2022 }
  const host = ts.createCompilerHost(options)
  host.resolveModuleNameLiterals = (literals, from) =>
    literals.map(({ text }) => {
      const base = join(from, '..', text)
      const file = [`${base}.ts`, join(base, 'index.ts')].find((name) => ts.sys.fileExists(name))
      return text.startsWith('.') && file !== undefined
        ? { resolvedModule: { resolvedFileName: file, extension: '.ts', isExternalLibraryImport: false } }
        : { resolvedModule: undefined }
    })
  return ts.createProgram(entries, options, host)
}

function aliased(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** The names of the types that are in a table. */
const covered = new Set()
const problems = []

/** Rows of an option type and of the option types within it: `[name, type, default, meaning]`. */
function rowsOf(symbol, prefix) {
  covered.add(symbol.name)
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).flatMap((property) => {
    const [declaration] = property.declarations
    // Inherited options get rows here, so the interface that declares them needs no table of its own.
    if (ts.isInterfaceDeclaration(declaration.parent)) covered.add(declaration.parent.name.text)
    return rowsOfProperty(property, declaration, `${prefix}${property.name}`)
  })
}

function rowsOfProperty(property, declaration, name) {
  const at = `${relative(root, declaration.getSourceFile().fileName)}: ${name}`
  const comment = ts.displayPartsToString(property.getDocumentationComment(checker)).replace(/\s+/g, ' ').trim()
  const [, meaning, kind, rest] = /^(.*?)\s*\b(Default:)\s*(.*?)\.?$/.exec(comment) ??
    /^(.*?)\s*\b(Required)\s*(.*?)\.?$/.exec(comment) ?? [undefined, comment]
  // The `type` of a credential gets no row, because the line above the table states it.
  if (ts.isLiteralTypeNode(declaration.type)) return []
  if (kind === undefined) problems.push(`${at} says neither "Default: …" nor "Required."`)
  if (meaning === '') problems.push(`${at} says nothing besides its default.`)
  const byDefault = kind === 'Default:' ? rest : `required${rest ? ` ${rest}` : ''}`
  return [[name, typeText(declaration.type), byDefault, meaning], ...innerRows(declaration.type, name)]
}

/** Rows of the options within an option, unless the type of the option has a table of its own. */
function innerRows(node, name) {
  if (ts.isUnionTypeNode(node)) return node.types.flatMap((type) => innerRows(type, name))
  if (ts.isParenthesizedTypeNode(node)) return innerRows(node.type, name)
  if (!ts.isTypeReferenceNode(node)) return []
  const symbol = aliased(checker.getSymbolAtLocation(node.typeName))
  const isOptions = symbol.flags & ts.SymbolFlags.Interface && /(?:Options|Option|Schemas)$/.test(symbol.name)
  return isOptions && !sections.some(({ type }) => type === symbol.name) ? rowsOf(symbol, `${name}.`) : []
}

/** The text of a type as it is written, without `undefined`. A short type alias is replaced by its definition. */
function typeText(node) {
  const parts = ts.isUnionTypeNode(node) ? [...node.types] : [node]
  const texts = parts.map((part) => part.getText()).filter((text) => text !== 'undefined')
  const expanded = texts.length === 1 ? expand(parts[0]) : undefined
  return (expanded ?? texts.join(' | ')).replace(/\s+/g, ' ').replace(/^\((.*)\)$/, '$1')
}

function expand(node) {
  if (!ts.isTypeReferenceNode(node) || node.typeArguments) return undefined
  const [declaration] = aliased(checker.getSymbolAtLocation(node.typeName)).declarations ?? []
  const text = declaration && ts.isTypeAliasDeclaration(declaration) ? declaration.type.getText() : ''
  return text !== '' && text.length <= 140 ? text : undefined
}

/** The rows of earlier tables. An option whose row is the same in an earlier table gets no row, but is named. */
const seen = new Set()

function table(all) {
  const rows = all.filter((row) => !seen.has(row.join()))
  const same = all.filter((row) => !rows.includes(row)).map(([name]) => name)
  for (const row of rows) seen.add(row.join())
  // Naming an option is enough: the options within it need not be named.
  const named = same.filter((name) => !same.some((other) => name.startsWith(`${other}.`)))
  const cell = (text) => text.replaceAll('|', '\\|')
  const lines = rows.map(([name, type, byDefault, meaning]) =>
    ['', ` \`${name}\` `, ` \`${cell(type)}\` `, ` ${cell(byDefault)} `, ` ${cell(meaning)} `, ''].join('|'),
  )
  const text = ['| option | type | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n')
  return named.length === 0 ? text : `${text}\n\nAnd as above: ${named.map((name) => `\`${name}\``).join(', ')}.`
}

const SECTION = /<!-- options (\w+)(?: as ([\w.]+))? -->\n[\s\S]*?<!-- end -->/g
const before = readFileSync(page, 'utf8')
const sections = [...before.matchAll(SECTION)].map(([, type]) => ({ type }))

const after = before.replace(SECTION, (_whole, type, prefix) => {
  const symbol = exported.get(type)
  if (!symbol) {
    problems.push(`docs/options.md: no entry of the package exports ${type}.`)
    return _whole
  }
  const rows = rowsOf(symbol, prefix === undefined ? '' : `${prefix}.`)
  return `<!-- options ${type}${prefix === undefined ? '' : ` as ${prefix}`} -->\n\n${table(rows)}\n\n<!-- end -->`
})

for (const [name, { flags }] of exported)
  if (/(?<!Error)Options?$|Credential$/.test(name) && flags & ts.SymbolFlags.Interface && !covered.has(name))
    problems.push(`docs/options.md has no table for ${name}.`)

if (problems.length === 0 && process.argv.includes('--check') && after !== before)
  problems.push('docs/options.md does not fit the doc comments: run `npm run docs:options` and commit the result.')
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else if (!process.argv.includes('--check')) writeFileSync(page, after)
