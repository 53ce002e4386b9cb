/** Parses the URL to check: where to send probes without an ID, and where to insert an ID. */
import { isLoopback } from '../../net/loopback'
import { UsageError } from '../errors'

/** How an ID is inserted into the URL. `given`: whether the user has marked the position. */
export interface IdPlace {
  name: 'path' | 'query'
  given: boolean
  /** Returns the path with an ID, which must already be escaped. */
  pathOf: (id: string) => string
}

export interface DoctorTarget {
  /** The URL as given by the user. */
  url: string
  isSecure: boolean
  /** True if the target is this machine, so that no one else can read the credentials on the way. */
  isLocal: boolean
  hostname: string
  port: number
  /** Value of the header `Host`. */
  authority: string
  /** Path and query, without an ID. If the path has a variable, only the part of the path before it. */
  path: string
  places: IdPlace[]
}

const VARIABLE = /\{(?:orderId|shipmentId)\}/

/** Throws a `UsageError` for a URL that cannot be checked. */
export function readTarget(url: string): DoctorTarget {
  if (!/^https?:\/\//i.test(url)) throw new UsageError('The URL must begin with https:// or http://.')
  const [, scheme = '', authority = '', rest = ''] = /^(https?):\/\/([^/?#]*)([^#]*)/i.exec(url) ?? []
  if (authority.includes('@'))
    throw new UsageError(
      'The URL contains credentials, which every user of the machine can see: use --basic or --bearer.',
    )
  if (/[^\u0021-\u007e]/.test(rest)) throw new UsageError('The URL contains white space or non-ASCII characters.')
  if ((rest.match(new RegExp(VARIABLE, 'g')) ?? []).length > 1)
    throw new UsageError('The URL contains several variables.')
  const { hostname, port } = parse(`${scheme}://${authority}`)
  const isSecure = scheme.toLowerCase() === 'https'
  const whole = rest.startsWith('/') ? rest : `/${rest}`
  return {
    url,
    isSecure,
    isLocal: isLoopback(hostname),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (isSecure ? 443 : 80),
    authority,
    ...placesOf(whole),
  }
}

function parse(origin: string): URL {
  try {
    return new URL(origin)
  } catch {
    throw new UsageError('The URL has no valid host name.')
  }
}

function placesOf(whole: string): Pick<DoctorTarget, 'path' | 'places'> {
  const [path = '', query = ''] = whole.split(/\?(.*)/s, 2)
  const withQuery = (parts: string[]): string => [path, ...(parts.length > 0 ? [parts.join('&')] : [])].join('?')
  const parts = query === '' ? [] : query.split('&')
  if (VARIABLE.test(whole)) {
    const inPath = VARIABLE.test(path)
    return {
      path: inPath
        ? path.slice(0, path.search(VARIABLE)).replace(/(.)\/$/, '$1')
        : withQuery(parts.filter((part) => !VARIABLE.test(part))),
      places: [{ name: inPath ? 'path' : 'query', given: true, pathOf: (id) => whole.replace(VARIABLE, () => id) }],
    }
  }
  return {
    path: whole,
    places: [
      { name: 'path', given: false, pathOf: (id) => whole.replace(/\/?(?=\?|$)/, () => `/${id}`) },
      { name: 'query', given: false, pathOf: (id) => withQuery([...parts, `orderId=${id}`]) },
    ],
  }
}
