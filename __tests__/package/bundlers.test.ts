/** Each common bundler bundles an app. The app receives events, and finds the files that the package loads lazily. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { start } from './program'
import { createProject, install, root, run, tarball } from './project'

const fixture = (name: string): string => readFileSync(join(root, '__tests__/fixtures', name), 'utf8')
const json = fixture('order-event.json')
const xml = fixture('order-event.xml')
const event = (order: object): string =>
  JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x-1', ...order } })
/** A well-formed token, so that the webhook looks up its key. */
const token = [{ alg: 'RS256', kid: '1' }, { iss: 'https://issuer.example', aud: 'webhook', exp: 4_102_444_800 }, 'x']
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.')

const bundles: Array<[bundler: string, file: string, warnings: string[]]> = [
  [
    'webpack',
    'app.cjs',
    ['./node_modules/express/lib/view.js: Critical dependency: the request of a dependency is an expression'],
  ],
  ['esbuild', 'app.cjs', []],
  ['rollup', 'app.mjs', []],
  ['ncc', 'app.mjs', []],
]

let project: string
beforeAll(() => {
  project = createProject('bundlers')
  install(project)
  // Native packages are not bundled. They are installed where the bundle runs.
  const scope = join(dirname(tarball()), 'bundles/node_modules/@photostructure')
  mkdirSync(scope, { recursive: true })
  symlinkSync(join(project, 'node_modules/@photostructure/sqlite'), join(scope, 'sqlite'))
}, 300_000)

test.each(bundles)('%s', async (bundler, file, warnings) => {
  const at = join(dirname(tarball()), 'bundles', bundler)
  mkdirSync(at, { recursive: true })
  expect(JSON.parse(run(process.execPath, ['bundle.mjs', bundler, join(at, file)], project))).toEqual(warnings)

  const program = await start([file], at)
  const { port, fetched } = program.first as { port: number; fetched: string }
  const send = async (path: string, body: string, type = 'json', credentials = 'secret'): Promise<string> => {
    const headers = { Authorization: `Bearer ${credentials}`, 'Content-Type': `application/${type}` }
    const response = await fetch(`http://127.0.0.1:${port}/${path}/order`, { method: 'POST', headers, body })
    const { outcome, code } = (await response.json()) as { outcome?: string; code?: string }
    return `${path} ${response.status} ${outcome ?? code ?? ''}`
  }
  const responses = [
    await send('plain', json),
    await send('plain', xml, 'xml'),
    await send('plain', event({ lines: [{ id: 1 }] })),
    await send('api', event({ orderId: fetched })),
    await send('oauth', event({})),
    await send('oauth', event({}), 'json', token),
    await send('redis', event({})),
    await send('inbox', event({})),
  ]
  for (const [dialect, wrong] of [
    ['draft-07', { date: '2026-11-20' }],
    ['2019-09', { date: '2026-11-20' }],
    ['2020-12', { pair: [1] }],
  ] as const) {
    responses.push(await send(dialect, event({ date: '2026-11-20', version: 1, pair: ['x'] })))
    responses.push(await send(dialect, event(wrong)), await send(dialect, event({ date: 'today', version: 1 })))
  }
  const lines = await program.stop()
  expect(responses).toEqual([
    'plain 200 delivered',
    'plain 200 delivered',
    'plain 400 invalid_body',
    'api 200 delivered',
    'oauth 200 delivered',
    'oauth 503 unavailable',
    'redis 200 delivered',
    'inbox 202 queued',
    'draft-07 200 delivered',
    'draft-07 400 invalid_body',
    'draft-07 400 invalid_body',
    '2019-09 200 delivered',
    '2019-09 400 invalid_body',
    '2019-09 400 invalid_body',
    '2020-12 200 delivered',
    '2020-12 400 invalid_body',
    '2020-12 400 invalid_body',
  ])
  expect(new Set(lines)).toEqual(
    new Set([
      `OrderLinesAcceptedBySupplier ${String(JSON.parse(json).orderEvent.orderId)} affected-lines`,
      `OrderIssuedByBuyer ${fetched} all-lines`,
      'OrderIssuedByBuyer x-1 affected-lines',
    ]),
  )
})
