/** The declarations of the packed package: every type that a public type mentions can be imported. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { root, run, tarball } from './project'

test('every type that a public type mentions is exported, and nothing else is declared', () => {
  const folder = dirname(tarball())
  run('tar', ['-xf', tarball()], folder)
  const at = join(folder, 'package')
  const { exports } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as {
    exports: Record<string, { types?: string }>
  }
  const entries = Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : [join(at, types)]))
  const module = ts.ModuleKind.Node16
  const program = ts.createProgram(entries, { module, typeRoots: [join(root, 'node_modules/@types')], types: ['node'] })
  const checker = program.getTypeChecker()
  const original = (symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

  const exported = new Set(
    entries.flatMap((entry) => {
      const entrySymbol = checker.getSymbolAtLocation(program.getSourceFile(entry)!)
      return checker.getExportsOfModule(entrySymbol!).map(original)
    }),
  )
  expect(exported.size).toBeGreaterThan(100)

  const declared = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(at))
  const unreachable = declared.flatMap((file) => {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(file)!)
    return symbols.filter((symbol) => !exported.has(original(symbol))).map(({ name }) => `${file.fileName}: ${name}`)
  })
  expect(unreachable).toEqual([])

  const missing = new Set<string>()
  const isOurType = (symbol: ts.Symbol): boolean =>
    (symbol.flags & ts.SymbolFlags.Type) !== 0 &&
    (symbol.flags & ts.SymbolFlags.TypeParameter) === 0 &&
    (symbol.declarations ?? []).some((declaration) => declaration.getSourceFile().fileName.startsWith(at))
  const visit = (node: ts.Node): void => {
    const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined
    const type = symbol && original(symbol)
    if (type && isOurType(type) && !exported.has(type)) missing.add(type.name)
    ts.forEachChild(node, visit)
  }
  for (const symbol of exported) symbol.declarations?.forEach(visit)
  expect([...missing].sort()).toEqual([])
})
