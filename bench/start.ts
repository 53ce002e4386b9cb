/** Cold start: the time to load the package and create a webhook, each time in a new process. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './package'
import { digits, median, ratioOf, table } from './statistics'

const WEBHOOK = `const { createTradecloudWebhook } = require(${JSON.stringify(join(ROOT, 'dist'))})
createTradecloudWebhook({ auth: { type: 'basic', username: 'a', password: 'b' }, onOrder() {}, onOrderDocuments() {}, onShipment() {} })`

const CANDIDATES: Record<string, string> = {
  'tradecloud-webhook: require and createTradecloudWebhook': WEBHOOK,
  'its compiled validators, loaded by the first event': `require(${JSON.stringify(join(ROOT, 'dist/schema/validators'))})`,
  'ajv, for comparison': "require('ajv')",
  'axios, for comparison': "require('axios')",
}

/** Milliseconds that the code takes in a new process which has loaded Express. */
function time(code: string): number {
  const script = `require('express'); const start = performance.now(); ${code}; console.log(performance.now() - start); process.exit()`
  return Number(execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' }))
}

export function run(quick: boolean): string {
  const times = Object.fromEntries(Object.keys(CANDIDATES).map((name): [string, number[]] => [name, []]))
  for (let round = 0; round < (quick ? 3 : 11); round++) {
    for (const [name, code] of Object.entries(CANDIDATES)) times[name]?.push(time(code))
  }
  const ajv = times['ajv, for comparison'] ?? []
  return table(
    ['loaded after Express', 'ms', 'of ajv'],
    Object.entries(times).map(([name, each]) => [name, digits(median(each)), digits(ratioOf(each, ajv))]),
  )
}
