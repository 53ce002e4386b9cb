/** Which hosts are this machine: only these may be spoken to without TLS. */

/** Nobody on the way can read or change what is said. */
export function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/** Of a parsed URL, where any spelling of an IPv4 address has become four numbers. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
