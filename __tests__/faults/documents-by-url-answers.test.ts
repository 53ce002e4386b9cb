/** Downloads of documents by their `url`, from hosts of a simulated internet: their responses and certificates. */
import { UNTRUSTED, type Told } from './internet/question'
import { CONTENT } from './internet/servers'
import { FIRST, NAME, setUpInternet } from './internet/set-up'

const { internet, get } = setUpInternet()

describe('answers', () => {
  test.each(['https://127.0.0.1/canary', 'https://internal.example.com/canary', `https://${NAME}/canary`, '/canary'])(
    'a redirect to %s is a failure, and is not followed',
    async (to) => {
      const zone = { [NAME]: [[FIRST]], 'internal.example.com': [['127.0.0.1']] }
      const told = await get(`/redirect?to=${encodeURIComponent(to)}`, [], { zone })
      expect(told.downloads).toMatchObject([{ error: { code: 'fetch_failed', apiStatus: 302, attempts: 1 } }])
      expect(told.downloads[0]?.error?.message).toContain('redirects are not followed')
      expect(told.connections).toEqual([{ address: FIRST }])
      expect(told.asked.filter((question) => question.includes('internal'))).toEqual([])
    },
  )

  test.each([
    [401, 'fetch_failed'],
    [403, 'fetch_failed'],
    [404, 'not_found'],
    [410, 'not_found'],
    [206, 'fetch_failed'],
  ])('%d is final: %s', async (status, code) => {
    const told = await get(`/status?code=${status}`)
    expect(told.downloads).toMatchObject([{ error: { code, apiStatus: status, attempts: 1 } }])
    expect(told.requests).toHaveLength(1)
  })

  test.each([429, 500, 503])('%d is tried again', async (status) => {
    const told = await get(`/once?code=${status}`)
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
    expect(told.requests).toHaveLength(2)
  })

  test('one that does not come ends the call in time', async () => {
    const told = await get('/hang', [FIRST], { options: { requestTimeoutMs: 100, fetchTimeoutMs: 250 } })
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_timeout' } }])
  })

  test.each([
    ['of a length that is told', '/large', false],
    ['without end', '/endless', true],
    ['that grows when it is decompressed', '/bomb', true],
  ])('a content that is too large, %s, is refused', async (_what, path, began) => {
    const told = await get(path, [FIRST], { options: { maxDocumentBytes: 100_000 } })
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_failed' } }])
    expect(told.downloads[0]?.error?.message).toContain('maxDocumentBytes')
    expect(told.downloads[0]?.contentType !== undefined).toBe(began)
  })

  test('a content that drips ends in time', async () => {
    const told = await get('/drip', [FIRST], { options: { downloadTimeoutMs: 150 } })
    expect(told.downloads).toMatchObject([
      { error: { code: 'fetch_timeout' }, contentType: 'application/octet-stream' },
    ])
  })

  test('a content that breaks off is an error', async () => {
    const told = await get('/half')
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_failed' }, size: 1000 }])
  })

  test.each(['signal', 'close'] as const)('%s ends content and connection', async (by) => {
    const told = await get('/drip', [FIRST], { end: { by, afterMs: 200 } })
    expect(told.downloads).toMatchObject([{ error: { code: 'unavailable' } }])
  })
})

describe('certificates', () => {
  const refused = async (told: Told, code: string) => {
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_failed', attempts: 1 } }])
    expect(told.downloads[0]?.error?.message).toContain(`failed: ${code}`)
    expect(told.requests).toEqual([])
  }

  test('one of another name is refused', async () => {
    const zone = { 'wrong.example.com': [[FIRST]] }
    const options = { documentHosts: ['wrong.example.com'] }
    const told = await get('', [], { urls: ['https://wrong.example.com/a'], zone, options })
    await refused(told, 'ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test('one that no one vouches for is refused, also with an httpsAgent that takes any', async () => {
    await refused(await get('/a', [UNTRUSTED]), 'DEPTH_ZERO_SELF_SIGNED_CERT')
    const told = await get('/a', [UNTRUSTED], { agent: { rejectUnauthorized: false } })
    await refused(told, 'DEPTH_ZERO_SELF_SIGNED_CERT')
    const environment = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    await refused(await get('/a', [UNTRUSTED], { environment }), 'DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  test('that of the httpsAgent is for the API alone', async () => {
    const told = await get('/a', [FIRST], { agent: internet().untrusted })
    expect(told.requests).toMatchObject([{ certified: false }])
  })

  test('TLS options that Node refuses are an error as any other', async () => {
    const agent = { minVersion: 'TLSv9' as never }
    const told = await get('/a', [FIRST], { agent, once: true })
    expect(told.downloads).toMatchObject([{ error: { code: 'fetch_failed' } }])
  })

  test('an authority of the httpsAgent is taken over', async () => {
    const told = await get('/a', [UNTRUSTED], { agent: { ca: internet().untrusted.cert } })
    expect(told.downloads).toMatchObject([{ content: CONTENT }])
  })
})
