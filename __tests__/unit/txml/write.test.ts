/**
 * The tXML writer, and what the reader makes of its output: everything that tXML can express is unchanged. Anything
 * else is refused, left out, or comes back in the nearest form.
 */
import fc from 'fast-check'
import { orderDocumentsEvent, orderEvent, shipmentEvent, singleDeliveryOrderEvent, toTxml } from '../../../lib/testing'
import { readTxml } from '../../../lib/txml/read'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests inspect values of any type
type Loose = any

async function readBack(body: object, indent?: string): Promise<unknown> {
  const result = await readTxml(Buffer.from(toTxml(body, { indent })))
  if (!result.ok) throw new Error(result.reason)
  expect(result.issues).toEqual([])
  return result.value
}

/** Removes the fields that tXML leaves out: those with `null` and those with an empty list. */
function withoutNothing(value: Loose): Loose {
  if (Array.isArray(value)) return value.map(withoutNothing)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(
    ([, child]) => child !== null && !(Array.isArray(child) && child.length === 0),
  )
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutNothing(child)]))
}

const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({
      unit: fc.constantFrom('<', '>', '&', "'", '"', ' ', '\n', '\r', '\t', ']]>', '&#0;', 'é', '😀', '\u2028'),
    }),
  )
  .filter((string) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/u.test(string))
const name = fc
  .tuple(
    fc.constantFrom('x', 'é', '_'),
    fc.string({ unit: fc.constantFrom('a', 'B', '0', '9', '.', '_', '-', 'ø'), maxLength: 6 }),
  )
  .map(([first, rest]) => `${first}${rest}`)
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => (Object.is(double, -0) ? 0 : double))

/**
 * Generates values without a schema, as far as tXML can express them: text, objects with fields, and lists of at least
 * two entries.
 */
const { unknown } = fc.letrec<{ unknown: unknown; scalar: unknown }>((tie) => ({
  scalar: text,
  unknown: fc.oneof(
    { maxDepth: 3 },
    tie('scalar'),
    fc.dictionary(name, tie('unknown'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
    fc.array(
      fc.oneof(tie('scalar'), fc.dictionary(name, tie('scalar'), { minKeys: 1, maxKeys: 2, noNullPrototype: true })),
      {
        minLength: 2,
        maxLength: 4,
      },
    ),
  ),
}))
const extras = fc.dictionary(name, unknown, { maxKeys: 4, noNullPrototype: true })

const size = { lines: fc.integer({ min: 0, max: 4 }), deliveries: fc.integer({ min: 1, max: 3 }) }
const event = fc
  .record({
    seed: fc.nat(),
    kind: fc.constantFrom('order', 'singleDelivery', 'documents', 'shipment'),
    ...size,
    eventName: text,
    orderId: text.filter((id) => id !== ''),
    description: text,
    notes: fc.array(text, { maxLength: 3 }),
    quantity: number,
    overdue: fc.boolean(),
    extras,
    lineExtras: extras,
  })
  .map(({ kind, seed, lines, deliveries, extras: more, lineExtras, ...given }) => {
    if (kind === 'shipment') return shipmentEvent({ seed, lines: Math.max(lines, 1) })
    if (kind === 'documents') return orderDocumentsEvent({ seed })
    const build = kind === 'order' ? orderEvent : singleDeliveryOrderEvent
    const body = build({ seed, lines, ...(kind === 'order' && { deliveries }) }) as Loose
    const order = body.orderEvent ?? body.singleDeliveryOrderEvent
    body.eventName = given.eventName
    Object.assign(order, { orderId: given.orderId, ...more })
    Object.assign(order.buyerOrder, { description: given.description, notes: given.notes })
    for (const line of order.lines) {
      Object.assign(line, lineExtras)
      line.indicators = { deliveryOverdue: given.overdue, addedTomorrow: !given.overdue }
      const delivery = line.deliverySchedule?.[0] ?? line.statusLine?.scheduledDelivery
      if (delivery) delivery.quantity = given.quantity
    }
    return body as object
  })

test('any event of the builders, written as tXML and read back, is the same event', async () => {
  let lines = 0
  await fc.assert(
    fc.asyncProperty(event, fc.constantFrom('\t', '  ', ''), async (body, indent) => {
      const json: Loose = JSON.parse(JSON.stringify(body))
      lines += Number((json.orderEvent ?? json.singleDeliveryOrderEvent)?.lines?.length ?? 0)
      expect(await readBack(body, indent)).toStrictEqual(withoutNothing(json))
    }),
    { numRuns: 200 },
  )
  expect(lines).toBeGreaterThan(50)
})

test('it is written as the documented example: named entries, one to a line, indented with tabs', () => {
  const body = {
    eventName: 'OrderIssuedByBuyer',
    orderEvent: {
      buyerOrder: { buyerParty: { names: ['Blue & Co', "D'or"] } },
      lines: [{ deliverySchedule: [{ quantity: 2 }] }],
    },
  }
  expect(toTxml(body).split('\n')).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<WebhookBody>',
    '\t<eventName>OrderIssuedByBuyer</eventName>',
    '\t<orderEvent>',
    '\t\t<buyerOrder>',
    '\t\t\t<buyerParty>',
    '\t\t\t\t<name>Blue &amp; Co</name>',
    '\t\t\t\t<name>D&apos;or</name>',
    '\t\t\t</buyerParty>',
    '\t\t</buyerOrder>',
    '\t\t<line>',
    '\t\t\t<deliveryScheduleLine>',
    '\t\t\t\t<quantity>2</quantity>',
    '\t\t\t</deliveryScheduleLine>',
    '\t\t</line>',
    '\t</orderEvent>',
    '</WebhookBody>',
    '',
  ])
  expect(toTxml({ eventName: 'X' }, { indent: '' })).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><WebhookBody><eventName>X</eventName></WebhookBody>',
  )
})

describe('what tXML cannot express', () => {
  it('comes back as its nearest: nothing is left out, one of a kind is no list, all is text', async () => {
    const body = {
      orderEvent: {
        version: null,
        lines: [],
        orderId: '',
        status: {},
        one: ['a'],
        number: 5,
        yes: true,
        empty: {},
        none: undefined,
      },
    }
    expect(await readBack(body)).toEqual({
      orderEvent: { orderId: '', status: {}, one: 'a', number: '5', yes: 'true', empty: '' },
    })
  })

  it('any name that XML allows is read back', async () => {
    const body = { orderEvent: { Größe: '1', 'a·b-c.d_e': '2', 訂單: '3' } }
    expect(await readBack(body)).toEqual(body)
  })

  it('dates and the like are written as JSON has them', () => {
    expect(toTxml({ at: new Date(0) })).toContain('<at>1970-01-01T00:00:00.000Z</at>')
  })

  it.each([
    ['a control character', { a: 'x\u0000' }],
    ['a form feed', { a: '\f' }],
    ['a lone surrogate', { a: '\ud800x' }],
    ['a character that is none', { a: '\uffff' }],
    ['a list in a list', { a: [['x']] }],
    ['a key with a space', { 'a b': 'x' }],
    ['a key with a colon', { 'a:b': 'x' }],
    ['a key that begins with a digit', { '1a': 'x' }],
    ['an empty key', { '': 'x' }],
    ['a letter that XML names do not allow', { ª: 'x' }],
    ['a number that XML names do not allow', { 'm²': 'x' }],
    ['markup in a key', { 'a><b': 'x' }],
    ['a list as the body', [{ a: 1 }]],
  ])('%s is refused', (_what, body) => {
    expect(() => toTxml(body)).toThrow(TypeError)
  })
})
