/** examples/compose: docker-compose and promtool accept its files, no secret has a default, and its server works. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { orderEvent } from 'tradecloud-webhook/testing'
import { endExamples, startExample } from '../example-servers'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { until } from '../wait'
import { promtool } from './promtool'

const root = resolve(__dirname, '../..')
const folder = join(root, 'examples/compose')
const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
const secrets = { WEBHOOK_PASSWORD: 'webhook-secret', POSTGRES_PASSWORD: 'postgres-secret' }

let temporary: string
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'compose-'))
})
afterAll(async () => {
  endExamples()
  await stopPostgresServers()
  rmSync(temporary, { recursive: true, force: true })
})

/**
 * The complete configuration, as docker-compose understands it. Throws an error with the message of docker-compose if
 * the configuration is refused.
 */
function config(env: Record<string, string>): string {
  const file = join(temporary, '.env')
  const lines = read('.env.example').split('\n')
  const filled = lines.map((line) => line + (env[/^(\w+)=$/.exec(line)?.[1] ?? ''] ?? ''))
  writeFileSync(file, filled.join('\n'))
  const args = ['--file', join(folder, 'compose.yaml'), '--env-file', file, 'config']
  const { PATH = '' } = process.env
  return execFileSync('docker-compose', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', env: { PATH } })
}

function servicesOf(text: string): Array<[string, string]> {
  const [, section = ''] = /^services:\n((?: .*\n?)*)/m.exec(text) ?? []
  return [...section.matchAll(/^ {2}(\w+):\n((?: {3,}.*\n?)*)/gm)].map(([, name = '', body = '']) => [name, body])
}

test('docker-compose accepts it with the secrets of .env, and each service has a health check and a pinned image', () => {
  const services = servicesOf(config(secrets))
  expect(services.map(([name]) => name)).toEqual(['app', 'postgres', 'prometheus', 'proxy'])
  for (const [name, body] of services) {
    expect(body).toContain('    healthcheck:\n')
    if (name !== 'app') expect(body).toMatch(/^ {4}image: \S+:v?\d+\.\d+(\.\d+)?(-\w+)?$/m)
  }
  expect(read('Dockerfile')).toMatch(/^FROM node:\d+\.\d+\.\d+-/m)
  const app = services.find(([name]) => name === 'app')?.[1]
  expect(app).toContain('WEBHOOK_PASSWORD: webhook-secret\n')
  expect(app).not.toContain('    ports:\n')
})

test('.env is not committed', () => expect(read('.gitignore').split('\n')).toContain('.env'))

test.each(Object.keys(secrets))('without %s nothing starts', (secret) => {
  expect(() => config({ ...secrets, [secret]: '' })).toThrow('set it in .env')
})

test('the proxy gets the address of the app, and the server the version of this package', () => {
  const [, from = '', to = ''] = /sed 's\/([\d.:]+)\/([\d.]+):3000\/'/.exec(read('compose.yaml')) ?? []
  expect(readFileSync(join(root, 'examples/proxies/nginx.conf'), 'utf8').split(from)).toHaveLength(2)
  expect(read('compose.yaml')).toContain(`ipv4_address: ${to}\n`)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(read('package.json')).toContain(`"tradecloud-webhook": "^${version}"`)
})

test('promtool accepts the configuration of Prometheus, with our alert rules', () => {
  for (const file of ['compose/prometheus.yml', 'prometheus/alerts.yml'])
    copyFileSync(join(root, 'examples', file), join(temporary, file.replace(/.*\//, '')))
  expect(promtool('check', 'config', join(temporary, 'prometheus.yml'))).toContain('rules found')
})

const env = { WEBHOOK_PASSWORD: secrets.WEBHOOK_PASSWORD, METRICS_PORT: '0' }

test('the server stores an event, writes the order, reports metrics, and ends on SIGTERM', async () => {
  const postgres = await startPostgres({})
  await postgres.query(readFileSync(join(root, 'examples/postgres.sql'), 'utf8'))
  const { child, url, lines } = await startExample('compose/server.ts', {
    ...env,
    DATABASE_URL: postgres.connectionString,
  })
  const [port] = lines.flatMap((line) => /^Metrics and probes on port (\d+)/.exec(line)?.[1] ?? [])
  const operations = `http://127.0.0.1:${port}`
  expect((await fetch(`${operations}/health/ready`)).status).toBe(200)
  const post = async (password: string): Promise<number> => {
    const Authorization = `Basic ${Buffer.from(`tradecloud:${password}`).toString('base64')}`
    const headers = { Authorization, 'Content-Type': 'application/json' }
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(orderEvent({ seed: 1 })) })).status
  }
  expect(await post('postgres-secret')).toBe(401)
  expect(await post(secrets.WEBHOOK_PASSWORD)).toBe(202)
  await until(async () => (await postgres.query('SELECT id FROM orders')).rows.length === 1, 'the order is not written')
  const metrics = async (): Promise<string> => (await fetch(`${operations}/metrics`)).text()
  await until(async () => /^tradecloud_webhook_deliveries_total\{.*"delivered".*\} 1$/m.test(await metrics()))
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})

test('without a password the server does not start', async () => {
  const DATABASE_URL = 'postgres://127.0.0.1:1/none'
  const unset = { ...process.env, ...env, DATABASE_URL, WEBHOOK_PASSWORD: '' }
  const args = ['--import', 'tsx', join(folder, 'server.ts')]
  const child = spawn(process.execPath, args, { cwd: root, env: unset })
  child.stderr.setEncoding('utf8')
  let text = ''
  child.stderr.on('data', (more: string) => (text += more))
  expect(await once(child, 'close')).toEqual([1, null])
  expect(text).toContain('password')
})
