/** Recognises hosts on this machine, which may be contacted without TLS. */

/** True for https, and for http to a host on this machine, where no one else can read or change the traffic. */
export function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/**
 * True for `localhost` and loopback addresses. `hostname` must come from a parsed URL, in which any spelling of an IPv4
 * address has become four numbers.
 */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
