/**
 * Which documents may be fetched from servers of other companies: those on hosts that the user listed, over https.
 * Parsed host names are compared, so that the spelling does not matter.
 */
import { isIP } from 'node:net'
import { show } from '../errors/checks'
import { invalidOption } from '../errors/errors'
import { isLoopback } from '../net/loopback'
import { quote } from '../bytes/quote'
import { isPublicAddress } from '../net/public-address'

/** Longer than usual signed links, and short enough for servers that limit the size of headers. */
const MAX_LENGTH = 8192
const EXAMPLE = 'files.example.com or files.example.com:8443'

/** Parses each host into the form of `host` in a parsed https URL, which contains the port unless it is 443. */
export function resolveDocumentHosts(value: unknown, option = 'documentHosts'): ReadonlySet<string> {
  if (value === undefined) return new Set()
  if (!Array.isArray(value)) throw invalidOption(option, "is not a list, as in ['files.example.com']")
  return new Set(value.map((entry: unknown, i) => resolveHost(`${option}[${i}]`, entry)))
}

/**
 * The returned problem completes a sentence that begins with "The document's `url`". It never contains the whole URL,
 * because the query may be a secret.
 */
export function checkDocumentUrl(
  text: string,
  hosts: ReadonlySet<string>,
): { ok: true; url: URL } | { ok: false; problem: string } {
  const refuse = (problem: string) => ({ ok: false as const, problem })
  if (text.length > MAX_LENGTH) return refuse(`is longer than ${MAX_LENGTH} characters`)
  if (!URL.canParse(text)) return refuse('is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:') return refuse('is not https')
  if (url.username !== '' || url.password !== '') return refuse('contains a user name or a password')
  if (!hosts.has(url.host)) return refuse(`leads to ${quote(url.host)}, which \`documentHosts\` does not name`)
  // Checked again after parsing, which may escape characters and make the URL up to nine times longer.
  if (url.href.length > MAX_LENGTH) return refuse(`is longer than ${MAX_LENGTH} characters once it is escaped`)
  return { ok: true, url }
}

/** The last part of the path, which may contain anything; the host name if that part is empty. */
export function filenameOf({ pathname, hostname }: URL): string {
  const last = pathname.split('/').at(-1) ?? ''
  if (last === '') return hostname
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

function resolveHost(option: string, entry: unknown): string {
  if (typeof entry !== 'string' || entry === '') throw invalidOption(option, `is ${show(entry)}; expected ${EXAMPLE}`)
  // This error does not quote the entry, which may be a URL that contains a secret.
  if (/[/\\?#@]/.test(entry)) throw invalidOption(option, `is not only a host name; expected ${EXAMPLE}`)
  if (entry.includes('*'))
    throw invalidOption(option, `is ${show(entry)}: list each host, because wildcards are not supported`)
  const url = `https://${entry}/`
  // Checked before parsing, because the URL parser removes line breaks and tabs, and decodes escapes.
  if (/[\s%]/.test(entry) || !URL.canParse(url))
    throw invalidOption(option, `is ${show(entry)}, which is not a host name; expected ${EXAMPLE}`)
  const { host, hostname } = new URL(url)
  if (hostname.endsWith('.')) throw invalidOption(option, `is ${show(entry)}: leave out the dot at the end of the name`)
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isLoopback(hostname) || (isIP(address) !== 0 && !isPublicAddress(address))) {
    throw invalidOption(option, `is ${show(entry)}: documents are fetched from the public internet only`)
  }
  return host
}
