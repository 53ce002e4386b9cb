/**
 * The alert rules and the dashboard of the examples: promtool accepts both and tests the rules, and both name only
 * metrics that exist.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../lib/telemetry/definitions'
import { examples, promtool } from './promtool'

const rules = readFileSync(join(examples, 'alerts.yml'), 'utf8')
const tests = readFileSync(join(examples, 'alerts.test.yml'), 'utf8')
const page = readFileSync(resolve(examples, '../../docs/operate.md'), 'utf8')
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)

interface Dashboard {
  panels: Array<{ title: string; targets: Array<{ expr: string }> }>
}

const dashboard = JSON.parse(readFileSync(join(examples, 'dashboard.json'), 'utf8')) as Dashboard
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

const definitions = [...Object.values(COUNTERS), ...Object.values(GAUGES), ...Object.values(HISTOGRAMS)]
const names = definitions.map(([name]) => name as string)

test('promtool accepts the rules, and each alert fires when it is to', () => {
  expect(promtool('check', 'rules', 'alerts.yml')).toContain(`${alerts.length} rules found`)
  expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS')
  for (const alert of alerts) {
    // Each alert needs at least two tests: one in which it fires, and one in which it does not.
    expect(tests.split(`alertname: ${alert}\n`).length - 1).toBeGreaterThanOrEqual(2)
  }
})

test('each alert has its section in docs/operate.md', () => {
  for (const alert of alerts) {
    expect(rules).toContain(`runbook_url: docs/operate.md#${alert.toLowerCase()}\n`)
    expect(page).toContain(`\n### ${alert}\n`)
  }
})

test('promtool accepts the queries of the dashboard', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
  const filled = queries.map((query) => query.replaceAll('$webhook', '.+').replaceAll('$__rate_interval', '5m'))
  const rules = filled.map((expr, i) => ({ record: `panel_${i}`, expr }))
  try {
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    expect(promtool('check', 'rules', join(folder, 'rules.yml'))).toContain(`${rules.length} rules found`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('rules and dashboard name metrics and labels that exist, and the dashboard has all metrics', () => {
  const used = [rules, ...queries].flatMap((text) => text.match(/tradecloud_webhook_\w+/g) ?? [])
  const known = new Set(names.flatMap((name) => (name.endsWith('_duration_seconds') ? [`${name}_bucket`] : [name])))
  expect(used.filter((name) => !known.has(name))).toEqual([])
  expect([...known].filter((name) => !queries.some((query) => query.includes(name)))).toEqual([])
  for (const [name, , ...labels] of definitions as ReadonlyArray<readonly string[]>)
    for (const [, inBraces = ''] of [rules, ...queries]
      .join('\n')
      .matchAll(new RegExp(`${name}(?:_bucket)?\\{(.*?)\\}`, 'g')))
      for (const [, label] of inBraces.matchAll(/(\w+)[=!]~?"/g)) expect(['webhook', ...labels]).toContain(label)
})
