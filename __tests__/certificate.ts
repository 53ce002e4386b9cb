/** Creates self-signed certificates for the tests, because Node can read certificates but not create them. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** A DER value: tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...content: Buffer[]): Buffer => der(0x30, ...content)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const time = (date: Date): Buffer => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')))

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const COMMON_NAME = oid('550403')
const SUBJECT_ALT_NAME = oid('551d11')

export interface Pem {
  certificate: string
  privateKey: string
}

export const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000)

/** `name` is a host name or an IPv4 address. */
export function makeCertificate(name: string, from: Date, to: Date): Pem {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(name)))))
  const alternative = isIPv4(name) ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name))
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    subject,
    sequence(time(from), time(to)),
    subject,
    pair.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, der(0x04, sequence(alternative))))),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', content, pair.privateKey))
  const base64 = sequence(content, ECDSA_WITH_SHA256, signature).toString('base64')
  // The base64 text must not end with an empty line: OpenSSL refuses that.
  const lines = base64.match(/.{1,64}/g)!.join('\n')
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const ofLoopback = makeCertificate('127.0.0.1', new Date('2020-01-01'), new Date('2120-01-01'))
/** A certificate for 127.0.0.1 and its private key, in PEM. */
export const { certificate, privateKey } = ofLoopback
