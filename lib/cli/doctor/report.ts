/** The report as text: the checks in a table, then each finding with its remedies. */
import { styled } from '../output'
import { count, printable, wrap } from '../printable'
import type { CheckResult, Found, DoctorReport } from './examination'

const STYLES = { ok: 'green', failed: 'red', unchecked: 'yellow' } as const
const WIDTH = 100
/** Width of each column: that of its longest text, and two spaces. */
const RESULT = 11
const NAME = 19
const SERVER = 9

export function textOf({ url, ok, checks, findings }: DoctorReport): string {
  const end = ok
    ? styled('green', 'All is well: nothing was found that loses events.')
    : `${styled('red', count(findings.length, 'finding'))}. Complete configurations are in docs/proxies.md of tradecloud-webhook.`
  const parts = [printable(url), checks.map(lineOf).join('\n'), ...findings.map(sectionOf), end]
  return `${parts.join('\n\n')}\n`
}

function lineOf({ name, result, text }: CheckResult): string {
  const indent = 2 + RESULT + NAME
  const lines = wrap(text, WIDTH - indent).join(`\n${' '.repeat(indent)}`)
  return `  ${styled(STYLES[result], result.padEnd(RESULT))}${name.padEnd(NAME)}${lines}`
}

function sectionOf({ title, effect, evidence, remedies }: Found): string {
  const lines = [...evidence.map((text) => `- ${text}`), effect].flatMap((text) => wrap(text, WIDTH - 2))
  const advice = Object.entries(remedies).flatMap(([server, text]) => {
    const [first = '', ...others] = wrap(text, WIDTH - 4 - SERVER)
    return [
      `  ${styled('cyan', server.padEnd(SERVER))}${first}`,
      ...others.map((line) => ' '.repeat(2 + SERVER) + line),
    ]
  })
  return [styled('bold', `${title}.`), ...lines.map((line) => `  ${line}`), ...advice.map((line) => `  ${line}`)].join(
    '\n',
  )
}
