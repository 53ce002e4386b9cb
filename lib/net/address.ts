/** Parses IP addresses, and compares them with the option `allow`. */
import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net'
import { show } from '../errors/checks'
import { invalidOption } from '../errors/errors'

/**
 * `'acceptance'` and `'production'` stand for Tradecloud's own addresses. Any other entry is an IPv4 or IPv6 address,
 * or a CIDR range.
 */
export type AllowEntry = 'acceptance' | 'production' | (string & {})

export interface Address {
  /** An IPv4-mapped address (`::ffff:192.0.2.1`) counts as an IPv4 address. */
  family: 'IPv4' | 'IPv6'
  /** The address in its usual short form, without a zone. */
  text: string
}

/** From Tradecloud's documentation, which announces changes five working days ahead. */
const TRADECLOUD: Readonly<Record<string, readonly string[]>> = {
  acceptance: ['35.204.36.162'],
  production: ['35.204.224.107', '34.90.20.233'],
}

const EXPECTED =
  "allowed: 'acceptance', 'production', IPv4 and IPv6 addresses, and CIDR ranges such as '192.0.2.0/24' or '2001:db8::/32'"

const BITS = { IPv4: 32, IPv6: 128 } as const
const NODE_FAMILY = { IPv4: 'ipv4', IPv6: 'ipv6' } as const
/** The prefix length of `::ffff:0:0/96`, which contains all IPv4-mapped addresses. */
const MAPPED_BITS = 96
/** Matches an IPv4-mapped address as Node writes it. */
const MAPPED = /^::ffff:(\d+\.[\d.]+)$/

/** `undefined` if the text is not an address. Leading zeros in IPv4 are ambiguous, so they are refused. */
export function readAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 'IPv4', text }
  // The zone names a network interface of this machine, and does not identify the sender.
  const plain = text.replace(/%[\w.~-]+$/, '')
  if (plain.includes('%') || !isIPv6(plain)) return undefined
  const { address } = new SocketAddress({ address: plain, family: 'ipv6' })
  const inner = MAPPED.exec(address)?.[1]
  return inner === undefined ? { family: 'IPv6', text: address } : { family: 'IPv4', text: inner }
}

/** Throws `invalid_option` for an invalid entry, and for an empty list, which would refuse every event. */
export function compileAllow(allow: readonly AllowEntry[]): (address: Address) => boolean {
  if (!Array.isArray(allow)) throw invalidOption('allow', `is not a list; ${EXPECTED}`)
  if (allow.length === 0) throw invalidOption('allow', 'is an empty list, which would refuse every event')
  // Each family has its own list: a common list would also compare the mapped form of an IPv4 address with IPv6 rules.
  const allowed = { IPv4: new BlockList(), IPv6: new BlockList() }
  // `Array.from` turns empty slots of the list into `undefined`, which is refused like any other invalid entry.
  for (const [i, entry] of Array.from(allow as unknown[]).entries()) {
    for (const { family, text, length } of rangesOf(entry, `allow[${i}]`))
      allowed[family].addSubnet(text, length, NODE_FAMILY[family])
  }
  return ({ family, text }) => allowed[family].check(text, NODE_FAMILY[family])
}

interface Range extends Address {
  /** Number of bits in the prefix. */
  length: number
}

function rangesOf(entry: unknown, option: string): Range[] {
  if (typeof entry !== 'string') throw invalidOption(option, `is ${show(entry)}; ${EXPECTED}`)
  const named = Object.hasOwn(TRADECLOUD, entry) ? TRADECLOUD[entry] : undefined
  return (named ?? [entry]).map((text) => rangeOf(text, option))
}

/** Bits after the prefix are ignored, as in Express's `trust proxy`: `10.1.2.3/8` means `10.0.0.0/8`. */
function rangeOf(entry: string, option: string): Range {
  const [text = '', prefix, ...rest] = entry.split('/')
  const address = readAddress(text)
  if (!address || rest.length > 0) throw invalidOption(option, `is ${show(entry)}; ${EXPECTED}`)
  // A zone names one network interface, but the entry would apply to all interfaces.
  if (text.includes('%')) throw invalidOption(option, `is ${show(entry)}; leave out the zone, which is not compared`)
  const { family } = address
  const skipped = family === 'IPv4' && text.includes(':') ? MAPPED_BITS : 0
  const bits = BITS[family]
  const length = prefix === undefined ? bits : /^(0|[1-9]\d*)$/.test(prefix) ? Number(prefix) - skipped : NaN
  if (!(length >= 0 && length <= bits)) {
    throw invalidOption(option, `is ${show(entry)}; the prefix is a whole number from ${skipped} to ${bits + skipped}`)
  }
  return { ...address, length }
}
