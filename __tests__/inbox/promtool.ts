/** Runs `promtool` of Debian's package `prometheus` on the alert rules of the examples. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const examples = resolve(__dirname, '../../examples/prometheus')

/** Runs promtool. Throws an error with its output if it reports a problem. */
export function promtool(...args: string[]): string {
  try {
    return execFileSync('promtool', args, { cwd: examples, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`promtool ${args.join(' ')}:\n${stdout}${stderr}`, { cause: error })
  }
}

/**
 * Throws unless exactly these alerts fire, such as `TradecloudEventsLate{webhook="tradecloud"}`. `scrapes` are texts of
 * `/metrics`, in order; each text is scraped for ten minutes.
 */
export function expectAlerts(scrapes: readonly string[], ...expected: string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'))
  try {
    const file = join(folder, 'test.yml')
    const tests = [
      {
        interval: '1m',
        input_series: seriesOf(scrapes),
        promql_expr_test: [
          {
            expr: 'ALERTS{alertstate="firing"}',
            eval_time: `${scrapes.length * 10 - 1}m`,
            exp_samples: expected.map((alert) => ({ labels: labelsOf(alert), value: 1 })),
          },
        ],
      },
    ]
    // promtool reads YAML, and JSON is valid YAML.
    writeFileSync(
      file,
      JSON.stringify({ rule_files: [join(examples, 'alerts.yml')], evaluation_interval: '1m', tests }),
    )
    promtool('test', 'rules', file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function labelsOf(alert: string): string {
  const [, name = '', labels = ''] = /^(\w+)\{(.*)\}$/.exec(alert) ?? []
  return `ALERTS{alertname="${name}",alertstate="firing",${labels}}`
}

/** The values of each series. If a series is missing in a scrape, it has no value for that time. */
function seriesOf(scrapes: readonly string[]): Array<{ series: string; values: string }> {
  const parsed = scrapes.map((text) => new Map(text.split('\n').flatMap(sampleOf)))
  const names = new Set(parsed.flatMap((samples) => [...samples.keys()]))
  return [...names].map((series) => ({
    series,
    values: parsed.map((samples) => `${samples.get(series) ?? '_'}x9`).join(' '),
  }))
}

function sampleOf(line: string): Array<[string, string]> {
  const [, series, value] = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
  return series === undefined || value === undefined ? [] : [[series, value]]
}
