/**
 * Parsing of addresses, and `allow`: what each entry matches (IPv4, IPv6 and IPv4-mapped addresses), and errors that
 * name the invalid entry.
 */
import fc from 'fast-check'
import { compileAllow, readAddress } from '../../../lib/net/address'
import { refusalOf } from '../receive/refusal'

function lets(allow: readonly string[], text: string): boolean {
  const address = readAddress(text)
  return address !== undefined && compileAllow(allow)(address)
}

const refusal = (allow: unknown): string => refusalOf(() => compileAllow(allow as string[]))

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['::ffff:0102:0304', '1.2.3.4'],
    ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%2', 'fe80::1'],
    ['fe80::1%en-0.1_a~', 'fe80::1'],
    ['::ffff:192.0.2.1%lo', '192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is %s', (text, expected) => {
    expect(readAddress(text)?.text).toBe(expected)
    expect(readAddress(text)?.family).toBe(expected.includes(':') ? 'IPv6' : 'IPv4')
  })

  it.each([
    '',
    ' ',
    'unknown',
    '_hidden',
    'localhost',
    '010.0.0.1',
    '192.0.2.01',
    '0x7f.0.0.1',
    '127.1',
    '2130706433',
    '192.0.2.256',
    '192.0.2',
    '192.0.2.1.1',
    '192.0.2.1 ',
    ' 192.0.2.1',
    '192.0.2.1\n',
    '192.0.2.1:80',
    '192.0.2.1/32',
    '192.0.2.1%eth0',
    '[::1]',
    '[::1]:80',
    '::1 ',
    '::1\n',
    ':::1',
    '1::2::3',
    '12345::1',
    '::g',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::ffff:192.0.2.01',
    '::ffff:192.0.2',
    '::192.0.2.1:1',
    'fe80::1%',
    'fe80%eth0::1',
    'fe80::1%eth0%eth1',
    'fe80::1%eth0\n',
    'fe80::1%<script>',
    '١٩٢.٠.٢.١',
    '1'.repeat(10_000),
    '%'.repeat(10_000),
    `::1%${'a'.repeat(10_000)}!`,
  ])('%j is none', (text) => {
    expect(readAddress(text)).toBeUndefined()
  })
})

describe('allow', () => {
  it.each<[string, string[], string[], string[]]>([
    [
      "'acceptance'",
      ['acceptance'],
      ['35.204.36.162', '::ffff:35.204.36.162', '::ffff:23cc:24a2'],
      ['35.204.36.163', '35.204.224.107', '34.90.20.233', '23cc:24a2::', '::35.204.36.162'],
    ],
    [
      "'production'",
      ['production'],
      ['35.204.224.107', '34.90.20.233', '::ffff:34.90.20.233'],
      ['35.204.36.162', '35.204.224.106', '34.90.20.232'],
    ],
    [
      'both, and an address',
      ['acceptance', 'production', '192.0.2.1'],
      ['35.204.36.162', '35.204.224.107', '34.90.20.233', '192.0.2.1'],
      ['192.0.2.2', '0.0.0.0', '127.0.0.1', '::1'],
    ],
    ['an IPv4 address', ['192.0.2.1'], ['192.0.2.1', '::ffff:192.0.2.1'], ['192.0.2.0', '193.0.2.1', '::c000:201']],
    ['an IPv4 address in IPv6', ['::ffff:192.0.2.1'], ['192.0.2.1', '::FFFF:c000:201'], ['192.0.2.2', '::192.0.2.1']],
    ['the same in hexadecimal', ['::ffff:c000:201'], ['192.0.2.1', '::ffff:192.0.2.1'], ['192.0.2.2']],
    ['10.0.0.0/8', ['10.0.0.0/8'], ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0']],
    ['192.0.2.128/25', ['192.0.2.128/25'], ['192.0.2.128', '192.0.2.255'], ['192.0.2.127', '192.0.3.128']],
    ['192.0.2.4/31', ['192.0.2.4/31'], ['192.0.2.4', '192.0.2.5'], ['192.0.2.3', '192.0.2.6']],
    ['192.0.2.4/32', ['192.0.2.4/32'], ['192.0.2.4'], ['192.0.2.5']],
    ['bits behind the prefix', ['10.1.2.3/8'], ['10.0.0.0', '10.255.0.1'], ['11.1.2.3']],
    ['0.0.0.0/0', ['0.0.0.0/0'], ['0.0.0.0', '255.255.255.255', '::ffff:8.0.0.1'], ['::1', '2001:db8::1']],
    ['::/0', ['::/0'], ['::1', '2001:db8::1', 'ffff::', '::192.0.2.1'], ['192.0.2.1', '::ffff:192.0.2.1']],
    ['a range of mapped ones', ['::ffff:10.0.0.0/104'], ['10.0.0.0', '10.255.255.255', '::ffff:a01:203'], ['11.0.0.0']],
    ['all mapped ones', ['::ffff:0:0/96'], ['0.0.0.0', '255.255.255.255'], ['::1', '::1.2.3.4']],
    ['one mapped one', ['::ffff:10.0.0.1/128'], ['10.0.0.1'], ['10.0.0.0', '10.0.0.3']],
    ['2001:db8::/32', ['2001:DB8::/32'], ['2001:db8::', '2001:db8:ffff::1%eth0'], ['2001:db9::', '2001:db7:ffff::']],
    ['2001:db8::/33', ['2001:db8::/33'], ['2001:db8:7fff::'], ['2001:db8:8000::']],
    ['fe80::/10', ['fe80::/10'], ['fe80::1%eth0', 'febf::1'], ['fec0::1', 'fe7f::1']],
    ['an IPv6 address', ['2001:db8::1'], ['2001:db8:0:0::0001'], ['2001:db8::2', '2001:db8:0:1::1']],
    ['several', ['::1', '10.0.0.0/8', '192.0.2.0/24'], ['::1', '10.0.0.1', '192.0.2.9'], ['::2', '12.0.0.1']],
  ])('%s', (_what, allow, inside, outside) => {
    expect(inside.filter((text) => !lets(allow, text))).toEqual([])
    expect(outside.filter((text) => lets(allow, text))).toEqual([])
  })

  it('is not changed by what happens to the list afterwards', () => {
    const allow = ['192.0.2.1']
    const isAllowed = compileAllow(allow)
    allow[0] = '192.0.2.2'
    expect(isAllowed(readAddress('192.0.2.1')!)).toBe(true)
    expect(isAllowed(readAddress('192.0.2.2')!)).toBe(false)
  })

  it.each<[unknown]>([
    ['localhost'],
    ['Production'],
    ['test'],
    ['toString'],
    ['__proto__'],
    [''],
    [' 192.0.2.1'],
    ['192.0.2.1,192.0.2.2'],
    ['010.0.0.1'],
    ['192.0.2.256'],
    ['192.0.2.1:443'],
    ['[::1]'],
    ['192.0.2.*'],
    ['192.0.2.1-192.0.2.9'],
    ['192.0.2.0/24/24'],
    ['/24'],
    ['production/24'],
    ['https://192.0.2.1'],
    [7],
    [undefined],
    [null],
    [['192.0.2.1']],
  ])('the entry %j throws', (entry) => {
    const message = refusal(['production', '::1', entry])
    expect(message).toContain('`allow[2]`')
    if (typeof entry === 'string') expect(message).toContain(JSON.stringify(entry))
    expect(message).toContain("allowed: 'acceptance', 'production', IPv4 and IPv6 addresses, and CIDR ranges")
  })

  it.each([
    ['192.0.2.0/33', '0 to 32'],
    ['192.0.2.0/', '0 to 32'],
    ['192.0.2.0/08', '0 to 32'],
    ['192.0.2.0/-1', '0 to 32'],
    ['192.0.2.0/1e1', '0 to 32'],
    ['192.0.2.0/ 8', '0 to 32'],
    ['192.0.2.0/255.255.255.0', '0 to 32'],
    ['2001:db8::/129', '0 to 128'],
    ['2001:db8::/x', '0 to 128'],
    ['::ffff:10.0.0.0/95', '96 to 128'],
    ['::ffff:10.0.0.0/8', '96 to 128'],
    ['::ffff:10.0.0.0/129', '96 to 128'],
  ])('the prefix of %s throws', (entry, range) => {
    expect(refusal([entry])).toBe(
      `Option \`allow[0]\` is ${JSON.stringify(entry)}; the prefix is a whole number from ${range}.`,
    )
  })

  it('a zone throws', () => {
    expect(refusal(['fe80::1%eth0'])).toMatch(/`allow\[0\]`.*zone/)
    expect(refusal(['fe80::1%eth0/10'])).toMatch(/`allow\[0\]`.*zone/)
  })

  it('an entry that was left out throws', () => {
    const allow = Array<string>(2)
    allow[0] = '192.0.2.1'
    expect(refusal(allow)).toContain('`allow[1]`')
  })

  it.each<[unknown]>([['production'], [{}], [null], [new Set(['production'])]])('%p is no list', (allow) => {
    expect(refusal(allow)).toMatch(/^Option `allow` is not a list/)
  })

  it('an empty list throws', () => {
    expect(refusal([])).toBe('Option `allow` is an empty list, which would refuse every event.')
  })
})

describe('any range and any address', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const bitsOf = (array: Uint8Array) => [...array].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const dotted = (array: Uint8Array) => [...array].join('.')

  /** Writes an IPv6 address in one of its forms. */
  function written(array: Uint8Array, form: { long: boolean; upper: boolean; short: number; tail: boolean }): string {
    const groups: string[] = []
    for (let i = 0; i < 16; i += 2) {
      const hex = Buffer.from(array.subarray(i, i + 2)).toString('hex')
      groups.push(form.long ? hex : hex.replace(/^0{1,3}/, ''))
    }
    if (form.tail) groups.splice(6, 2, dotted(array.subarray(12)))
    let text = groups.join(':')
    // Shortens the zeros that begin at the chosen group.
    let end = form.short
    while (end < groups.length && /^0+$/.test(groups[end]!)) end++
    if (end > form.short) text = `${groups.slice(0, form.short).join(':')}::${groups.slice(end).join(':')}`
    return form.upper ? text.toUpperCase() : text
  }
  const forms = fc.record({ long: fc.boolean(), upper: fc.boolean(), short: fc.nat(7), tail: fc.boolean() })
  /** IPv6 addresses with many zeros, so that there is something to shorten. */
  const ipv6 = fc
    .tuple(bytes(16), bytes(2))
    .map(([array, mask]) => array.map((byte, i) => ((mask[i >> 3]! >> (i & 6)) & 1 ? 0 : byte)))
  /** Keeps the first `same` bits of an address, so that the result may be in the same range. */
  const near = (array: Uint8Array, other: Uint8Array, same: number) => {
    const bits = bitsOf(array).slice(0, same) + bitsOf(other).slice(same)
    return Uint8Array.from(bits.match(/.{8}/g)!, (byte) => parseInt(byte, 2))
  }

  it('IPv4: it is inside when the bits of the prefix are the same', () => {
    fc.assert(
      fc.property(
        bytes(4),
        bytes(4),
        fc.nat(32),
        fc.nat(32),
        fc.boolean(),
        fc.boolean(),
        (a, b, same, prefix, x, y) => {
          const other = near(a, b, same)
          const expected = bitsOf(a).slice(0, prefix) === bitsOf(other).slice(0, prefix)
          const range = x ? `::ffff:${dotted(a)}/${prefix + 96}` : `${dotted(a)}/${prefix}`
          expect(lets([range], y ? `::ffff:${dotted(other)}` : dotted(other))).toBe(expected)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('IPv6: it is inside when the bits of the prefix are the same, however it is written', () => {
    const mapped = (array: Uint8Array) => /^0{80}1{16}/.test(bitsOf(array))
    fc.assert(
      fc.property(ipv6, ipv6, fc.nat(128), fc.nat(128), forms, forms, (a, b, same, prefix, formA, formB) => {
        const other = near(a, b, same)
        fc.pre(!mapped(a) && !mapped(other))
        const expected = bitsOf(a).slice(0, prefix) === bitsOf(other).slice(0, prefix)
        expect(lets([`${written(a, formA)}/${prefix}`], written(other, formB))).toBe(expected)
        expect(lets([written(a, formA)], written(a, formB))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it('IPv4 in IPv6 is IPv4, however it is written', () => {
    fc.assert(
      fc.property(bytes(4), forms, (array, form) => {
        const text = written(Uint8Array.from([...Array<number>(10).fill(0), 255, 255, ...array]), form)
        expect(readAddress(text)).toEqual(readAddress(dotted(array)))
        expect(readAddress(text)?.text).toBe(dotted(array))
      }),
    )
  })

  it('any text is an address or none, and never throws', () => {
    const pieces = fc.array(
      fc.constantFrom(':', '::', '.', '%', '0', '1', 'ffff', '255', '256', 'g', '/', ' ', '\n', '-'),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((found) => found.join('')),
        ),
        (text) => {
          const found = readAddress(text)
          if (found) expect(readAddress(found.text)).toEqual(found)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
