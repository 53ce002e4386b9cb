/**
 * Bodies, most of them damaged: events whose structure, text or bytes were changed; text that resembles an event; and
 * random bytes. Each is derived from a seed and a number.
 */
import fc from 'fast-check'
import { orderDocumentsEvent, orderEvent, shipmentEvent, singleDeliveryOrderEvent } from 'tradecloud-webhook/testing'
import { Dice } from './dice'
import { hostileXml, xmlOf } from './xml'

/** A marker in values. No error message may contain it. */
export const CANARY = 'zqCanaryzq'

type Json = Record<string, unknown>

export interface Body {
  bytes: Buffer
  /** The content type that the request states. */
  type: 'json' | 'xml' | 'missing'
  how: string
}

const NOTE = { buyerOrder: { notes: [CANARY], description: CANARY } }
const EVENTS: Json[] = [
  orderEvent({ seed: 1, lines: 1, ...NOTE }),
  orderEvent({ seed: 2, lines: [{ supplierLine: null }, {}], deliveries: 1, documents: 1, ...NOTE }),
  singleDeliveryOrderEvent({ seed: 3, lines: 1 }),
  orderDocumentsEvent({ seed: 4, documents: 2 }),
  shipmentEvent({ seed: 5, lines: 1 }),
  shipmentEvent({ seed: 6, lines: 1, documents: 1 }),
].map((event) => JSON.parse(JSON.stringify(event)) as Json)
const TEXTS = EVENTS.map((event) => JSON.stringify(event))
const XMLS = EVENTS.slice(0, 4).map((event) => xmlOf(event))

const FIELDS = ['orderEvent', 'singleDeliveryOrderEvent', 'simpleOrderEvent', 'orderDocumentsEvent', 'shipment']
const KEYS = [
  ...FIELDS,
  ...['eventName', 'meta', 'messageId', 'orderId', 'id', 'version', 'lastUpdatedAt', 'lines', 'buyerOrder'],
  ...['supplierOrder', 'buyerLine', 'supplierLine', 'documents', 'deliverySchedule', 'prices', 'status', 'quantity'],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'then',
    'toJSON',
    'length',
    '',
    '0',
    '$ref',
  ],
]
/** Texts instead of values, because some are JSON that `JSON.stringify` never writes, and some are not JSON. */
const ODD_VALUES = [
  ...['null', 'true', 'false', '0', '-0', '1e400', '-1e400', '1e-400', '9007199254740993', '0.1e1', '[]', '{}', '""'],
  ...['[[]]', '[null]', '{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'],
  ...['"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\u2028\\u202e"', '"\\uFEFF"', '" "', '"\\u00a0"', '"."', '".."'],
  ...[
    '"../../login"',
    '"a\\r\\nSet-Cookie: a=b"',
    '"%00"',
    '"https://example.com/"',
    `"${CANARY}"`,
    '"x"',
    '123',
    '1.5',
  ],
  ...[
    '"2026-02-30T25:61:61Z"',
    '"Infinity"',
    'NaN',
    'undefined',
    "'x'",
    '01',
    '+1',
    '.5',
    '0x10',
    '1n',
    '/**/1',
    '"\t"',
  ],
]
const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u',
  '0',
  'e',
  '-',
  'null',
  ' ',
  '\n',
  '\u0000',
  '\ufeff',
  '<',
]
const BAD_BYTES = [
  [0xff],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0x80],
  [0xef, 0xbb, 0xbf],
]

type Maker = (dice: Dice) => Buffer | string

const changedValues: Maker = (dice) => {
  const event = JSON.parse(dice.pick(TEXTS)) as Json
  for (let left = 1 + dice.size(12); left > 0; left--) change(dice, event)
  return JSON.stringify(event)
}

function change(dice: Dice, root: Json): void {
  let holder: Json = root
  for (;;) {
    const keys = Object.keys(holder)
    const key = dice.pick(keys.length > 0 ? keys : KEYS)
    const child = own(holder, key)
    if (typeof child === 'object' && child !== null && dice.chance(0.75)) {
      holder = child as Json
      continue
    }
    switch (dice.number(5)) {
      case 0:
        Reflect.deleteProperty(holder, key)
        return
      case 1:
        define(holder, dice.pick(KEYS), structuredClone(child))
        return
      case 2:
        define(holder, key, [child])
        return
      case 3:
        define(holder, key, structuredClone(own(dice.pick(EVENTS), dice.pick(KEYS))) ?? null)
        return
      default:
        define(holder, dice.chance(0.7) ? key : dice.pick(KEYS), oddValue(dice))
        return
    }
  }
}

function own(holder: Json, key: string): unknown {
  return Object.hasOwn(holder, key) ? holder[key] : undefined
}

/** Defines an own property, even if its name is `__proto__`. */
function define(holder: Json, key: string, value: unknown): void {
  if (Array.isArray(holder) && key === 'length') return
  Object.defineProperty(holder, key, { value, configurable: true, enumerable: true, writable: true })
}

function oddValue(dice: Dice): unknown {
  try {
    return JSON.parse(dice.pick(ODD_VALUES))
  } catch {
    return dice.number(2 ** 31)
  }
}

const changedText: Maker = (dice) => {
  let text = dice.pick(TEXTS)
  for (let left = 1 + dice.size(6); left > 0; left--) {
    const values = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[\d.]+|true|false|null/g)]
    const found = values[dice.number(values.length)]
    const with_ = dice.chance(0.2) ? `"${dice.pick(KEYS)}"` : dice.pick(ODD_VALUES)
    if (found) text = text.slice(0, found.index) + with_ + text.slice(found.index + found[0].length)
  }
  return text
}

const duplicatedKeys: Maker = (dice) => {
  const text = dice.pick(TEXTS)
  const keys = [...text.matchAll(/[{,]("\w+":)/g)]
  const found = keys[dice.number(keys.length)]
  if (!found) return text
  const at = found.index + 1
  const key = dice.chance(0.5) ? (found[1] ?? '') : `${JSON.stringify(dice.pick(KEYS))}:`
  return `${text.slice(0, at)}${key}${dice.pick(ODD_VALUES)},${text.slice(at)}`
}

const cut: Maker = (dice) => {
  const text = dice.pick(TEXTS)
  return text.slice(0, dice.number(text.length + 1))
}

const spliced: Maker = (dice) => {
  const [one, other] = [dice.pick(TEXTS), dice.pick(TEXTS)]
  return one.slice(0, dice.number(one.length)) + other.slice(dice.number(other.length))
}

const pieces: Maker = (dice) => {
  let text = dice.pick(TEXTS)
  for (let left = 1 + dice.size(8); left > 0; left--) {
    const at = dice.number(text.length)
    text = text.slice(0, at) + dice.pick(PIECES) + text.slice(at + dice.number(3))
  }
  return text
}

const flippedBits: Maker = (dice) => {
  const bytes = Buffer.from(dice.pick(TEXTS))
  for (let left = 1 + dice.size(20); left > 0; left--) {
    const at = dice.number(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.number(8))
  }
  return bytes
}

const badBytes: Maker = (dice) => {
  const bytes = Buffer.from(dice.pick(TEXTS))
  const at = dice.number(bytes.length)
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(dice.pick(BAD_BYTES)), bytes.subarray(at)])
}

/** Creates an event with a nested value, in most cases about as deep as the limit of a hundred levels. */
const nested: Maker = (dice) => {
  const levels = dice.pick([1, 50, 90, 95, 96, 97, 98, 99, 100, 101, 5_000])
  const [open, close] = dice.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"lines":', '}]'],
  ] as const)
  const inner = open.repeat(levels) + dice.pick(ODD_VALUES) + close.repeat(dice.chance(0.9) ? levels : levels - 1)
  return dice.pick(TEXTS).replace(/"(?:lines|eventName|version|meta)":/, (key) => `"deep":${inner},${key}`)
}

/** Creates an event whose fields have unusual values. */
const junk: Maker = (dice) => {
  const value = (depth: number): string => {
    if (depth > 3 || dice.chance(0.4)) return dice.pick(ODD_VALUES)
    const entries = Array.from({ length: dice.number(4) }, () => value(depth + 1))
    if (dice.chance(0.4)) return `[${entries.join(',')}]`
    return `{${entries.map((entry) => `${JSON.stringify(dice.pick(KEYS))}:${entry}`).join(',')}}`
  }
  const id = dice.pick(['"orderId":"x",', '"id":"x",', '"id":7,', ''])
  return `{"${dice.pick(FIELDS)}":{${id}"lines":${value(0)},"${dice.pick(KEYS)}":${value(0)}},"meta":${value(0)}}`
}

const long: Maker = (dice) => {
  const much = dice.pick(['x', '9', ' ', '\\u0041', '😀', '\\\\']).repeat(1 + dice.size(200_000))
  return `{"eventName":"${dice.chance(0.5) ? much : 'A'}","orderEvent":{"orderId":"${dice.chance(0.5) ? much : 'B'}","version":${dice.chance(0.3) ? '9'.repeat(1 + dice.size(100_000)) : 1}}}`
}

const noise: Maker = (dice) => dice.bytes(120)

const xml: Maker = (dice) => {
  if (dice.chance(0.2)) return hostileXml(dice)
  let text = dice.pick(XMLS)
  for (let left = dice.size(8); left > 0; left--) {
    const at = dice.number(text.length)
    text =
      text.slice(0, at) +
      dice.pick(['<', '>', '/', '&', '&amp;', '&#0;', ']]>', '<!--', '\u0000']) +
      text.slice(at + dice.number(9))
  }
  return text
}

/** Samples of JSON and text by fast-check. They are generated once, because generating them is slow. */
const drawn = new Map<number, string[]>()

function drawnFrom(seed: number): Maker {
  let pool = drawn.get(seed)
  if (!pool) {
    const arbitrary = fc.oneof(fc.json({ maxDepth: 6 }), fc.string({ unit: 'binary' }), fc.jsonValue().map(asEvent))
    drawn.set(seed, (pool = fc.sample(arbitrary, { seed, numRuns: 1_000 })))
  }
  const texts = pool
  return (dice) => {
    const text = dice.pick(texts)
    return dice.chance(0.5) ? text : `{"${dice.pick(FIELDS)}":{"orderId":"1","id":"1","x":${text}}}`
  }
}

function asEvent(value: unknown): string {
  return JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'x', lines: value }, meta: value })
}

const MAKERS: Array<[weight: number, name: string, make: Maker]> = [
  [4, 'valid', (dice) => dice.pick(TEXTS)],
  [20, 'changed values', changedValues],
  [16, 'changed text', changedText],
  [6, 'duplicated keys', duplicatedKeys],
  [6, 'cut', cut],
  [6, 'spliced', spliced],
  [8, 'pieces', pieces],
  [8, 'flipped bits', flippedBits],
  [4, 'bad bytes', badBytes],
  [4, 'nested', nested],
  [12, 'junk', junk],
  [1, 'long', long],
  [4, 'noise', noise],
  [2, 'valid XML', (dice) => dice.pick(XMLS)],
  [8, 'xml', xml],
]
const TOTAL = MAKERS.reduce((sum, [weight]) => sum + weight, 0) + 6

export function makeBody(seed: number, index: number): Body {
  const dice = new Dice(seed, index)
  let left = dice.number(TOTAL)
  const [, how, make] = MAKERS.find(([weight]) => (left -= weight) < 0) ?? [0, 'fast-check', drawnFrom(seed)]
  const made = make(dice)
  const bytes = typeof made === 'string' ? Buffer.from(made) : made
  const type = how === 'xml' || how === 'valid XML' ? 'xml' : 'json'
  return { bytes, type: dice.chance(0.1) ? 'missing' : type, how }
}
