/**
 * docs/responses.md explains every outcome with its status, and every code in the log. It explains no other outcomes or
 * codes.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { answerFor, OUTCOMES } from '../../lib/answer/respond'

const root = resolve(__dirname, '../..')
const page = readFileSync(join(root, 'docs/responses.md'), 'utf8')

/** Codes of the API client, the command line and the simulator do not appear in the log of a webhook. */
const ELSEWHERE = /^(api|cli|testing)\//

/** The texts in the first column of the table that follows a heading. */
function documented(heading: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const [table = ''] = section.split('\n## ')
  return [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, code = '']) => code)
}

/** All codes in a source file: codes of log lines, of errors that are thrown or raised, and of stored outcomes. */
function codesOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, 'lib', file), 'utf8'), ts.ScriptTarget.Latest, true)
  const codes: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) codes.push(...codesOfCall(node))
    if (ts.isNewExpression(node) && node.expression.getText() === 'TradecloudWebhookError')
      codes.push(...literalsIn(node.arguments?.[0]))
    if (ts.isVariableDeclaration(node) && node.name.getText() === 'code') codes.push(...literalsIn(node.initializer))
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'outcome') codes.push(...literalsIn(node.initializer))
    if (ts.isTemplateLiteral(node) || ts.isStringLiteral(node))
      codes.push(...[...node.getText().matchAll(/outcome = '(\w+)'/g)].map(([, code = '']) => code))
    ts.forEachChild(node, visit)
  }
  visit(source)
  return codes
}

function codesOfCall({ expression, arguments: args }: ts.CallExpression): string[] {
  if (!ts.isPropertyAccessExpression(expression)) return []
  const method = expression.name.text
  if (method === 'warnOnce') return literalsIn(args[0])
  if (!/\blog\b/i.test(expression.expression.getText()) || !['line', 'once', 'loss', 'action'].includes(method))
    return []
  const about = args.find((one) => ts.isObjectLiteralExpression(one))
  const code = about?.properties.find((one) => one.name?.getText() === 'code')
  if (code) return ts.isPropertyAssignment(code) ? literalsIn(code.initializer) : []
  return method === 'line' || method === 'once' ? literalsIn(args[1]) : []
}

/** The literals that can be the value of an expression. */
function literalsIn(node: ts.Expression | undefined): string[] {
  if (node === undefined) return []
  if (ts.isConditionalExpression(node)) return [...literalsIn(node.whenTrue), ...literalsIn(node.whenFalse)]
  return ts.isStringLiteral(node) && /^[a-z_]+$/.test(node.text) ? [node.text] : []
}

const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !ELSEWHERE.test(file))
const found = new Set([...OUTCOMES, ...sources.flatMap(codesOf)])

it('the sources have codes besides the outcomes', () => {
  expect([...found]).toEqual(
    expect.arrayContaining(['lease_lost', 'inbox_unusable', 'unmatched', 'callback_failed', 'given_up']),
  )
})

it('no code is missing on the page, and none on it is dead', () => {
  const codes = [...documented('Outcomes'), ...documented('Log codes')]
  expect(codes.toSorted()).toEqual([...found].toSorted())
})

it('each outcome has its row in the table of outcomes', () => {
  expect(documented('Outcomes')).toEqual(expect.arrayContaining([...OUTCOMES]))
})

it.each(OUTCOMES)('the row of %s has its status, and what Tradecloud then does', (outcome) => {
  const [, cell = ''] = new RegExp(`^\\| \`${outcome}\` \\| (.*?) \\|`, 'm').exec(page) ?? []
  const { status, givenUp } = answerFor({ outcome }, 'id', 'final')
  expect(cell).toMatch(new RegExp(`\\b${status}\\b`))
  expect(cell.includes('gives up')).toBe(givenUp)
  expect(cell.includes('tries again')).toBe(status > 500 || ['not_found', 'address_not_allowed'].includes(outcome))
})
