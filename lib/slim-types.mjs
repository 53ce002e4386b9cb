/**
 * Removes the declarations that no entry point needs: functions and types that the modules of the package export only
 * to each other. Users cannot import these. They are almost a third of all declarations.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

export function slimTypes(dist, entries) {
  const program = ts.createProgram(entries, { module: ts.ModuleKind.Node16, types: [] })
  const checker = program.getTypeChecker()
  /** Statements to keep, and names to keep in imports and exports. */
  const kept = new Set()

  function keep(symbol) {
    for (const declaration of symbol?.declarations ?? []) {
      if (!declaration.getSourceFile().fileName.startsWith(dist) || kept.has(declaration)) continue
      const statement = ts.findAncestor(declaration, ({ parent }) => parent !== undefined && ts.isSourceFile(parent))
      if (statement === undefined) continue
      const isNew = !kept.has(statement)
      kept.add(declaration).add(statement)
      if (isNew && namesOf(statement) === undefined) visit(statement)
    }
    if (symbol && symbol.flags & ts.SymbolFlags.Alias) keep(checker.getImmediateAliasedSymbol(symbol))
  }

  function visit(node) {
    if (ts.isIdentifier(node)) keep(checker.getSymbolAtLocation(node))
    ts.forEachChild(node, visit)
  }

  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry))
    for (const symbol of checker.getExportsOfModule(module)) keep(symbol)
  }
  /** True for `export * from` a module that still has declarations. */
  function isStarOfKept({ kind, exportClause, moduleSpecifier }) {
    if (kind !== ts.SyntaxKind.ExportDeclaration || exportClause !== undefined) return false
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(moduleSpecifier))
    return exported.some(({ declarations = [] }) => declarations.some((declaration) => kept.has(declaration)))
  }

  const files = new Map(program.getSourceFiles().map((file) => [file.fileName, file]))
  for (const name of readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.d.ts'))) {
    const path = join(dist, name)
    const statements = files.get(path)?.statements.filter((one) => kept.has(one) || isStarOfKept(one)) ?? []
    if (statements.length === 0) rmSync(path)
    else writeFileSync(path, `${statements.map((statement) => textOf(statement, kept)).join('\n')}\n`)
  }
}

/** Names of `import { … }`, `export { … }` and `export { … } from`: each one is kept or removed separately. */
function namesOf(statement) {
  const { importClause, exportClause } = statement
  const list = exportClause ?? importClause?.namedBindings
  return list && 'elements' in list && !importClause?.name ? list.elements : undefined
}

function textOf(statement, kept) {
  const text = statement.getFullText().trim()
  const names = namesOf(statement)
  if (names === undefined || names.every((name) => kept.has(name))) return text
  const left = names.filter((name) => kept.has(name)).map((name) => name.getText())
  return text.replace(/\{[^}]*\}/, `{ ${left.join(', ')} }`)
}
