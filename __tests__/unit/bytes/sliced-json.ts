/** Random JSON as text, and the comparison of the two ways in which the package parses it. */
import fc from 'fast-check'
import { parseJson } from '../../../lib/bytes/json'
import { parseJsonInSlices, type SlicedReading } from '../../../lib/bytes/json-slices'
import { Turns } from '../../../lib/bytes/turns'

export const inSlices = (content: Buffer | readonly Buffer[], options: Partial<SlicedReading> = {}) =>
  parseJsonInSlices(Buffer.isBuffer(content) ? [content] : content, { turns: new Turns(), ...options })

/** Compares twice: `toEqual` ignores the order of keys, and `JSON.stringify` does not distinguish `-0` from `0`. */
export async function expectSame(
  bytes: Buffer,
  sliceBytes: number,
  pieces: readonly Buffer[] = [bytes],
): Promise<void> {
  const plain = parseJson(bytes)
  const sliced = await inSlices(pieces, { sliceBytes })
  expect(sliced).toEqual(plain)
  if (plain.ok && sliced.ok) expect(JSON.stringify(sliced.value)).toBe(JSON.stringify(plain.value))
}

/** Compares with slices of each size below `end`. */
export async function expectSameInSlicesOf(text: string, end: number): Promise<void> {
  for (let sliceBytes = 1; sliceBytes < end; sliceBytes++) await expectSame(Buffer.from(text), sliceBytes)
}

export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

const key = fc.oneof(fc.constantFrom('a', 'b', '', '__proto__', 'constructor', 'prototype', '0', '1'), fc.string())
const leaf = fc.oneof(
  fc.constantFrom('1', '-0', '1e400', '0.1e-7', '12345678901234567890', 'true', 'false', 'null', '[]', '{}'),
  fc
    .string({ unit: fc.constantFrom('a', '"', '\\', ',', '[', ']', '{', '}', 'é', '€', '😀', '\n', '\uFEFF') })
    .map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\u005b\\""', '"\\ud83d"', '"\\\\"', '"\\/"'),
)
export const space = fc.constantFrom('', '', '', ' ', '\n\t\r ')

/** Generates JSON as text, because `JSON.stringify` writes neither white space nor repeated keys. */
export const { json } = fc.letrec<{ json: string; list: string; object: string; leaf: string }>((tie) => ({
  json: fc.oneof({ maxDepth: 6 }, tie('leaf'), tie('list'), tie('list'), tie('object')),
  leaf,
  list: fc
    .tuple(space, fc.array(tie('json'), { maxLength: 8 }), space)
    .map(([before, entries, after]) => `${before}[${entries.join(`${after},${before}`)}${after}]`),
  object: fc
    .tuple(space, fc.array(fc.tuple(key, tie('json')), { maxLength: 5 }))
    .map(
      ([blank, fields]) =>
        `{${fields.map(([name, value]) => `${blank}${JSON.stringify(name)}${blank}:${value}${blank}`).join(',')}}`,
    ),
}))

/** Lists whose entries begin with the same key, as in orders: most of these entries are parsed without a scan. */
export const records = fc
  .tuple(
    space,
    fc.constantFrom('"a"', '"é"', '"id" ', '"\\u0061"', '""'),
    fc.array(json, { minLength: 3, maxLength: 12 }),
  )
  .map(([blank, name, values]) => values.map((value) => `{${blank}${name}:${value}}`).join(`,${blank}`))
