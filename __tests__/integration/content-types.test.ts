/** Content-Type: which types and charsets are accepted, and which are refused with 415. */
import type { OrderEvent } from 'tradecloud-webhook'
import { toTxml } from 'tradecloud-webhook/testing'
import { closeAll, orderEvent, orderId, startUnvalidated } from './harness'
import { json } from './sent-bodies'

afterEach(closeAll)

describe('content types', () => {
  const good = [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'APPLICATION/JSON',
    'application/json; charset="utf-8"',
    'application/json; charset=utf8',
    'application/json;charset=us-ascii',
    'application/json; boundary=x',
    'application/json;',
    'application/json ; charset=utf-8',
    'application/vnd.tradecloud+json',
    'application/cloudevents+json; charset=utf-8',
    'application/problem+json',
    'application/json; charset=',
    'application/json; charset=iso-8859-1',
    'application/json; charset=windows-1252',
    'application/json; charset=ascii',
    "application/json; charset='utf-8'",
    'application/json; charset="iso-8859-1"',
    'application/json; charset=utf-16',
    'application/json; charset=none',
    '; charset=utf-8',
    '',
    undefined,
  ]
  test.each(good)('%s', async (type) => {
    const rig = await startUnvalidated()
    const answer = await rig.send({
      method: 'POST',
      path: '/order',
      body: JSON.stringify(orderEvent({ text: 'Größe 🚢' })),
      headers: { 'Content-Type': type },
    })
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'delivered' } })
    expect(rig.calls[0]?.event.order.text).toBe('Größe 🚢')
  })

  test.each(['', 'iso-8859-1', 'utf-16', 'utf-16le', "'utf-8'"])(
    'charset=%s and no UTF-8: malformed',
    async (charset) => {
      const rig = await startUnvalidated()
      const text = JSON.stringify(orderEvent({ text: 'Größe' }))
      const utf16 = Buffer.from(text, 'utf16le')
      for (const body of [
        Buffer.from(text, 'latin1'),
        utf16,
        Buffer.from(utf16).swap16(),
        Buffer.from(`\ufeff${text}`, 'utf16le'),
      ]) {
        const headers = { 'Content-Type': `application/json; charset=${charset}` }
        const answer = await rig.send({ method: 'POST', path: '/order', headers, body })
        expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_body' } })
      }
      expect(rig.calls).toEqual([])
    },
  )

  const bad = [
    'text/plain',
    'text/json',
    'application/soap+xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
    'application/jsonx',
    'application/json, text/plain',
    'a b+json',
    '+json',
    'application/+jsonx',
    '*/*',
  ]
  test.each(bad)('%s: 415', async (type) => {
    const rig = await startUnvalidated()
    const answer = await rig.send({
      method: 'POST',
      path: '/order',
      body: JSON.stringify(orderEvent()),
      headers: { 'Content-Type': type },
    })
    expect(answer).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } })
    expect(rig.calls).toEqual([])
  })

  test('XML with the Content-Type of JSON, and JSON with that of XML, are read by their bytes', async () => {
    const rig = await startUnvalidated()
    const xml = { 'Content-Type': 'application/xml' }
    const body = toTxml(orderEvent())
    expect(await rig.send({ method: 'POST', path: '/order', body, headers: json })).toMatchObject({ status: 200 })
    expect(await rig.post(orderEvent(), { headers: xml })).toMatchObject({ status: 200 })
    expect(rig.calls.map(({ event }) => (event as OrderEvent).orderId)).toEqual([orderId, orderId])
    const malformed = { status: 400, json: { code: 'malformed_body' } }
    for (const [wrong, headers] of [
      ['<order', json],
      ['{"eventName":', xml],
      ['order', xml],
    ] as const)
      expect(await rig.send({ method: 'POST', path: '/order', body: wrong, headers })).toMatchObject(malformed)
  })
})
