/** Checks the certificate of the endpoint, as seen by a sender that trusts the same authorities as Node. */
import type { X509Certificate } from 'node:crypto'
import { isIP, type LookupFunction } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { startTimer } from '../../wait/timers'
import { printable } from '../printable'
import type { FindingCode } from './findings'
import { failure } from './send'
import type { DoctorTarget } from './target'

export interface CertificateCheck {
  /** The problems found, each with its evidence. */
  problems: Array<{ code: FindingCode; text: string }>
  /** A description of the certificate, or of the error if none was received. */
  text: string
  daysLeft?: number
}

interface ConnectOptions {
  ca?: string | undefined
  lookup?: LookupFunction | undefined
  timeoutMs: number
}

interface Presented {
  certificate: X509Certificate
  /** Why the certificate is not trusted; empty if it is trusted. */
  distrust: string
  protocol: string
}

const DAY_MS = 86_400_000
/**
 * ACME clients renew a certificate after two thirds of its lifetime. If less than a fifth is left, the renewal has
 * probably failed.
 */
const LAST_PART = 0.2
const LAST_DAYS = 14
/** Errors of Node that have findings of their own, and are not reported as `certificate_chain`. */
const OTHERWISE = /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ERR_TLS_CERT_ALTNAME_INVALID)$/

export async function checkCertificate(target: DoctorTarget, options: ConnectOptions): Promise<CertificateCheck> {
  try {
    return judge(await present(target, options), target.hostname, Date.now())
  } catch (error) {
    const { code = '', message } = error as Error & { code?: string }
    const text = printable(message)
    return { problems: [{ code: unreachable(code) ?? 'tls_failed', text }], text }
  }
}

/** The finding for an endpoint that cannot be reached or does not respond; `undefined` for any other error. */
export function unreachable(code: string): FindingCode | undefined {
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(code)) return 'unknown_host'
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/.test(code)) return 'unreachable'
  if (/^(NO_ANSWER|ETIMEDOUT)$/.test(code)) return 'no_answer'
  return undefined
}

/** Connects, accepts any certificate, and sends no request. */
function present({ hostname, port }: DoctorTarget, { ca, lookup, timeoutMs }: ConnectOptions): Promise<Presented> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({
      ...{ host: hostname, port, ca, lookup, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
      servername: isIP(hostname) ? '' : hostname,
    })
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const late = (): void => fail(failure('NO_ANSWER', `there was no TLS handshake within ${timeoutMs / 1000} s`))
    const timer = startTimer(late, timeoutMs, true)
    socket.on('error', fail)
    socket.on('close', () => fail(failure('CLOSED', 'the connection was closed during the TLS handshake')))
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()
      const distrust = socket.authorized ? '' : String(socket.authorizationError)
      const protocol = socket.getProtocol() ?? ''
      if (!certificate) return fail(failure('NO_CERTIFICATE', 'the server has no certificate'))
      clearTimeout(timer)
      socket.destroy()
      resolve({ certificate, distrust, protocol })
    })
  })
}

function judge({ certificate, distrust, protocol }: Presented, hostname: string, now: number): CertificateCheck {
  const problems: CertificateCheck['problems'] = []
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  const daysLeft = Math.floor((to - now) / DAY_MS)
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10)
  if (to <= now) problems.push({ code: 'certificate_expired', text: `it expired on ${day(to)}` })
  else if (from > now) problems.push({ code: 'certificate_not_yet_valid', text: `it is valid from ${day(from)} on` })
  else if (to - now < Math.min(LAST_DAYS * DAY_MS, LAST_PART * (to - from)))
    problems.push({ code: 'certificate_ends_soon', text: `it expires on ${day(to)}, in ${daysLeft} days` })
  const isNamed = isIP(hostname) ? certificate.checkIP(hostname) : certificate.checkHost(hostname)
  if (isNamed === undefined) {
    const names = (certificate.subjectAltName ?? certificate.subject).replaceAll('DNS:', '')
    problems.push({ code: 'certificate_name', text: `it is for ${printable(names)}, not for ${printable(hostname)}` })
  }
  if (distrust !== '' && !OTHERWISE.test(distrust)) {
    const issuer = commonName(certificate.issuer)
    problems.push({ code: 'certificate_chain', text: `${distrust}; it was issued by ${issuer}` })
  }
  const text = `${protocol}, certificate for ${printable(hostname)} by ${commonName(certificate.issuer)}, ${daysLeft} days left`
  return { problems, text, daysLeft }
}

function commonName(subject: string | undefined): string {
  const lines = (subject ?? '').split('\n')
  const name = lines.find((line) => line.startsWith('CN=')) ?? lines.find((line) => line.startsWith('O='))
  return printable((name ?? lines[0] ?? '').replace(/^[A-Z]+=/, ''))
}
