/** Documents: metadata, expired links, and streams. Streams are limited and always closed. Errors show no secrets. */
import createDebug from 'debug'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { body, errorOf, hang, setUp, status, withoutJitter, type Script } from './fake-api'

// Registered before the hooks of `setUp`, so that the closing of the client is not logged.
afterEach(() => void createDebug.disable())

const { api, client } = setUp()
const SECRET = 'canary-signature'
const CONTENT = Buffer.from('%PDF-1.7 the content of a document')

let host: Server
let links: Array<{ url: string; headers: IncomingMessage['headers'] }>
let scripts: Script[]

beforeEach(async () => {
  links = []
  scripts = []
  host = createServer((req: IncomingMessage, res: ServerResponse) => {
    links.push({ url: req.url ?? '', headers: req.headers })
    const script = scripts.shift()
    if (script) script(req, res)
    else res.writeHead(200, { 'Content-Length': CONTENT.length }).end(CONTENT)
  })
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  let n = 0
  api().always('metadata', (req, res) => {
    const downloadUrl = `http://127.0.0.1:${port()}/file-${++n}?X-Amz-Signature=${SECRET}`
    const id = decodeURIComponent(String(req.url).split('/').at(-2) ?? '')
    res.end(JSON.stringify({ id, filename: 'invoice.pdf', contentType: 'application/pdf', downloadUrl }))
  })
})

afterEach(async () => {
  const closed = new Promise((resolve) => host.close(resolve))
  host.closeAllConnections()
  await closed
})

const port = () => (host.address() as AddressInfo).port
const connections = () => new Promise<number>((resolve) => host.getConnections((_error, count) => resolve(count)))
const show = (value: unknown) => inspect(value, { depth: Infinity, showHidden: true, getters: true })

async function streamError(stream: NodeJS.ReadableStream): Promise<Error> {
  const error: unknown = await buffer(stream).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ name: 'TradecloudApiError' })
  expect(show(error)).not.toContain('canary')
  return error as Error
}

test('gets the metadata as they came', async () => {
  const metadata = await client().getDocumentMetadata('a/b')
  expect(metadata).toMatchObject({ id: 'a/b', filename: 'invoice.pdf', contentType: 'application/pdf' })
  expect(api().seen.at(-1)?.url).toBe('/v2/object-storage/document/a%2Fb/metadata')
})

test('opens the link at once, without the token, and streams the content', async () => {
  const { stream, ...rest } = await client().downloadDocument({ objectId: '1', url: 'http://canary' })
  expect(rest).toEqual({ filename: 'invoice.pdf', contentType: 'application/pdf', size: CONTENT.length })
  expect(await buffer(stream)).toEqual(CONTENT)
  expect(links).toHaveLength(1)
  const { headers } = links[0]!
  expect(headers.authorization).toBeUndefined()
  expect(JSON.stringify(headers)).not.toContain('canary')
})

test('takes what Tradecloud does not tell from the link, and the object ID for a name', async () => {
  const { downloadUrl } = await client().getDocumentMetadata('1')
  api().first('metadata', body(JSON.stringify({ downloadUrl })))
  const zipped = gzipSync('abc')
  const headers = { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip', 'Content-Length': zipped.length }
  scripts.push((_req, res) => void res.writeHead(200, headers).end(zipped))
  const { stream, ...rest } = await client().downloadDocument({ objectId: 'a/b' })
  expect(rest).toEqual({ filename: 'a/b', contentType: 'text/plain' })
  expect((await buffer(stream)).toString()).toBe('abc')
})

test.each([400, 403, 404, 410])('asks for another link once after a %d', async (code) => {
  scripts.push(status(code))
  const { stream } = await client().downloadDocument({ objectId: '1' })
  expect(await buffer(stream)).toEqual(CONTENT)
  expect(links.map(({ url }) => url.slice(0, 7))).toEqual(['/file-1', '/file-2'])
})

test.each([
  [403, 'fetch_failed'],
  [404, 'not_found'],
  [410, 'not_found'],
])('gives up after a second %d, with %s', async (code, expected) => {
  scripts.push(status(code, {}, 'canary'), status(code, {}, 'canary'))
  const error = await errorOf(client().downloadDocument({ objectId: '1' }))
  expect(error).toMatchObject({ code: expected, apiStatus: code })
  expect(show(error)).not.toContain('canary')
  expect(links).toHaveLength(2)
})

test('does not follow a redirect', async () => {
  scripts.push(status(302, { Location: '/canary' }))
  expect(await errorOf(client().downloadDocument({ objectId: '1' }))).toMatchObject({
    code: 'fetch_failed',
    apiStatus: 302,
  })
  expect(links).toHaveLength(1)
})

test('tries again after 503 and a broken connection, with a new link', async () => {
  withoutJitter()
  scripts.push(status(503), (req) => void req.socket.destroy())
  const { stream } = await client().downloadDocument({ objectId: '1' })
  expect(await buffer(stream)).toEqual(CONTENT)
  expect(links).toHaveLength(3)
})

test('bounds the way to the headers', async () => {
  scripts.push(hang)
  const error = await errorOf(client({ fetchTimeoutMs: 150 }).downloadDocument({ objectId: '1' }))
  expect(error).toMatchObject({ code: 'fetch_timeout' })
})

test.each([
  ['unsupported_document', { url: 'http://canary.example/file' }],
  ['unsupported_document', { objectId: '', url: 'https://canary.example/file' }],
  ['no_content', {}],
  ['no_content', { objectId: null, url: null }],
  ['no_content', undefined],
  ['invalid_id', { objectId: '..' }],
])('refuses with %s: %j', async (code, document) => {
  const error = await errorOf(client().downloadDocument(document as never))
  expect(error).toMatchObject({ code, attempts: 0 })
  expect(error.message).not.toContain('canary')
  expect(api().seen).toHaveLength(0)
})

describe('metadata', () => {
  const reject = async (script: Script) => {
    const own = client()
    await own.getOrder('1')
    api().first('metadata', script)
    return errorOf(own.downloadDocument({ objectId: '1' }))
  }

  test('404: the file is gone, and is not asked for again', async () => {
    expect(await reject(status(404))).toMatchObject({ code: 'not_found', apiStatus: 404 })
    expect(api().count('metadata')).toBe(1)
  })

  test.each([
    ['no link', '{}'],
    ['an empty link', '{"downloadUrl":""}'],
    ['no URL', '{"downloadUrl":"canary"}'],
    ['a link to another host over http', '{"downloadUrl":"http://canary.example/file"}'],
    ['a file', '{"downloadUrl":"file:///canary"}'],
    ['no object', '"canary"'],
    ['no JSON', 'canary'],
  ])('%s', async (_what, text) => {
    const error = await reject(body(text))
    expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 200 })
    expect(show(error)).not.toContain('canary')
  })
})

test('ends a content that is too large: at once where its length is told, else in the stream', async () => {
  const own = client({ maxDocumentBytes: 10 })
  // Sets the response for several attempts, because on a busy machine a request may fail and be retried.
  const answerWith = (script: Script) => (scripts = Array<Script>(10).fill(script))
  const error = await errorOf(own.downloadDocument({ objectId: '1' }))
  expect(error.message).toContain('maxDocumentBytes')
  answerWith((_req, res) => void res.writeHead(200).write(CONTENT))
  const { stream } = await own.downloadDocument({ objectId: '1' })
  expect((await streamError(stream)).message).toContain('maxDocumentBytes')
  answerWith(
    (_req, res) => void res.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000))),
  )
  const inflated = await own.downloadDocument({ objectId: '1' })
  expect((await streamError(inflated.stream)).message).toContain('maxDocumentBytes')
})

test('a content that breaks off ends the stream with an error', async () => {
  scripts.push((_req, res) => {
    res.writeHead(200, { 'Content-Length': '1000' }).write('half')
    setTimeout(() => res.destroy(), 20)
  })
  const { stream } = await client().downloadDocument({ objectId: '1' })
  expect(await streamError(stream)).toMatchObject({ code: 'fetch_failed' })
})

const slow: Script = (_req, res) => {
  res.writeHead(200, { 'Content-Length': '1000000000' })
  const timer = setInterval(() => res.write('.'), 10)
  res.on('close', () => clearInterval(timer))
}

test('a dripping content ends at downloadTimeoutMs, and so does one that is never read', async () => {
  const own = client({ downloadTimeoutMs: 150, maxDocumentBytes: 2_000_000_000 })
  scripts.push(slow, slow)
  const { stream } = await own.downloadDocument({ objectId: '1' })
  expect(await streamError(stream)).toMatchObject({ code: 'fetch_timeout' })
  const unread = await own.downloadDocument({ objectId: '1' })
  await new Promise((resolve) => unread.stream.once('close', resolve))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await connections()).toBe(0)
})

test('the signal, close() and destroy() end the content and its connection', async () => {
  const own = client({ maxDocumentBytes: 2_000_000_000 })
  const controller = new AbortController()
  scripts.push(slow, slow, slow)
  const aborted = await own.downloadDocument({ objectId: '1' }, { signal: controller.signal })
  const destroyed = await own.downloadDocument({ objectId: '1' })
  const closed = await own.downloadDocument({ objectId: '1' })
  controller.abort(new Error('enough'))
  expect(await streamError(aborted.stream)).toMatchObject({ code: 'unavailable', cause: new Error('enough') })
  destroyed.stream.destroy()
  await own.close()
  expect(await streamError(closed.stream)).toMatchObject({ code: 'unavailable' })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await connections()).toBe(0)
})

describe('a link that cannot be reached: the content comes through Tradecloud itself', () => {
  const THROUGH = Buffer.from('%PDF-1.7 the same content, through Tradecloud')
  const content: Script = (req, res) => {
    const known = api().accessTokens.has(req.headers.authorization?.replace('Bearer ', '') ?? '')
    if (known) res.writeHead(200, { 'Content-Length': THROUGH.length, 'Content-Type': 'text/plain' }).end(THROUGH)
    else res.writeHead(401).end()
  }
  const unreachable = (req: IncomingMessage) => void req.socket.destroy()
  const metadataWith = (downloadUrl: unknown) => body(JSON.stringify({ filename: 'invoice.pdf', downloadUrl }))

  test.each<[string, () => void]>([
    ['a port that is closed', () => api().first('metadata', metadataWith('http://127.0.0.1:9/?canary'))],
    ['a name that is unknown', () => api().first('metadata', metadataWith('https://canary.invalid/'))],
    ['a host that speaks no TLS', () => api().first('metadata', metadataWith(`https://127.0.0.1:${port()}/canary`))],
    ['a connection that breaks', () => scripts.push(unreachable)],
    ['no answer', () => scripts.push(hang)],
    ['a filter that answers 403, also for a new link', () => scripts.push(status(403), status(403))],
    ['a filter that redirects', () => scripts.push(status(307, { Location: 'http://canary' }))],
    ['metadata without a link', () => api().first('metadata', metadataWith(null))],
  ])('%s', async (_what, prepare) => {
    api().always('document', content)
    prepare()
    const { stream, ...rest } = await client({ requestTimeoutMs: 300 }).downloadDocument({ objectId: 'a/b' })
    expect(await buffer(stream)).toEqual(THROUGH)
    expect(rest).toMatchObject({ filename: 'invoice.pdf', size: THROUGH.length })
    expect(api().seen.at(-1)?.url).toBe('/v2/object-storage/document/a%2Fb')
    for (const { headers } of links) expect(headers.authorization).toBeUndefined()
  })

  test.each([429, 503])('not where the host of the link answers %d: it asks to wait', async (code) => {
    withoutJitter()
    api().always('document', content)
    scripts.push(status(code))
    const { stream } = await client().downloadDocument({ objectId: '1' })
    expect(await buffer(stream)).toEqual(CONTENT)
    expect(api().count('document')).toBe(0)
  })

  test('is tried again after 503, and with a new token after 401', async () => {
    withoutJitter()
    api().next('document', status(503), status(401))
    api().always('document', content)
    scripts.push(unreachable)
    const { stream } = await client().downloadDocument({ objectId: '1' })
    expect(await buffer(stream)).toEqual(THROUGH)
    expect(api().count('document')).toBe(3)
    expect(api().count('refresh')).toBe(1)
  })

  test('where Tradecloud refuses, the link is tried again, and Tradecloud is not asked again', async () => {
    withoutJitter()
    scripts.push(unreachable, unreachable)
    const { stream } = await client().downloadDocument({ objectId: '1' })
    expect(await buffer(stream)).toEqual(CONTENT)
    expect(links).toHaveLength(3)
    expect(api().count('document')).toBe(1)
  })

  test('where neither can work, the error says what is wrong with both', async () => {
    api().first('metadata', metadataWith('http://canary.example/'))
    const error = await errorOf(client().downloadDocument({ objectId: '1' }))
    expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 200 })
    expect(error.message).toContain('its `downloadUrl` is not https, and Tradecloud itself answered 404')
    expect(show(error)).not.toContain('canary')
  })

  test('says so where Tradecloud cannot bring it now either', async () => {
    scripts.push(unreachable)
    api().always('document', status(503, { 'Retry-After': '3600' }))
    const error = await errorOf(client().downloadDocument({ objectId: '1' }))
    expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: 503 })
    expect(error.message).toContain(
      "a link that cannot be reached, and the request to Tradecloud's API was answered 503",
    )
    expect(show(error)).not.toContain('canary')
  })

  test('has the same limits: of bytes, of time, the signal and close()', async () => {
    const begin = async (script: Script, options = {}, signal?: AbortSignal) => {
      scripts.push(unreachable)
      api().first('document', script)
      const own = client({ maxDocumentBytes: 10, ...options })
      return { own, downloading: own.downloadDocument({ objectId: '1' }, { signal }) }
    }
    const tooLarge = await begin(content)
    expect((await errorOf(tooLarge.downloading)).message).toContain('maxDocumentBytes')
    const endless = await begin((_req, res) => void res.writeHead(200).write(THROUGH))
    expect((await streamError((await endless.downloading).stream)).message).toContain('maxDocumentBytes')
    const large = { maxDocumentBytes: 2_000_000_000 }
    const late = await begin(slow, { ...large, downloadTimeoutMs: 150 })
    expect(await streamError((await late.downloading).stream)).toMatchObject({ code: 'fetch_timeout' })
    const controller = new AbortController()
    const aborted = await begin(slow, large, controller.signal)
    const { stream } = await aborted.downloading
    controller.abort(new Error('enough'))
    expect(await streamError(stream)).toMatchObject({ code: 'unavailable', cause: new Error('enough') })
    const closed = await begin(slow, large)
    const last = await closed.downloading
    await closed.own.close()
    expect(await streamError(last.stream)).toMatchObject({ code: 'unavailable' })
  })

  test('a signal ends the wait for its headers', async () => {
    scripts.push(unreachable)
    const controller = new AbortController()
    api().always('document', () => controller.abort(new Error('enough')))
    const error = await errorOf(client().downloadDocument({ objectId: '1' }, { signal: controller.signal }))
    expect(error).toMatchObject({ code: 'unavailable', cause: new Error('enough') })
  })

  test('a stream that no one reads takes no place of parallelRequests', async () => {
    const own = client({ parallelRequests: 1, maxDocumentBytes: 2_000_000_000 })
    scripts.push(unreachable)
    api().always('document', slow)
    const { stream } = await own.downloadDocument({ objectId: '1' })
    expect(await own.getOrder('1')).toEqual({ id: '1' })
    stream.destroy()
  })
})

test('debug lines do not hold the link', async () => {
  const lines: string[] = []
  createDebug.enable('tradecloud-webhook:*')
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0)
  scripts.push(status(403))
  await buffer((await client().downloadDocument({ objectId: '1' })).stream)
  expect(lines.join('')).toContain('link')
  expect(lines.join('')).not.toMatch(/canary|file-1/)
})
