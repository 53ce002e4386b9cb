/**
 * Which addresses are on the public internet, according to IANA's registries of special-purpose addresses
 * (https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry). A block that is not
 * globally reachable is refused as a whole, even if the registry lists a part of it as reachable.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

const SPECIAL_IPV4: ReadonlyArray<readonly [string, number]> = [
  ['0.0.0.0', 8], // this network; on many systems 0.0.0.0 means this machine
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // shared among the customers of a provider
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // in no registry, but in Azure it is the host of the virtual machine
  ['169.254.0.0', 16], // link-local; most clouds serve metadata there
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, deprecated
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
]
/**
 * The only IPv6 range from which public addresses are allocated. Loopback, link-local, unique local, IPv4-mapped and
 * multicast addresses are outside of it.
 */
const GIVEN_OUT_IPV6: readonly [string, number] = ['2000::', 3]
const SPECIAL_IPV6: ReadonlyArray<readonly [string, number]> = [
  ['2001::', 23], // protocol assignments, including Teredo
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4, which can contain any IPv4 address
  ['3fff::', 20], // documentation
]
/** NAT64 (RFC 6052): the last 32 bits are the IPv4 address to check. */
const TRANSLATED = { prefix: '64:ff9b::', bits: 96 }

// IPv4 has its own list: a common list would also compare the mapped form of an IPv4 address with IPv6 rules. A public
// IPv6 address is in `givenOutIpv6`, but not in `specialIpv6`.
const specialIpv4 = new BlockList()
const givenOutIpv6 = new BlockList()
const specialIpv6 = new BlockList()
for (const [net, bits] of SPECIAL_IPV4) {
  specialIpv4.addSubnet(net, bits, 'ipv4')
  specialIpv6.addSubnet(`${TRANSLATED.prefix}${net}`, TRANSLATED.bits + bits, 'ipv6')
}
givenOutIpv6.addSubnet(...GIVEN_OUT_IPV6, 'ipv6')
givenOutIpv6.addSubnet(TRANSLATED.prefix, TRANSLATED.bits, 'ipv6')
for (const [net, bits] of SPECIAL_IPV6) specialIpv6.addSubnet(net, bits, 'ipv6')

/** False for a text that is not an address. Also false for an address with a zone, because such addresses are local. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !specialIpv4.check(address, 'ipv4')
  if (!isIPv6(address) || address.includes('%')) return false
  return givenOutIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6')
}
