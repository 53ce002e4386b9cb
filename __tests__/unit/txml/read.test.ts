/**
 * From tXML to the value that the same body has in JSON: the documented mapping, unchanged text, what is tolerated, and
 * what is refused as malformed.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_DEPTH } from '../../../lib/bytes/json'
import { readTxml } from '../../../lib/txml/read'

const fixtures = join(__dirname, '../../fixtures')

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests inspect values of any type
type Loose = any

async function read(xml: string | Buffer): Promise<{ value: Loose; issues: Loose[]; removedKeys: string[] }> {
  const result = await readTxml(Buffer.from(xml))
  if (!result.ok) throw new Error(result.reason)
  return result
}

/** Reads an order event with this content. */
const order = async (xml: string): Promise<Loose> =>
  (await read(`<WebhookBody><orderEvent>${xml}</orderEvent></WebhookBody>`)).value.orderEvent
/** Reads an order line whose `buyerLine` has this content. */
const buyerLine = async (xml: string): Promise<Loose> =>
  (await order(`<line><buyerLine>${xml}</buyerLine></line>`)).lines[0].buyerLine

test('the documented example is its JSON twin', async () => {
  const xml = readFileSync(join(fixtures, 'order-event.xml'))
  const twin: unknown = JSON.parse(readFileSync(join(fixtures, 'order-event-of-xml.json'), 'utf8'))
  expect((await read(xml)).value).toStrictEqual(twin)
})

describe('lists', () => {
  it('of one entry are lists', async () => {
    const { buyerOrder } = await order(
      '<buyerOrder><buyerParty><name>Blue</name></buyerParty><note>x</note></buyerOrder>',
    )
    expect(buyerOrder).toEqual({ buyerParty: { names: ['Blue'] }, notes: ['x'] })
  })

  it.each([
    ['name', 'names'],
    ['addressLine', 'addressLines'],
  ])('of a party: %s is an entry of %s', async (element, key) => {
    const { buyerOrder } = await order(
      `<buyerOrder><buyerParty><${element}>a</${element}><city>c</city><${element}>b</${element}></buyerParty></buyerOrder>`,
    )
    expect(buyerOrder.buyerParty).toEqual({ [key]: ['a', 'b'], city: 'c' })
  })

  it.each([
    ['property', 'properties', '<key>k</key>', { key: 'k' }],
    ['document', 'documents', '<name>n</name>', { name: 'n' }],
    ['note', 'notes', 'text', 'text'],
    ['label', 'labels', '0x1F', '0x1F'],
    ['chargeLine', 'chargeLines', '<quantity>1</quantity>', { quantity: 1 }],
    ['deliveryScheduleLine', 'deliverySchedule', '<position>01</position>', { position: '01' }],
    ['deliveryHistoryLine', 'deliveryHistory', '<quantity>2.5</quantity>', { quantity: 2.5 }],
  ])('of a buyer line: %s is an entry of %s', async (element, key, content, entry) => {
    expect(await buyerLine(`<${element}>${content}</${element}>`)).toEqual({ [key]: [entry] })
  })

  it('go by their JSON name too', async () => {
    const [line] = (
      await order(
        '<lines><deliveryScheduleIncludingRequests><quantity>1</quantity></deliveryScheduleIncludingRequests>' +
          '<deliveryScheduleIncludingRequestsLine><quantity>2</quantity></deliveryScheduleIncludingRequestsLine></lines>',
      )
    ).lines
    expect(line.deliveryScheduleIncludingRequests).toEqual([{ quantity: 1 }, { quantity: 2 }])
  })

  it('a name is a plain field where the schema has it: of an item and of a document', async () => {
    const xml = '<item><name>Flange</name><dimension><measure>2</measure></dimension></item>'
    expect(await buyerLine(`${xml}<document><name>drawing</name></document>`)).toEqual({
      item: { name: 'Flange', dimensions: [{ measure: 2 }] },
      documents: [{ name: 'drawing' }],
    })
  })

  it('are in single delivery and documents events as well', async () => {
    const line =
      '<line><id>1</id><statusLine><scheduledDelivery><quantity>3</quantity></scheduledDelivery></statusLine></line>'
    for (const field of ['singleDeliveryOrderEvent', 'simpleOrderEvent']) {
      const { value } = await read(`<WebhookBody><${field}>${line}</${field}></WebhookBody>`)
      expect(value[field]).toEqual({ lines: [{ id: '1', statusLine: { scheduledDelivery: { quantity: 3 } } }] })
    }
    const documents =
      '<orderDocumentsEvent><line><supplierLine><document><url>u</url></document></supplierLine></line></orderDocumentsEvent>'
    expect((await read(`<WebhookBody>${documents}</WebhookBody>`)).value).toEqual({
      orderDocumentsEvent: { lines: [{ supplierLine: { documents: [{ url: 'u' }] } }] },
    })
    const attached =
      '<orderDocumentsEvent><document><code>a</code></document><line><id>1</id><document><code>b</code></document></line></orderDocumentsEvent>'
    expect((await read(`<WebhookBody>${attached}</WebhookBody>`)).value).toEqual({
      orderDocumentsEvent: { documents: [{ code: 'a' }], lines: [{ id: '1', documents: [{ code: 'b' }] }] },
    })
  })
})

describe('values', () => {
  it.each(['0001', '0x0000000000028000', '#18001', '1e5', '007', '1.10', 'true', 'null', '  edges  ', '\n', ' '])(
    'text stays text to the letter: %j',
    async (text) => expect(await buyerLine(`<position>${text}</position>`)).toEqual({ position: text }),
  )

  it.each([
    ['1111.11', 1111.11],
    ['0', 0],
    ['-2.50', -2.5],
    ['1e3', 1000],
    [' \n5\t', 5],
  ])('a number: %j is %j', async (text, number) => {
    expect((await order(`<version>${text}</version>`)).version).toBe(number)
  })

  it.each(['1,5', '007', '+5', '0x1F', '.5', '5.', 'NaN', 'Infinity', '1e999', '1 000', 'five', '٣', '\u00a05'])(
    'what is no number stays text: %j',
    async (text) => expect((await order(`<version>${text}</version>`)).version).toBe(text),
  )

  it.each([
    ['true', true],
    [' false ', false],
    ['TRUE', 'TRUE'],
    ['1', '1'],
    ['yes', 'yes'],
  ])('a boolean: %j is %j', async (text, value) => {
    const { indicators } = await order(`<indicators><deliveryOverdue>${text}</deliveryOverdue></indicators>`)
    expect(indicators.deliveryOverdue).toBe(value)
  })

  const flags = '<cancelled>false</cancelled><shipped> true </shipped><addedTomorrow>false</addedTomorrow><empty/>'
  const booleans = { cancelled: false, shipped: true, addedTomorrow: false, empty: null }

  it.each([
    ['buyerOrder', (order: Loose) => order.buyerOrder],
    ['supplierOrder', (order: Loose) => order.supplierOrder],
    ['line', (order: Loose) => order.lines[0]],
    ['partOfTomorrow', (order: Loose) => order.partOfTomorrow],
  ])('every flag in the indicators of a %s is a boolean', async (part, partOf) => {
    const found = await order(`<${part}><indicators>${flags}</indicators></${part}>`)
    expect(partOf(found).indicators).toEqual(booleans)
  })

  it('every flag in the indicators of a line part, a single delivery and the body is a boolean', async () => {
    const indicators = `<indicators>${flags}</indicators>`
    const lines = (part: string): string => `<line><${part}>${indicators}</${part}></line>`
    const xml =
      `<WebhookBody>${indicators}<orderEvent>${lines('supplierLine')}</orderEvent>` +
      `<singleDeliveryOrderEvent>${lines('buyerLine')}</singleDeliveryOrderEvent></WebhookBody>`
    const { value } = await read(xml)
    expect(value.indicators).toEqual(booleans)
    expect(value.orderEvent.lines[0].supplierLine.indicators).toEqual(booleans)
    expect(value.singleDeliveryOrderEvent.lines[0].buyerLine.indicators).toEqual(booleans)
  })

  it('what is no flag in indicators stays as it is', async () => {
    const xml =
      '<indicators><deliveryOverdue>late</deliveryOverdue><more><cancelled>false</cancelled></more></indicators>'
    expect((await order(xml)).indicators).toEqual({ deliveryOverdue: 'late', more: { cancelled: 'false' } })
  })

  it('an empty element is text, an object or null, as is due', async () => {
    const xml =
      '<orderId/><version/><indicators><deliveryOverdue></deliveryOverdue></indicators><status> \n </status><line/>'
    expect(await order(xml)).toEqual({
      orderId: '',
      version: null,
      indicators: { deliveryOverdue: null },
      status: {},
      lines: [{}],
    })
  })

  it('text where an object is due stays text', async () => {
    expect(await order('<status>Issued</status>')).toEqual({ status: 'Issued' })
  })

  it('entities, character references and CDATA are decoded', async () => {
    const xml = `Lloyd&apos;s &lt;&amp;&gt; &quot;&#233;&#x1F600;&#13;&#10;<![CDATA[<b>&amp;</b>]]>]] ø`
    expect((await order(`<reason>${xml}</reason>`)).reason).toBe(`Lloyd's <&> "é😀\r\n<b>&amp;</b>]] ø`)
  })

  it('line ends become line feeds, as XML has it', async () => {
    expect((await order('<reason>a\r\nb\rc</reason>')).reason).toBe('a\nb\nc')
  })

  it('text around comments and processing instructions is one', async () => {
    expect((await order('<reason>a<!-- <x> --> b<?target data?>c</reason>')).reason).toBe('a bc')
  })
})

describe('what is not known', () => {
  it('comes through: text, objects, and lists where it is repeated', async () => {
    const xml = '<novel>1</novel><deep><a>x</a><b>1</b><b>2</b><b>3</b></deep><line><novel/></line>'
    expect(await order(xml)).toEqual({
      novel: '1',
      deep: { a: 'x', b: ['1', '2', '3'] },
      lines: [{ novel: '' }],
    })
  })

  it('a field that is there twice is a list, so that nothing is lost', async () => {
    expect(await order('<orderId>a</orderId><orderId>b</orderId>')).toEqual({ orderId: ['a', 'b'] })
  })

  it('a body of another kind comes through', async () => {
    const { value } = await read('<WebhookBody><eventName>New</eventName><invoice><id>1</id></invoice></WebhookBody>')
    expect(value).toEqual({ eventName: 'New', invoice: { id: '1' } })
  })

  it('attributes, namespaces and prefixes do no harm', async () => {
    const { value } = await read(
      '<t:WebhookBody xmlns:t="urn:x" xmlns="urn:y" t:a="1"><t:eventName lang="nl">X</t:eventName>' +
        '<orderEvent b="&lt;"><line c="2"><id>1</id></line></orderEvent></t:WebhookBody>',
    )
    expect(value).toEqual({ eventName: 'X', orderEvent: { lines: [{ id: '1' }] } })
  })

  it('text beside elements is left out, and told', async () => {
    const { value, issues } = await read(
      '<B><orderEvent>lost<status>\n\t<processStatus>Issued</processStatus> x\n</status> \n</orderEvent></B>',
    )
    expect(value).toEqual({ orderEvent: { status: { processStatus: 'Issued' } } })
    const message = 'contained text next to elements, which was left out'
    expect(issues).toEqual([
      { pointer: '/orderEvent/status', message },
      { pointer: '/orderEvent', message },
    ])
  })

  it('what pollutes prototypes is taken out, and told', async () => {
    const { value, removedKeys } = await read(
      '<B><__proto__><polluted>1</polluted></__proto__><orderEvent><constructor><prototype><x>1</x></prototype></constructor>' +
        '<constructor2><__proto__>a</__proto__><__proto__>b</__proto__></constructor2></orderEvent></B>',
    )
    expect(value).toStrictEqual({ orderEvent: { constructor2: {} } })
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(removedKeys.sort()).toEqual(['/__proto__', '/orderEvent/constructor', '/orderEvent/constructor2/__proto__'])
    expect(({} as Loose).polluted).toBeUndefined()
  })

  it('a constructor with a prototype alone is taken out as well', async () => {
    const { value, removedKeys } = await read('<B><a><constructor><prototype/></constructor></a></B>')
    expect([value, removedKeys]).toEqual([{ a: {} }, ['/a/constructor']])
  })

  it('text beside elements is told twenty times at most', async () => {
    const { issues } = await read(`<B>${'<a>x<b/></a>'.repeat(30)}</B>`)
    expect(issues).toHaveLength(20)
  })

  it('names of what every object has are names like others', async () => {
    const { value } = await read(
      '<B><toString>a</toString><hasOwnProperty>b</hasOwnProperty><constructor>c</constructor></B>',
    )
    expect(Object.entries(value as object)).toEqual([
      ['toString', 'a'],
      ['hasOwnProperty', 'b'],
      ['constructor', 'c'],
    ])
  })
})

describe('documents', () => {
  const declared = '<?xml version="1.0" encoding="UTF-8"?>'
  it.each([
    ['a byte order mark', `\uFEFF${declared}<B><eventName>é</eventName></B>`],
    ['white space in front', `\r\n\t ${declared}<B><eventName>é</eventName></B>`],
    ['both', `\uFEFF\n${declared}<B><eventName>é</eventName></B>`],
    ['a declaration without an encoding', '<?xml version="1.0"?><B><eventName>é</eventName></B>'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><B><eventName>é</eventName></B>'],
    ['UTF-16, as .NET declares it', '<?xml version="1.0" encoding="utf-16"?><B><eventName>é</eventName></B>'],
    ['two byte order marks', '\uFEFF\uFEFF<?xml version="1.0"?><B><eventName>é</eventName></B>'],
    ['NULs at the end', '<B><eventName>é</eventName></B>\0\r\n\0'],
    ['UTF8', '<?xml version="1.0" encoding="UTF8"?><B><eventName>é</eventName></B>'],
    ['no declaration', '<B><eventName>é</eventName></B>'],
    [
      'another spelling',
      `<?xml version='1.0' encoding='utf-8' standalone="yes" ?><B><eventName>é</eventName></B>\n<!-- end -->\n`,
    ],
  ])('with %s are read', async (_what, xml) => {
    expect((await read(xml)).value).toEqual({ eventName: 'é' })
  })

  it('are the same whatever the name of the root element', async () => {
    for (const name of ['B', 'indicators', 'lines'])
      expect((await read(`<${name}><unknown>false</unknown></${name}>`)).value).toEqual({ unknown: 'false' })
  })

  it('are the same however they are cut into pieces', async () => {
    // Longer than a slice. The text repeats after 16 bytes, so the shifts cut it at each of its bytes.
    const [text, expected] = ['é€😀&amp;\r\n', 'é€😀&\n'].map((one) => one.repeat(5_000))
    for (let shift = 0; shift < 16; shift++) {
      const { value } = await read(`<B><eventName>${'x'.repeat(shift)}${text}</eventName></B>`)
      expect(value.eventName).toBe(`${'x'.repeat(shift)}${expected}`)
    }
  })

  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['text', 'hello'],
    ['a declaration alone', declared],
    ['two roots', '<B/><B/>'],
    ['text behind the root', '<B/>x'],
    ['mismatched tags', '<B><a></b></B>'],
    ['a tag that is not closed', '<B><a>'],
    ['a broken end', '<B><a>1</a></B'],
    ['an undefined entity', '<B>&eacute;</B>'],
    ['a bare ampersand', '<B>a & b</B>'],
    ['an attribute without quotes', '<B a=1/>'],
    ['the same attribute twice', '<B a="1" a="2"/>'],
    ['a reference to no character', '<B>&#0;</B>'],
    ['a control character', '<B>\u0001</B>'],
    ['the end of CDATA in text', '<B>]]></B>'],
    ['a DOCTYPE', '<!DOCTYPE B><B/>'],
    ['a DOCTYPE with entities', '<!DOCTYPE B [<!ENTITY a "b">]><B>&a;</B>'],
    ['an external entity', '<!DOCTYPE B [<!ENTITY a SYSTEM "file:///etc/passwd">]><B>&a;</B>'],
    ['a NUL', '<B>\0</B>'],
    ['a NUL in front', '\0<B/>'],
    ['a byte order mark inside', '<B/>\uFEFF'],
    ['JSON', '{"eventName":"X"}'],
  ])('that hold %s are malformed, and the reason does not quote them', async (_what, xml) => {
    const result = await readTxml(Buffer.from(xml))
    expect(result).toEqual({ ok: false, reason: expect.stringMatching(/^the body /) })
    expect(JSON.stringify(result)).not.toMatch(/passwd|eacute|hello|ISO|eventName/)
  })

  it.each([
    ['ISO-8859-1', Buffer.from('<B>é</B>', 'latin1')],
    ['UTF-16', Buffer.from('\uFEFF<B>e</B>', 'utf16le')],
    ['a cut character', Buffer.from('<B>é</B>').subarray(0, 4)],
  ])('in %s are malformed', async (_what, bytes) => {
    expect(await readTxml(bytes)).toMatchObject({ ok: false, reason: expect.stringContaining('UTF-8') })
  })

  it('are read to a depth of 100, and not deeper', async () => {
    const nested = (levels: number): string => `${'<a>'.repeat(levels)}x${'</a>'.repeat(levels)}`
    expect(await readTxml(Buffer.from(nested(MAX_DEPTH)))).toMatchObject({ ok: true })
    expect(await readTxml(Buffer.from(nested(MAX_DEPTH + 1)))).toEqual({
      ok: false,
      reason: 'the body is nested deeper than 100 levels',
    })
    expect(await readTxml(Buffer.from(nested(450_000)))).toMatchObject({ ok: false })
  })

  it('hold a root element in their first 64 KiB, and no crowd of attributes', async () => {
    const comment = (length: number): string => `<!--${'x'.repeat(length)}--><B><eventName>X</eventName></B>`
    expect((await read(comment(60_000))).value).toEqual({ eventName: 'X' })
    expect(await readTxml(Buffer.from(comment(70_000)))).toEqual({
      ok: false,
      reason: 'the body has no root element in its first 65536 bytes',
    })
    const attributes = (count: number): string =>
      `<B${Array.from({ length: count }, (_, i) => ` a${i}="1"`).join('')}><eventName b="1">X</eventName></B>`
    expect((await read(attributes(100))).value).toEqual({ eventName: 'X' })
    expect(await readTxml(Buffer.from(attributes(101)))).toEqual({
      ok: false,
      reason: 'the body has an element with more than 100 attributes',
    })
  })

  it('yield to the event loop, and stop when no one waits', async () => {
    const large = Buffer.from(`<B>${'<line><id>1</id></line>'.repeat(60_000)}</B>`)
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const result = await readTxml(large)
    clearInterval(timer)
    expect(result).toMatchObject({ ok: true })
    expect(turns).toBeGreaterThan(0)

    let asked = 0
    expect(await readTxml(large, { unwanted: () => ++asked === 3 })).toMatchObject({ ok: false })
    expect(asked).toBe(3)
  })
})
