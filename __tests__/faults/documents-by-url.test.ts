/**
 * Documents by `url`, on a simulated internet with real names, addresses and certificates. The client connects only to
 * hosts that the user named, and only to addresses that it has checked. The other company cannot change that: neither
 * by what it sends, nor by changing the addresses of its names.
 */
import { DEAD, type Told } from './internet/question'
import { CONTENT } from './internet/servers'
import { FIRST, NAME, OTHER, SECOND, setUpInternet, SIXTH } from './internet/set-up'

const [DEAD_FOURTH = '', DEAD_SIXTH = ''] = DEAD
const { get } = setUpInternet()

const addressesOf = (told: Told) => told.connections.map(({ address }) => address)
/** The queries for the two address families of a name count as one look-up. */
const lookUps = ({ asked }: Told) => asked.filter((question) => question.startsWith('A '))

test('downloads over https, from the address of the name, and tells name, type and size', async () => {
  const told = await get('/a/invoice%201.pdf?signature=canary')
  expect(told.downloads).toEqual([
    { filename: 'invoice 1.pdf', contentType: 'application/pdf', size: CONTENT.length, content: CONTENT },
  ])
  expect(told.connections).toEqual([{ address: FIRST }])
  expect(told.requests).toMatchObject([
    { address: FIRST, servername: NAME, url: '/a/invoice%201.pdf?signature=canary', headers: { host: NAME } },
  ])
  expect(lookUps(told)).toEqual([`A ${NAME}`])
  expect(told.lines).toContain(`GET a document of "${NAME}": 200`)
})

test('sends no token, no cookie and nothing else of ours, and asks nothing of the API', async () => {
  const told = await get('', [FIRST], { urls: [`https://${NAME}/a`, `https://${NAME}/b`] })
  expect(told.downloads.map(({ content }) => content)).toEqual([CONTENT, CONTENT])
  for (const { headers } of told.requests) {
    expect(Object.keys(headers ?? {}).toSorted()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ])
    expect(JSON.stringify(headers)).not.toContain('canary')
  }
  // Each download has its own connection and its own look-up.
  expect(told.connections).toHaveLength(2)
  expect(lookUps(told)).toHaveLength(2)
  expect(told.apiRequests.map((request) => request.split('/')[2])).toEqual([
    'authentication',
    'order',
    'authentication',
  ])
})

test('reaches a port that was named, and no other', async () => {
  const options = { documentHosts: [`${NAME}:8443`] }
  const urls = [`https://${NAME}:8443/a`, `https://${NAME}/a`]
  const told = await get('', [FIRST], { urls, options })
  expect(told.downloads).toMatchObject([{ content: CONTENT }, { error: { code: 'document_not_allowed' } }])
  expect(told.requests).toMatchObject([{ headers: { host: `${NAME}:8443` } }])
})

test.each([
  ['https://93.184.216.34/a', FIRST],
  ['https://1572395042/a', FIRST],
])('reaches an address that was named: %s', async (url, address) => {
  const told = await get('', [], { urls: [url], options: { documentHosts: [FIRST] } })
  expect(told.downloads).toMatchObject([{ content: CONTENT }])
  expect(told.requests).toMatchObject([{ address, servername: false }])
  expect(told.asked).toEqual([])
})

test('reaches an IPv6 address that was named', async () => {
  const told = await get('', [], { urls: ['https://[2A00:1450:0::1]/a'], options: { documentHosts: [`[${SIXTH}]`] } })
  // Only the connection is checked, not the download: some versions of Node, such as 22.23, accept no certificate for
  // an IPv6 address.
  expect(addressesOf(told)).toEqual([SIXTH])
  expect(told.asked).toEqual([])
})

describe('addresses', () => {
  test.each([
    ['loopback', ['127.0.0.1']],
    ['loopback in IPv6', ['::1']],
    ['private', ['10.1.2.3']],
    ['private in IPv6', ['fd00::1']],
    ['link-local, with the metadata of a cloud', ['169.254.169.254']],
    ['of a provider', ['100.64.1.2']],
    ['of no host', ['0.0.0.0']],
    ['mapped loopback', ['::ffff:127.0.0.1']],
    ['mapped private', ['::ffff:10.1.2.3']],
    ['mapped public', ['::ffff:93.184.216.34']],
    ['translated private', ['64:ff9b::a01:203']],
    ['in a tunnel', ['2002:808:808::1']],
    ['private after a public one', [FIRST, '10.1.2.3']],
    ['private before a public one', ['10.1.2.3', FIRST]],
    ['private beside a public one of the other family', [FIRST, 'fd00::1']],
    ['loopback beside a public one of the other family', [SIXTH, '127.0.0.1']],
  ])('%s: nothing is sent, nor tried again', async (_what, addresses) => {
    const told = await get('/a?canary', addresses)
    const [download] = told.downloads
    expect(download?.error).toMatchObject({ code: 'document_not_allowed', attempts: 0 })
    expect(download?.error?.message).toContain(`"${NAME}"`)
    expect(download?.error?.message).not.toContain(addresses[0])
    expect(told.lines).toMatch(/resolves to \S+, which is not a public address/)
    expect(told.connections).toEqual([])
    expect(lookUps(told)).toHaveLength(1)
  })

  test('a name that leads elsewhere at the next question changes nothing', async () => {
    const told = await get('/a', [], { zone: { [NAME]: [[FIRST], ['127.0.0.1']] } })
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
    expect(addressesOf(told)).toEqual([FIRST])
    expect(lookUps(told)).toHaveLength(1)
  })

  test('they are checked again for the next attempt', async () => {
    const told = await get('/once?code=503', [], { zone: { [NAME]: [[FIRST], ['127.0.0.1']] } })
    expect(told.downloads).toMatchObject([{ error: { code: 'document_not_allowed', attempts: 1 } }])
    expect(addressesOf(told)).toEqual([FIRST])
    expect(lookUps(told)).toHaveLength(2)
  })

  test.each([
    ['IPv6', [SIXTH], SIXTH],
    ['another of the same family where one is dead', [DEAD_FOURTH, SECOND], SECOND],
    ['the other family where one is dead', [DEAD_SIXTH, SECOND], SECOND],
  ])('connects to %s', async (_what, addresses, expected) => {
    const told = await get('/a', addresses)
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
    expect(addressesOf(told)).toEqual([expected])
  })

  test('connects to the first alone where Node tries none side by side', async () => {
    const told = await get('/a', [SECOND], { sideBySide: false })
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
    expect(addressesOf(told)).toEqual([SECOND])
  })

  test.each([
    ['no one listens', [DEAD_FOURTH], /ECONNREFUSED/],
    ['no one listens, on any of them', [DEAD_FOURTH, DEAD_SIXTH], /ECONNREFUSED/],
    ['no way leads to', ['2a00:1450:dead::1'], /ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL/],
  ])('tells of those where %s', async (_what, addresses, code) => {
    const told = await get('/a', addresses, { once: true })
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_failed' } }])
    expect(told.downloads[0]?.error?.message).toMatch(code)
  })

  test('a name that no one knows is asked for again', async () => {
    const told = await get('/a', [], { zone: { [NAME]: ['unknown', [FIRST]] } })
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
    const once = await get('/a', [], { zone: {}, once: true })
    expect(once.downloads).toMatchObject([{ error: { code: 'fetch_failed' } }])
    expect(once.downloads[0]?.error?.message).toContain('failed: ENOTFOUND')
  })

  test('a name server that says nothing does not hold the call, and holds one look-up alone', async () => {
    const options = { documentHosts: [NAME, OTHER], requestTimeoutMs: 400, fetchTimeoutMs: 1_200 }
    const urls = [NAME, OTHER].map((name) => `https://${name}/a`)
    const told = await get('', [], { urls, zone: { [NAME]: ['silent'], [OTHER]: [[FIRST]] }, options })
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_timeout' } }, { content: CONTENT }])
    expect(told.downloads[0]?.error?.attempts).toBeGreaterThan(1)
    expect(lookUps(told).filter((question) => question === `A ${NAME}`)).toHaveLength(1)
  })
})

test('an httpsAgent with a way of its own to look up names does not get around the check', async () => {
  const agent = { lookup: '127.0.0.1', host: '127.0.0.1', servername: 'other.example.com', keepAlive: true }
  const told = await get('/a', [FIRST], { agent })
  expect(told.downloads).toMatchObject([{ content: CONTENT }])
  expect(told.requests).toMatchObject([{ address: FIRST, servername: NAME }])
  const other = await get('/a', ['127.0.0.1'], { agent: { lookup: FIRST } })
  expect(other.downloads).toMatchObject([{ error: { code: 'document_not_allowed' } }])
  expect(other.connections).toEqual([])
})

describe('through a proxy', () => {
  test('asks it for the address that was checked, and speaks TLS under the name', async () => {
    const told = await get('/a', [], { zone: { [NAME]: [[FIRST], ['127.0.0.1']] }, proxy: [] })
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
    expect(told.proxied).toEqual([`${FIRST}:443`])
    expect(told.requests).toMatchObject([{ address: FIRST, servername: NAME, headers: { host: NAME } }])
    expect(JSON.stringify(told.requests)).not.toContain('canary')
  })

  test('asks it for nothing where an address is not public', async () => {
    const told = await get('/a', [FIRST, '10.1.2.3'], { proxy: [] })
    expect(told.downloads).toMatchObject([{ error: { code: 'document_not_allowed', attempts: 0 } }])
    expect(told.proxied).toEqual([])
    expect(told.connections).toEqual([])
  })

  test('asks it for IPv4 first, and for the next address where it refuses one', async () => {
    const first = await get('/a', [SIXTH, SECOND], { proxy: [] })
    expect(first.proxied).toEqual([`${SECOND}:443`])
    const sixth = await get('/a', [SIXTH], { proxy: [] })
    expect(sixth.proxied).toEqual([`[${SIXTH}]:443`])
    expect(sixth.downloads).toMatchObject([{ content: CONTENT }])
    const told = await get('/a', [SECOND, SIXTH], { proxy: [SECOND] })
    expect(told.proxied).toEqual([`${SECOND}:443`, `[${SIXTH}]:443`])
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
  })

  test('tells that it refuses', async () => {
    const told = await get('/a', [SIXTH], { proxy: [SIXTH], once: true })
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_failed' } }])
    expect(told.downloads[0]?.error?.message).toContain('the proxy answered 403 to CONNECT')
    expect(told.connections).toEqual([])
  })
})
