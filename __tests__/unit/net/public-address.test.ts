/** Which addresses are public: examples, and a comparison with IANA's registries as integer ranges. */
import fc from 'fast-check'
import { isPublicAddress } from '../../../lib/net/public-address'

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '93.184.216.34',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2001:200::',
  '2001:4860:4860::8888',
  '2606:2800:220:1::1',
  '2A00:1450::1',
  '3ffe:ffff::',
  '64:ff9b::808:808',
  '64:ff9b::8.8.8.8',
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each([
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.0',
  '100.100.100.200',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.0',
  '192.168.255.255',
  '198.18.0.0',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.0',
  '255.255.255.255',
])('%s is not, nor is it mapped, translated or in a tunnel', (address) => {
  const hex = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  const words = `${hex.slice(0, 2).join('')}:${hex.slice(2).join('')}`
  for (const prefix of ['', '::ffff:', '::', '64:ff9b::', '64:ff9b:1::']) {
    expect(isPublicAddress(prefix + address)).toBe(false)
    if (prefix !== '') expect(isPublicAddress(prefix + words)).toBe(false)
  }
  expect(isPublicAddress(`2002:${words}::1`)).toBe(false)
  expect(isPublicAddress(`0:0:0:0:0:ffff:${words}`)).toBe(false)
})

test.each([
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:8.8.8.8',
  '::ffff:0:8.8.8.8',
  '::8.8.8.8',
  '64:ff9b:1::808:808',
  '64:ff9b:0:0:1::808:808',
  '100::1',
  '1fff:ffff::',
  '2001::1',
  '2001:1ff:ffff::',
  '2001:db8::1',
  '2002:808:808::1',
  '3fff::1',
  '3fff:fff:ffff::',
  '4000::',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%lo',
  '2a00:1450::1%eth0',
  'fec0::1',
  'ff02::1',
])('%s is not', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})

test.each(['', 'localhost', '8.8.8', '8.8.8.8.8', '08.8.8.8', '0x8.8.8.8', '134744072', '8.8.8.8 ', '[2a00:1450::1]'])(
  '%j is no address',
  (text) => {
    expect(isPublicAddress(text)).toBe(false)
  },
)

/**
 * Ranges that are not globally reachable according to the registries: the first and the last address of each. A block
 * with exceptions is listed as a whole.
 */
const RESERVED_IPV4: Array<[number, number]> = [
  [0x00000000, 0x00ffffff],
  [0x0a000000, 0x0affffff],
  [0x64400000, 0x647fffff],
  [0x7f000000, 0x7fffffff],
  [0xa83f8110, 0xa83f8110],
  [0xa9fe0000, 0xa9feffff],
  [0xac100000, 0xac1fffff],
  [0xc0000000, 0xc00000ff],
  [0xc0000200, 0xc00002ff],
  [0xc0586300, 0xc05863ff],
  [0xc0a80000, 0xc0a8ffff],
  [0xc6120000, 0xc613ffff],
  [0xc6336400, 0xc63364ff],
  [0xcb007100, 0xcb0071ff],
  [0xe0000000, 0xffffffff],
]

function expectedIpv4(value: number): boolean {
  return !RESERVED_IPV4.some(([from, to]) => value >= from && value <= to)
}

function expectedIpv6(value: bigint): boolean {
  if (value >> 32n === 0x64ff9bn << 64n) return expectedIpv4(Number(value & 0xffffffffn))
  const [first, second] = [Number(value >> 112n), Number((value >> 96n) & 0xffffn)]
  if (first < 0x2000 || first > 0x3fff || first === 0x2002) return false
  if (first === 0x2001) return second > 0x1ff && second !== 0xdb8
  return first !== 0x3fff || second > 0xfff
}

const ipv4 = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.')
const ipv6 = (value: bigint) =>
  Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':')

test('agrees with the registries on any IPv4 address, at the edges above all', () => {
  const anywhere = fc.nat({ max: 0xffffffff })
  const edges = fc.constantFrom(...RESERVED_IPV4.flatMap(([from, to]) => [from - 1, from, to, to + 1]))
  fc.assert(
    fc.property(fc.oneof(anywhere, edges), (number) => {
      const value = number >>> 0
      expect(isPublicAddress(ipv4(value))).toBe(expectedIpv4(value))
      expect(isPublicAddress(ipv6((0x64ff9bn << 96n) | BigInt(value)))).toBe(expectedIpv4(value))
      expect(isPublicAddress(ipv6((0xffffn << 32n) | BigInt(value)))).toBe(false)
    }),
    { numRuns: 1000 },
  )
})

test('agrees with the registries on any IPv6 address, at the edges above all', () => {
  const words = ['0', '1', '64', '100', '1fff', '2000', '2001', '2002', '2003', '3ffe', '3fff', '4000', '5f00', 'fc00']
  const seconds = ['0', '1ff', '200', 'db7', 'db8', 'db9', 'fff', '1000', 'ff9b', 'ffff']
  const word = fc.nat({ max: 0xffff })
  const of = (values: string[]) => fc.oneof(word, fc.constantFrom(...values.map((text) => parseInt(text, 16))))
  const rest = fc.array(fc.oneof(word, fc.constant(0)), { minLength: 6, maxLength: 6 })
  fc.assert(
    fc.property(of(words), of(seconds), rest, (first, second, others) => {
      const value = [first, second, ...others].reduce((sum, part) => (sum << 16n) | BigInt(part), 0n)
      expect(isPublicAddress(ipv6(value))).toBe(expectedIpv6(value))
    }),
    { numRuns: 2000 },
  )
})
