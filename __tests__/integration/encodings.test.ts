/** Content-Encoding: compressed bodies, damaged compressed bodies, and encodings that are not supported. */
import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { closeAll, fixture, orderEvent, startUnvalidated, type RawAnswer } from './harness'
import { deliveredBody, encodings, json } from './sent-bodies'

afterEach(closeAll)

describe('encodings', () => {
  test.each(encodings)('%s', async (name, encode) => {
    const rig = await startUnvalidated()
    const event = orderEvent({ text: 'é🚢'.repeat(50_000) })
    const bytes = encode(JSON.stringify(event))
    const headers = { ...json, 'Content-Encoding': name }
    const pieces = Array.from({ length: 10 }, (_, i) =>
      bytes.subarray((i * bytes.length) / 10, ((i + 1) * bytes.length) / 10),
    )
    expect(await rig.send({ method: 'POST', path: '/order', headers, body: bytes })).toMatchObject({
      status: 200,
      json: { outcome: 'delivered' },
    })
    expect(deliveredBody(rig)).toEqual(event)
    // The key is computed from the decompressed body, so the event is a duplicate in any encoding.
    expect(await rig.send({ method: 'PUT', path: '/order', headers, chunks: pieces })).toMatchObject({
      status: 200,
      json: { outcome: 'duplicate' },
    })
    expect(await rig.post(event)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    expect(rig.records[0]?.bodyBytes).toBe(Buffer.byteLength(JSON.stringify(event)))
  })

  test.each(encodings)('%s: damaged or cut off', async (name, encode) => {
    const rig = await startUnvalidated()
    const bytes = encode(JSON.stringify(fixture('order-event')))
    const damaged = Buffer.from(bytes)
    damaged.fill(0xff, 20, 60)
    for (const body of [damaged, bytes.subarray(0, -9), Buffer.from([0x1f]), Buffer.from([0x78])]) {
      const answer = await rig.send({
        method: 'POST',
        path: '/order',
        headers: { ...json, 'Content-Encoding': name },
        body,
      })
      expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
    }
    expect(rig.calls).toEqual([])
  })

  test.each(encodings)('%s: the limit counts what comes out', async (name, encode) => {
    const rig = await startUnvalidated({ bodyLimit: 1_000_000 })
    const send = (size: number): Promise<RawAnswer> => {
      const text = JSON.stringify(orderEvent({ text: '' }))
      const body = encode(text.replace('"text":""', `"text":"${'x'.repeat(size - text.length)}"`))
      expect(body.length).toBeLessThan(50_000)
      return rig.send({ method: 'POST', path: '/order', headers: { ...json, 'Content-Encoding': name }, body })
    }
    expect(await send(1_000_000)).toMatchObject({ status: 200 })
    expect(await send(1_000_001)).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
    // A small body that inflates far beyond the limit is refused before it is fully inflated.
    expect(await send(40_000_000)).toMatchObject({ status: 413 })
    expect(await send(1_000_000)).toMatchObject({ status: 200 })
  })

  const unknown = ['zip', 'zstd', 'compress', 'none', 'utf-8', '8bit', 'constructor', '__proto__', '*', '"gzip"']
  test.each([...unknown, 'gzip', 'deflate', 'br', 'gzip, br', 'identity, gzip', 'none, utf-8'])(
    '%s, and the body is not compressed: delivered',
    async (name) => {
      const rig = await startUnvalidated()
      const text = JSON.stringify(orderEvent())
      for (const body of [text, ` \r\n${text}`, `\ufeff${text}\n`]) {
        const request = { method: 'POST', path: '/order', headers: { ...json, 'Content-Encoding': name } }
        expect((await rig.send({ ...request, body })).status).toBe(200)
        expect((await rig.send({ ...request, chunks: Array.from(body) })).status).toBe(200)
        expect(rig.calls.at(-1)?.context.rawBody?.toString()).toBe(body)
      }
    },
  )

  test.each(unknown)('%s, and the body cannot be read: 415', async (name) => {
    const rig = await startUnvalidated()
    const headers = { ...json, 'Content-Encoding': name }
    for (const body of [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0, 9, 0]), deflateRawSync('{"eventName":"X"}')]) {
      expect(await rig.send({ method: 'POST', path: '/order', headers, body })).toMatchObject({
        status: 415,
        json: { code: 'unsupported_media_type' },
      })
    }
  })

  const text = JSON.stringify(orderEvent({ text: 'é🚢'.repeat(500) }))
  const large = gzipSync(JSON.stringify(orderEvent({ text: randomBytes(100_000).toString('hex') })))
  test.each<[string, string | undefined, Buffer]>([
    ['gzip in identity', 'identity, gzip', gzipSync(text)],
    ['identity in gzip', 'gzip, identity', gzipSync(text)],
    ['gzip that is called none', 'none', gzipSync(text)],
    ['gzip that is called utf-8', 'utf-8', gzipSync(text)],
    ['gzip that is called br', 'br', gzipSync(text)],
    ['gzip that is called deflate', 'deflate', gzipSync(text)],
    ['gzip that is not named', undefined, gzipSync(text)],
    ['zlib that is called gzip', 'gzip', deflateSync(text)],
    ['zlib that is not named', undefined, deflateSync(text)],
    ['gzip twice', 'gzip, gzip', gzipSync(gzipSync(text))],
    ['gzip twice, named once', 'gzip', gzipSync(gzipSync(text))],
    ['gzip named twice, done once', 'gzip, gzip', gzipSync(text)],
    ['br in gzip', 'br, gzip', gzipSync(brotliCompressSync(text))],
    ['gzip in br', 'gzip, br', brotliCompressSync(gzipSync(text))],
    ['raw deflate in gzip', 'deflate, gzip', gzipSync(deflateRawSync(text))],
    ['gzip and a line break', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\n')])],
    ['gzip and line breaks', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\r\n\r\n')])],
    ['large gzip and a line break', 'gzip', Buffer.concat([large, Buffer.from('\r\n')])],
    ['gzip and NULs', 'gzip', Buffer.concat([gzipSync(text), Buffer.alloc(512)])],
    ['gzip, NULs and a line break', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\0\0\n')])],
    ['gzip, a line break and NULs', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\r\n\0\0')])],
    ['zlib and a line break', 'deflate', Buffer.concat([deflateSync(text), Buffer.from('\n')])],
    ['br and a line break', 'br', Buffer.concat([brotliCompressSync(text), Buffer.from('\n')])],
    ['gzip of text with a NUL', 'gzip', gzipSync(`${text}\0`)],
  ])('%s: delivered', async (_what, name, body) => {
    const rig = await startUnvalidated()
    const headers = { ...json, 'Content-Encoding': name }
    for (const more of [{ body }, { chunks: [body.subarray(0, 1), body.subarray(1, -1), body.subarray(-1)] }])
      expect((await rig.send({ method: 'POST', path: '/order', headers, ...more })).status).toBe(200)
    expect(rig.calls).toHaveLength(1)
  })

  test.each<[string, string, Buffer]>([
    ['nothing', 'gzip', gzipSync('')],
    ['four layers', 'gzip', gzipSync(gzipSync(gzipSync(gzipSync(text))))],
    ['gzip and text', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('\n{}')])],
    ['gzip of which a part is missing', 'gzip', Buffer.concat([gzipSync(text).subarray(0, -9), Buffer.from('\n')])],
    ['two events', 'gzip', Buffer.concat([gzipSync(text), gzipSync(text)])],
  ])('%s: malformed', async (_what, name, body) => {
    const rig = await startUnvalidated()
    const headers = { ...json, 'Content-Encoding': name }
    expect(await rig.send({ method: 'POST', path: '/order', headers, body })).toMatchObject({
      status: 400,
      json: { code: 'malformed_body' },
    })
  })

  test.each(['identity', 'Identity', '', ' '])('"%s" is no encoding', async (name) => {
    const rig = await startUnvalidated()
    expect(await rig.post(orderEvent(), { headers: { 'Content-Encoding': name } })).toMatchObject({ status: 200 })
  })

  test.each(['GZIP', 'GZip'])('%s: case does not matter', async (name) => {
    const rig = await startUnvalidated()
    expect(
      await rig.send({
        method: 'POST',
        path: '/order',
        headers: { ...json, 'Content-Encoding': name },
        body: gzipSync(JSON.stringify(orderEvent())),
      }),
    ).toMatchObject({ status: 200 })
  })
})
