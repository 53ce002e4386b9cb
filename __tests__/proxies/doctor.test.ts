/** `doctor` finds nothing wrong with the files of examples/proxies, and names a remedy for each defect of a proxy. */
import type { LookupFunction } from 'node:net'
import { SIZES } from '../../lib/cli/doctor/bodies'
import { examine, type ExamineOptions } from '../../lib/cli/doctor/examine'
import type { DoctorReport } from '../../lib/cli/doctor/examination'
import { readTarget } from '../../lib/cli/doctor/target'
import { inDays, makeCertificate, type Pem } from '../certificate'
import { endAll } from '../faults/receiver-process'
import { isFull } from '../size'
import { startApp, type App } from './app-process'
import { DEFECTS } from './defects'
import { HOST, proxyNames, startProxy, type Proxy, type ProxyName } from './proxies'

/** Every host name resolves to this machine. */
const lookup: LookupFunction = (_name, { all }, callback) => {
  if (all) callback(null, [{ address: '127.0.0.1', family: 4 }])
  else callback(null, '127.0.0.1', 4)
}
const SMALL = SIZES.slice(0, 1)
const auth = { type: 'bearer', token: 'proxies' } as const

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(endAll)

function ask(
  proxy: Proxy,
  { path = '/tradecloud/order', ...options }: Partial<ExamineOptions> & { path?: string } = {},
) {
  const target = readTarget(`https://${HOST}:${proxy.port}${path}`)
  return examine(target, { auth, lookup, ca: proxy.certificate, slowUploadMs: 30, sizes: SMALL, ...options })
}

const codesOf = ({ findings }: DoctorReport): string[] => findings.map(({ code }) => code)
const resultsOf = ({ checks }: DoctorReport): string[] => checks.map(({ name, result }) => `${name}: ${result}`)

const URLS: ReadonlyArray<[path: string, places: string[]]> = [
  ['/tradecloud/order', ['IDs in the path', 'IDs in the query']],
  ['/tradecloud/shipment/{shipmentId}', ['IDs in the path']],
  ['/tradecloud?orderId={orderId}', ['IDs in the query']],
]

test('the files as they are: nothing to find', async () => {
  const askAll = async (name: ProxyName): Promise<void> => {
    const proxy = await startProxy(name, app.port)
    for (const [at, [path, places]] of URLS.entries()) {
      const sizes = isFull ? SIZES : SIZES.slice(0, 2)
      const more = at === 0 ? { sizes, slowUploadMs: isFull ? 65_000 : 3_000 } : {}
      const report = await ask(proxy, { path, ...more })
      expect({ name, path, findings: report.findings }).toEqual({ name, path, findings: [] })
      expect(report.ok).toBe(true)
      const names = ['TLS', 'POST', 'GET', 'PUT', 'wrong credentials', 'headers', ...places, 'bodies', 'slow upload']
      expect(resultsOf(report).sort()).toEqual(names.map((each) => `${each}: ok`).sort())
    }
  }
  await Promise.all(proxyNames.map(askAll))
  expect(app.noted('begin')).toEqual([])
})

const SERVERS = { nginx: 'nginx', apache: 'Apache', haproxy: 'HAProxy', caddy: 'Caddy' } as const

test.each(Object.entries(DEFECTS))('%s', async (_what, defect) => {
  const { replacements, path, slowUploadMs, codes, evidence, remedy } = defect
  const proxy = await startProxy(
    defect.proxy,
    app.port,
    replacements.map(([text, by]) => [text, by.replace('APP', String(app.port))]),
  )
  const report = await ask(proxy, { ...(path && { path }), ...(slowUploadMs && { slowUploadMs }) })
  expect(codesOf(report)).toEqual(codes)
  expect(report.ok).toBe(false)
  const [first] = report.findings
  expect(first?.evidence.map((text) => (evidence.test(text) ? 'as expected' : text))).toContain('as expected')
  expect(first?.remedies[SERVERS[defect.proxy]]).toMatch(remedy)
  for (const server of ['nginx', 'Apache', 'HAProxy'] as const) expect(first?.remedies[server]).toMatch(/./)
  expect(app.noted('begin')).toEqual([])
})

const CERTIFICATES: Array<[string, Pem, string, RegExp]> = [
  ['expired', makeCertificate(HOST, inDays(-90), inDays(-1)), 'certificate_expired', /it expired on/],
  ['not yet valid', makeCertificate(HOST, inDays(1), inDays(90)), 'certificate_not_yet_valid', /valid from/],
  [
    'for another host',
    makeCertificate('other.example', inDays(-1), inDays(90)),
    'certificate_name',
    /for other\.example/,
  ],
]

test.each(CERTIFICATES)('a certificate that is %s: no credentials are sent', async (_what, pem, code, evidence) => {
  const before = app.notes.length
  const proxy = await startProxy('nginx', app.port, [], pem)
  const report = await ask(proxy)
  expect(report.findings).toMatchObject([{ code, evidence: [expect.stringMatching(evidence)] }])
  expect(resultsOf(report)).toEqual(['TLS: failed', 'everything else: unchecked'])
  expect(report.findings[0]?.remedies.nginx).toMatch(/certificate/)
  expect(app.notes).toHaveLength(before)
})

test('a certificate of no known authority, and one that expires soon', async () => {
  const proxy = await startProxy('nginx', app.port)
  const unknown = await ask(proxy, { ca: undefined })
  expect(unknown.findings).toMatchObject(
    [{ code: 'certificate_chain', evidence: [/DEPTH_ZERO_SELF_SIGNED_CERT/] }].map(({ code, evidence: [text] }) => ({
      code,
      evidence: [expect.stringMatching(text!)],
    })),
  )
  const soon = await startProxy('nginx', app.port, [], makeCertificate(HOST, inDays(-87), inDays(3.5)))
  const report = await ask(soon)
  // A certificate that will end soon loses no events, so the remaining checks are run.
  expect(report.findings).toMatchObject([
    { code: 'certificate_ends_soon', evidence: [expect.stringContaining('in 3 days')] },
  ])
  expect(resultsOf(report)).toContain('bodies: ok')
})
