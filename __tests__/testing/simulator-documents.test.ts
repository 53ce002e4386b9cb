/** Documents of the simulated Tradecloud: metadata, presigned links on another host, and content. Uses real sockets. */
import { createTradecloudSimulator, type TradecloudSimulator } from '../../lib/testing/simulator'
import { ask, basicUser, bearer, login } from './simulator-client'
import { basic } from './simulator-receiver'

const PDF = Buffer.from([0x25, 0x50, 0x44, 0x46, 0x00, 0xff, 0xfe, 0x0a])

let tradecloud: TradecloudSimulator
let access: string

beforeEach(async () => {
  tradecloud = await createTradecloudSimulator({ startAt: new Date('2025-04-23T10:00:00Z'), rateLimit: false })
  tradecloud.api.setDocument('obj 1/ü', { filename: 'drawing.pdf', contentType: 'application/pdf', content: PDF })
  access = (await login(tradecloud)).access
})

afterEach(() => tradecloud.close())

const pathOf = (objectId: string) => `${tradecloud.baseUrl}/object-storage/document/${encodeURIComponent(objectId)}`

async function metadata(objectId = 'obj 1/ü') {
  const { text } = await ask(`${pathOf(objectId)}/metadata`, { headers: bearer(access) })
  return JSON.parse(text) as { id: string; filename: string; contentType: string; downloadUrl: string }
}

describe('metadata', () => {
  it('name the file, with a link to another host and port', async () => {
    const { downloadUrl, ...rest } = await metadata()
    expect(rest).toEqual({ id: 'obj 1/ü', filename: 'drawing.pdf', contentType: 'application/pdf' })
    const [link, api] = [new URL(downloadUrl), new URL(tradecloud.baseUrl)]
    expect(link.hostname).not.toBe(api.hostname)
    expect(link.port).not.toBe(api.port)
  })

  it('may tell nothing of the content type', async () => {
    tradecloud.api.setDocument('2', { filename: 'a.txt', content: 'päge' })
    const { contentType, downloadUrl } = await metadata('2')
    expect(contentType).toBe('application/octet-stream')
    expect(await ask(downloadUrl)).toMatchObject({ status: 200, text: 'päge' })
  })
})

describe('a link', () => {
  it('leads to the bytes that were set, without a token, more than once', async () => {
    const mine = Buffer.from(PDF)
    tradecloud.api.setDocument('copy', { filename: 'a', content: mine })
    mine.fill(0)
    const { downloadUrl } = await metadata('copy')
    for (let n = 0; n < 2; n++) {
      const answer = await ask(downloadUrl)
      expect(answer.status).toBe(200)
      expect(answer.bytes.equals(PDF)).toBe(true)
    }
    const pdf = await ask((await metadata()).downloadUrl)
    expect(pdf.headers['content-type']).toBe('application/pdf')
    expect(pdf.headers['content-length']).toBe(String(PDF.length))
  })

  it('ends within a minute, and the metadata have a new one', async () => {
    const { downloadUrl } = await metadata()
    tradecloud.clock.advance(59_999)
    expect((await ask(downloadUrl)).status).toBe(200)
    tradecloud.clock.advance(1)
    expect((await ask(downloadUrl)).status).toBe(403)
    expect((await ask((await metadata()).downloadUrl)).status).toBe(200)
  })

  it('lives as long as it is told to', async () => {
    const own = await createTradecloudSimulator({ downloadLinkMs: 1000 })
    own.api.setDocument('1', { filename: 'a', content: 'a' })
    const { text } = await ask(`${own.baseUrl}/object-storage/document/1/metadata`, { headers: basicUser })
    own.clock.advance(1000)
    const { status } = await ask(JSON.parse(text).downloadUrl)
    await own.close()
    expect(status).toBe(403)
  })

  it.each([
    ['the token', () => bearer(access)],
    ['Basic credentials', () => basicUser],
  ])('refuses a request with %s of Tradecloud', async (_, headers) => {
    const { downloadUrl } = await metadata()
    expect((await ask(downloadUrl, { headers: headers() })).status).toBe(400)
    const noted = tradecloud.api.requests.at(-1)!
    expect(noted).toMatchObject({ endpoint: 'download', status: 400 })
    expect(noted.headers.authorization).toBe(headers().Authorization)
  })

  it('cannot be made up, stretched, or used for another document or method', async () => {
    tradecloud.api.setDocument('other', { filename: 'a', content: 'secret' })
    const { downloadUrl } = await metadata()
    const other = downloadUrl.replace(encodeURIComponent('obj 1/ü'), 'other')
    const longer = downloadUrl.replace(/expires=\d+/, 'expires=9999999999999')
    expect(other).not.toBe(downloadUrl)
    expect(longer).not.toBe(downloadUrl)
    for (const url of [other, longer, downloadUrl.split('?')[0]!, new URL('/', downloadUrl).href]) {
      expect((await ask(url)).status).toBe(403)
    }
    expect((await ask(downloadUrl, { method: 'PUT', body: 'x' })).status).toBe(403)
  })

  it('is no part of the API: it takes neither from its rate nor from its paths', async () => {
    const own = await createTradecloudSimulator({ rateLimit: { perSecond: 1 } })
    own.api.setDocument('1', { filename: 'a', content: 'a' })
    const { text } = await ask(`${own.baseUrl}/object-storage/document/1/metadata`, { headers: basicUser })
    const statuses = []
    for (let n = 0; n < 3; n++) statuses.push((await ask(JSON.parse(text).downloadUrl)).status)
    const { counts } = own.api
    const busiest = own.api.busiestSecond()
    await own.close()
    expect(statuses).toEqual([200, 200, 200])
    expect(busiest).toBe(1)
    expect(counts).toMatchObject({ downloads: 3, documentMetadataRequests: 1, documentContentRequests: 0 })
    const link = new URL((await metadata()).downloadUrl)
    expect((await ask(`${new URL(tradecloud.baseUrl).origin}${link.pathname}${link.search}`)).status).toBe(404)
  })
})

describe('content through the API', () => {
  it('is the file, for a token or Basic credentials', async () => {
    for (const headers of [bearer(access), basicUser]) {
      const answer = await ask(pathOf('obj 1/ü'), { headers })
      expect(answer.headers['content-type']).toBe('application/pdf')
      expect(answer.bytes.equals(PDF)).toBe(true)
    }
    expect(tradecloud.api.requests.at(-1)).toMatchObject({ endpoint: 'documentContent', id: 'obj 1/ü' })
  })

  it.each(['', '/metadata'])('is for no one else (%s)', async (path) => {
    const statuses = []
    for (const headers of [{}, bearer('a.b.c'), basic('integration@example.com', 'wrong')]) {
      statuses.push((await ask(pathOf('obj 1/ü') + path, { headers })).status)
    }
    expect(statuses).toEqual([401, 401, 401])
  })

  it('is gone once it is deleted, and was never there for an unknown ID', async () => {
    const { downloadUrl } = await metadata()
    tradecloud.api.deleteDocument('obj 1/ü')
    expect((await ask(downloadUrl)).status).toBe(404)
    for (const path of [pathOf('obj 1/ü'), `${pathOf('obj 1/ü')}/metadata`, pathOf('2'), `${pathOf('2')}/metadata`]) {
      expect((await ask(path, { headers: bearer(access) })).status).toBe(404)
    }
  })
})
