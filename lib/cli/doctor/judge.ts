import { unreachable } from './certificate'
import type { FindingCode } from './findings'
import type { Read } from './read-reply'

/** The finding for a probe that was not answered as expected. */
export function findingOf(read: Read): FindingCode {
  switch (read.by) {
    case 'no one':
      return unreachable(read.code) ?? (/TLS|SSL|CERT|EPROTO/.test(read.code) ? 'tls_failed' : 'closed')
    case 'webhook':
      return ofWebhook(read.code, read.detail)
    case 'other':
      return ofOther(read.status)
    case 'probe':
      return 'path_unmatched'
  }
}

/** True if the webhook responded that it received no credentials. */
export function lacksCredentials(read: Read): boolean {
  return read.by === 'webhook' && read.code === 'unauthorized' && read.detail.includes('no Authorization header')
}

function ofWebhook(code: string, detail: string): FindingCode {
  switch (code) {
    case 'unauthorized':
      return detail.includes('no Authorization header') ? 'authorization_removed' : 'credentials_refused'
    case 'address_not_allowed':
      return 'address'
    case 'not_routed':
      return 'path_unmatched'
    case 'body_too_large':
      return 'body_option'
    case 'unavailable':
    case 'answer_timeout':
      return 'unavailable'
    default:
      return 'probe_unknown'
  }
}

function ofOther(status: number): FindingCode {
  if (status >= 200 && status < 300) return 'swallowed'
  if (status >= 300 && status < 400) return 'redirect'
  if (status >= 502 && status <= 504) return 'app_away'
  const codes: Readonly<Record<number, FindingCode>> = {
    401: 'credentials_elsewhere',
    403: 'blocked',
    404: 'not_found',
    405: 'method_blocked',
    410: 'not_found',
    413: 'body_limit',
    429: 'blocked',
    500: 'server_error',
    501: 'method_blocked',
  }
  return codes[status] ?? 'not_webhook'
}
