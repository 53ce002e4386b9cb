/** Determines the client's address as Express's `req.ip` does, also for requests outside Express. */
import type { IncomingMessage } from 'node:http'
import type proxyAddr from 'proxy-addr'
import { checkWholeNumber, show } from '../../errors/checks'
import { invalidOption } from '../../errors/errors'

/**
 * The values of Express's setting `trust proxy`. `false`: no proxy is trusted. A number: the number of proxies in
 * front. Texts, as a list or separated by commas: addresses or CIDR ranges of proxies, `'loopback'`, `'linklocal'` or
 * `'uniquelocal'`. A function gets an address (`undefined` on a Unix socket) and its distance in hops, which is 0 for
 * the peer. `true` trusts everyone, so that anyone can pretend to have any address.
 */
export type TrustProxyOption =
  boolean | number | string | readonly string[] | ((address: string | undefined, hop: number) => boolean)

/** Whether an address in the chain is a trusted proxy. Hop 0 is the peer, which has no address on a Unix socket. */
export type TrustFunction = (address: string | undefined, hop: number) => unknown

const EXPECTED =
  "allowed: true, false, the number of proxies in front, addresses, CIDR ranges, 'loopback', 'linklocal' and 'uniquelocal' (a list, or with commas between), or a function"

/** Throws `invalid_option` for a value that Express would reject, and for an impossible number of proxies. */
export function compileTrust(trustProxy: TrustProxyOption): TrustFunction {
  const option = 'trustProxy'
  if (typeof trustProxy === 'function') return trustProxy
  if (typeof trustProxy === 'boolean') return () => trustProxy
  if (typeof trustProxy === 'number') {
    const proxies = checkWholeNumber(option, trustProxy, 0, Number.MAX_SAFE_INTEGER)
    return (_address, hop) => hop < proxies
  }
  const list: unknown = typeof trustProxy === 'string' ? trustProxy.split(',').map((entry) => entry.trim()) : trustProxy
  if (!Array.isArray(list)) throw invalidOption(option, `is ${show(trustProxy)}; ${EXPECTED}`)
  const wrong = list.findIndex((entry) => typeof entry !== 'string')
  if (wrong >= 0) throw invalidOption(`${option}[${wrong}]`, `is ${show(list[wrong])}; ${EXPECTED}`)
  try {
    return loadProxyAddr().compile(list as string[]) as TrustFunction
  } catch (error) {
    throw invalidOption(option, `is invalid (${(error as Error).message}); ${EXPECTED}`)
  }
}

/**
 * The client's address, without a port: the nearest address that is not a trusted proxy, or the farthest one if all are
 * trusted. `undefined` on a Unix socket if `X-Forwarded-For` is missing or not trusted.
 */
export function clientAddress(req: IncomingMessage, trust: TrustFunction): string | undefined {
  return withoutPort(loadProxyAddr()(req, (address, hop) => Boolean(trust(withoutPort(address), hop))))
}

/**
 * Removes a port: Azure's gateways append the client's port to the client's address, and Express does not accept an
 * address with a port.
 */
function withoutPort(address: string | undefined): string | undefined {
  const text = address?.trim()
  const [, ipv4, ipv6] = /^(?:([\d.]+):\d{1,5}|\[([^\]]*)\](?::\d{1,5})?)$/.exec(text ?? '') ?? []
  return ipv4 ?? ipv6 ?? text
}

/** The `trust proxy` function of the app that handles the request; `undefined` if the router is used without an app. */
export function trustOfApp(req: IncomingMessage): TrustFunction | undefined {
  const trust: unknown = (req as { app?: { get: (setting: string) => unknown } }).app?.get('trust proxy fn')
  return typeof trust === 'function' ? (trust as TrustFunction) : undefined
}

/** Addresses reserved for documentation (RFC 5737, RFC 3849, RFC 9637). */
const STRANGERS = [
  ['192.0.2.1', '198.51.100.1', '203.0.113.1'],
  ['2001:db8::1', '3fff::1'],
]
/** A function that still trusts an address at this hop trusts everyone: no chain of proxies is that long. */
const FAR_HOP = 100

/** True if every IPv4 address or every IPv6 address is trusted as a proxy. */
export function trustsEveryone(trust: TrustFunction): boolean {
  try {
    return STRANGERS.some((family) => family.every((address) => Boolean(trust(address, FAR_HOP))))
  } catch {
    return false // a trust function that throws for a test address does not trust it
  }
}

/** Loaded lazily: only needed with `allow`. */
function loadProxyAddr(): typeof proxyAddr {
  return require('proxy-addr') as typeof proxyAddr
}
