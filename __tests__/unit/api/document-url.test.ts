/** Documents by `url`: which hosts may be named, which URLs are accepted, and that errors reveal only the host. */
import { Agent } from 'node:https'
import { inspect } from 'node:util'
import { TradecloudClient } from '../../../lib/api'
import { checkDocumentUrl, filenameOf, resolveDocumentHosts } from '../../../lib/api/document-url'
import { errorOf, setUp } from './fake-api'

const { api, client } = setUp()
const HOSTS = ['files.example.com', 'Files.Example.com:8443', 'münchen.example', '93.184.216.34', '[2a00:1450::1]']

test('hosts are compared as a URL parser reads them', () => {
  expect([...resolveDocumentHosts([...HOSTS, 'files.example.com:443'])]).toEqual([
    'files.example.com',
    'files.example.com:8443',
    'xn--mnchen-3ya.example',
    '93.184.216.34',
    '[2a00:1450::1]',
  ])
  expect(resolveDocumentHosts(undefined).size).toBe(0)
})

test.each([
  ['', 'is ""'],
  [undefined, 'undefined'],
  [443, 'is 443'],
  ['https://files.example.com', 'only a host name'],
  ['files.example.com/path', 'only a host name'],
  ['files.example.com?canary', 'only a host name'],
  ['files.example.com#canary', 'only a host name'],
  ['user:canary@files.example.com', 'only a host name'],
  ['files.example.com\\path', 'only a host name'],
  ['*.example.com', 'wildcards'],
  ['files.example.com.', 'dot'],
  [' files.example.com', 'not a host name'],
  ['files.example.com\n', 'not a host name'],
  ['files\t.example.com', 'not a host name'],
  ['files%2eexample.com', 'not a host name'],
  ['files.example.com:port', 'not a host name'],
  ['files.example.com:65536', 'not a host name'],
  ['2a00:1450::1', 'not a host name'],
  ['localhost', 'public internet'],
  ['localhost:8443', 'public internet'],
  ['127.0.0.1', 'public internet'],
  ['127.1:8443', 'public internet'],
  ['2130706433', 'public internet'],
  ['0x7f.1', 'public internet'],
  ['0300.0250.0.1', 'public internet'],
  ['10.0.0.1', 'public internet'],
  ['169.254.169.254', 'public internet'],
  ['[::1]', 'public internet'],
  ['[::ffff:10.0.0.1]', 'public internet'],
  ['[::ffff:8.8.8.8]', 'public internet'],
  ['[fe80::1]', 'public internet'],
])('the entry %j throws: %s', async (entry, expected) => {
  const options = { environment: 'production' as const, username: 'a', password: 'b' }
  const create = async () => new TradecloudClient({ ...options, documentHosts: ['files.example.com', entry as string] })
  const error = await create().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringContaining(expected) as string })
  expect((error as Error).message).toContain('`documentHosts[1]`')
  expect((error as Error).message).not.toContain('canary')
})

test('hosts that are not in a list throw', () => {
  expect(() => resolveDocumentHosts('files.example.com')).toThrow('`documentHosts` is not a list')
})

test.each([
  'https://files.example.com',
  'https://files.example.com/a/b?c=d#e',
  'https://files.example.com:443/',
  'https://files.example.com:8443/',
  'HTTPS://FILES.example.COM/',
  'https:files.example.com/',
  'https:\\\\files.example.com\\a',
  ' https://files.example.com/ ',
  'https://fi\tles.exam\nple.com/',
  'https://files.example.com\\@evil.example/',
  'https://files。example．com/',
  'https://ﬁles.example.com/',
  'https://files%2Eexample.com/',
  'https://münchen.example/',
  'https://xn--mnchen-3ya.example/',
  'https://93.184.216.34/',
  'https://0x5d.0xb8.0xd8.0x22/',
  'https://1572395042/',
  'https://0135.0270.0330.042/',
  'https://[2a00:1450::1]/',
  'https://[2A00:1450:0:0::0:1]/',
])('lets %j through, to the host that was named', (text) => {
  const hosts = resolveDocumentHosts(HOSTS)
  const checked = checkDocumentUrl(text, hosts)
  expect(checked).toMatchObject({ ok: true })
  if (checked.ok) expect(hosts.has(checked.url.host)).toBe(true)
})

const REFUSED: Array<[string, string]> = [
  ['http://files.example.com/canary', 'https'],
  ['http://127.0.0.1/canary', 'https'],
  ['ftp://files.example.com/canary', 'https'],
  ['file:///etc/canary', 'https'],
  ['data:text/plain,canary', 'https'],
  ['javascript:canary', 'https'],
  ['canary', 'not a URL'],
  ['//files.example.com/canary', 'not a URL'],
  ['https://', 'not a URL'],
  ['https://files.example.com:99999/canary', 'not a URL'],
  ['https://files .example.com/canary', 'not a URL'],
  ['https://user@files.example.com/canary', 'user'],
  ['https://:canary@files.example.com/', 'password'],
  ['https://files.example.com@evil.example/canary', 'user'],
  ['https://evil.example/canary', 'evil.example'],
  ['https://evil.example\\@files.example.com/canary', 'evil.example'],
  ['https://evil.example#@files.example.com/canary', 'evil.example'],
  ['https://evil.example?@files.example.com/canary', 'evil.example'],
  ['https://files.example.com.evil.example/canary', 'evil.example'],
  ['https://sub.files.example.com/canary', 'sub.files'],
  ['https://evilfiles.example.com/canary', 'evilfiles'],
  ['https://files.example.com./canary', 'files.example.com.'],
  ['https://files.example.com:444/canary', ':444'],
  ['https://münchen.example:8443/canary', 'xn--'],
  ['https://fіles.example.com/canary', 'xn--'],
  ['https://localhost/canary', 'localhost'],
  ['https://127.0.0.1/canary', '127.0.0.1'],
  ['https://2130706433/canary', '127.0.0.1'],
  ['https://0x7f000001/canary', '127.0.0.1'],
  ['https://017700000001/canary', '127.0.0.1'],
  ['https://127.1/canary', '127.0.0.1'],
  ['https://①②⑦.⓪.⓪.①/canary', '127.0.0.1'],
  ['https://[::1]/canary', '[::1]'],
  ['https://[::ffff:93.184.216.34]/canary', '[::ffff:5db8:d822]'],
  [`https://files.example.com/canary${'a'.repeat(8192)}`, 'longer'],
  [`https://files.example.com/canary${'ü'.repeat(2000)}`, 'escaped'],
]

test.each(REFUSED.map(([url, expected]) => [url.slice(0, 60), expected, url] as const))(
  'refuses %s: %s',
  async (_start, expected, url) => {
    const error = await errorOf(client({ documentHosts: HOSTS }).downloadDocument({ url }))
    expect(error).toMatchObject({ code: 'document_not_allowed', attempts: 0, apiStatus: undefined })
    expect(error.message).toContain(expected)
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('canary')
    expect(api().seen).toHaveLength(0)
  },
)

test('without hosts the error names the option', async () => {
  const error = await errorOf(client().downloadDocument({ url: 'https://files.example.com/canary' }))
  expect(error).toMatchObject({ code: 'unsupported_document', attempts: 0 })
  expect(error.message).toContain('`documentHosts`')
})

test.each([
  ['https://h.example/a/b.pdf?c=d', 'b.pdf'],
  ['https://h.example/a/b%20c.pdf', 'b c.pdf'],
  ['https://h.example/a/..%2F..%2Fb', '../../b'],
  ['https://h.example/a/%E0%A4%A', '%E0%A4%A'],
  ['https://h.example/a/', 'h.example'],
  ['https://h.example', 'h.example'],
])('calls the file of %s %j', (url, filename) => {
  expect(filenameOf(new URL(url))).toBe(filename)
})

describe('an httpsAgent beside documentHosts', () => {
  const create = (httpsAgent: Agent, documentHosts?: string[]) =>
    new TradecloudClient({ environment: 'production', username: 'a', password: 'b', httpsAgent, documentHosts })

  test('may be a plain one', () => {
    expect(() => create(new Agent({ keepAlive: true, ca: 'x' }), HOSTS)).not.toThrow()
  })

  const unusual: Array<[string, Agent]> = [
    ['of a class of its own', new (class extends Agent {})()],
    ['with connections of its own', Object.assign(new Agent(), { createConnection: () => undefined })],
    ['with sockets of its own', Object.assign(new Agent(), { addRequest: () => undefined })],
  ]
  test.each(unusual)('must not be one %s', (_what, agent) => {
    expect(() => create(agent)).not.toThrow()
    expect(() => create(agent, [])).not.toThrow()
    expect(() => create(agent, HOSTS)).toThrow('`httpsAgent` makes its own connections')
  })
})
