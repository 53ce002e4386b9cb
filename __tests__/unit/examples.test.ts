/** Each file in examples/ is run or checked by a test. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const root = resolve(__dirname, '../..')

/** For each example: a file that tests or uses it, and a text in that file that proves this. */
const TESTS: Record<string, [file: string, text: string]> = {
  'server.ts': ['__tests__/long/examples.test.ts', "start('server.ts'"],
  'durable-server.ts': ['__tests__/long/examples.test.ts', "start('durable-server.ts'"],
  'settings.ts': ['examples/server.ts', "'./settings'"],
  'cluster.ts': ['__tests__/example-cluster.ts', "startExample('cluster.ts'"],
  'demo.ts': ['.ci/run', 'npm run demo'],
  'demo-catch-up.ts': ['examples/demo.ts', "'./demo-catch-up'"],
  'http-server.ts': ['__tests__/long/http-server.test.ts', 'examples/http-server'],
  'postgres.ts': ['__tests__/postgres/upsert.test.ts', 'examples/postgres'],
  'postgres.sql': ['__tests__/postgres/upsert.test.ts', 'examples/postgres.sql'],
  'sqlite.ts': ['__tests__/inbox/sqlite-example.test.ts', 'examples/sqlite'],
  'prometheus/alerts.yml': ['__tests__/inbox/alerts.test.ts', "'alerts.yml'"],
  'prometheus/alerts.test.yml': ['__tests__/inbox/alerts.test.ts', "'alerts.test.yml'"],
  'prometheus/dashboard.json': ['__tests__/inbox/alerts.test.ts', "'dashboard.json'"],
  'proxies/nginx.conf': ['__tests__/proxies/proxies.ts', 'nginx.conf'],
  'proxies/haproxy.cfg': ['__tests__/proxies/proxies.ts', 'haproxy.cfg'],
  'proxies/apache.conf': ['__tests__/proxies/proxies.ts', 'apache.conf'],
  'proxies/apache-later.asis': ['__tests__/proxies/proxies.ts', 'apache-later.asis'],
  'proxies/Caddyfile': ['__tests__/proxies/proxies.ts', 'Caddyfile'],
  'compose/server.ts': ['__tests__/inbox/compose.test.ts', "startExample('compose/server.ts'"],
  'compose/compose.yaml': ['__tests__/inbox/compose.test.ts', 'compose.yaml'],
  'compose/.env.example': ['__tests__/inbox/compose.test.ts', '.env.example'],
  'compose/.gitignore': ['__tests__/inbox/compose.test.ts', '.gitignore'],
  'compose/Dockerfile': ['__tests__/inbox/compose.test.ts', 'Dockerfile'],
  'compose/package.json': ['__tests__/inbox/compose.test.ts', 'package.json'],
  'compose/prometheus.yml': ['__tests__/inbox/compose.test.ts', 'prometheus.yml'],
}

const examples = join(root, 'examples')
const files = readdirSync(examples, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => relative(examples, join(parentPath, name)))

test('each example has a test, and each test its example', () => {
  expect(Object.keys(TESTS).toSorted()).toEqual(files.toSorted())
})

test.each(Object.entries(TESTS))('%s', (_example, [file, text]) => {
  expect(readFileSync(join(root, file), 'utf8')).toContain(text)
})
