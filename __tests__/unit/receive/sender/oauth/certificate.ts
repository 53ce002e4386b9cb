/** A self-signed certificate for 127.0.0.1, made anew for each test run: Node can read certificates but not make them. */
import { generateKeyPairSync, sign } from 'node:crypto'

/** One value in DER: tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...content: Buffer[]): Buffer => der(0x30, ...content)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const time = (year: number): Buffer => der(0x18, Buffer.from(`${year}0101000000Z`))

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const COMMON_NAME = oid('550403')
const SUBJECT_ALT_NAME = oid('551d11')

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('127.0.0.1')))))
const addresses = sequence(der(0x87, Buffer.from([127, 0, 0, 1])))
const content = sequence(
  der(0xa0, der(0x02, Buffer.from([2]))),
  der(0x02, Buffer.from([1])),
  ECDSA_WITH_SHA256,
  name,
  sequence(time(2020), time(2120)),
  name,
  pair.publicKey.export({ type: 'spki', format: 'der' }),
  der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, der(0x04, addresses)))),
)
const signature = der(0x03, Buffer.from([0]), sign('sha256', content, pair.privateKey))
const lines = sequence(content, ECDSA_WITH_SHA256, signature).toString('base64').replace(/.{64}/g, '$&\n')

/** PEM. */
export const certificate = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
/** PEM. */
export const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
