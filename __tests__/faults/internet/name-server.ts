/** A name server with scripted answers, which may differ from query to query. It implements just enough of RFC 1035. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { isIPv4 } from 'node:net'

/**
 * For each name, a list of answers: the first query gets the first answer, and so on. The last answer is repeated.
 * Queries of different types are counted separately. An answer lists the addresses of both families. `unknown`: the
 * name does not exist. `silent`: the query gets no answer.
 */
export type Zone = Record<string, Array<string[] | 'unknown' | 'silent'>>

const TYPES: Record<number, 'A' | 'AAAA'> = { 1: 'A', 28: 'AAAA' }
const HEADER_BYTES = 12

export class NameServer {
  zone: Zone = {}
  /** Queries, such as `A files.example.com`. */
  asked: string[] = []
  readonly #socket = createSocket('udp4')

  async start(address: string): Promise<void> {
    this.#socket.on('message', (question, from) => this.#answer(question, from))
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('error', reject)
      this.#socket.bind(53, address, resolve)
    })
  }

  #answer(question: Buffer, from: RemoteInfo): void {
    const { name, end } = readName(question)
    const type = TYPES[question.readUInt16BE(end)]
    const asking = `${type ?? 'other'} ${name}`
    const turn = this.asked.filter((earlier) => earlier === asking).length
    this.asked.push(asking)
    const turns = this.zone[name.toLowerCase()]
    const found = turns?.[Math.min(turn, turns.length - 1)] ?? 'unknown'
    if (found === 'silent') return
    const records = (found === 'unknown' ? [] : found)
      .filter((address) => type === (isIPv4(address) ? 'A' : 'AAAA'))
      .map((address) => {
        const data = type === 'A' ? ipv4Bytes(address) : ipv6Bytes(address)
        // A resource record: the name of the query, its type, class IN, TTL 0.
        const head = Buffer.from([0xc0, HEADER_BYTES, 0, type === 'A' ? 1 : 28, 0, 1, 0, 0, 0, 0, 0, data.length])
        return Buffer.concat([head, data])
      })
    const header = Buffer.alloc(HEADER_BYTES)
    question.copy(header, 0, 0, 2)
    header.writeUInt16BE(found === 'unknown' ? 0x8183 : 0x8180, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(records.length, 6)
    const asked = question.subarray(HEADER_BYTES, end + 4)
    this.#socket.send(Buffer.concat([header, asked, ...records]), from.port, from.address)
  }
}

function readName(question: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = question.readUInt8(at); length > 0; length = question.readUInt8(at)) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

const ipv4Bytes = (address: string) => Buffer.from(address.split('.').map(Number))

function ipv6Bytes(address: string): Buffer {
  // URL parsers write an embedded IPv4 address as two hexadecimal groups.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const words = (text = '') => (text === '' ? [] : text.split(':').map((word) => parseInt(word, 16)))
  const [before, after] = [words(left), words(right)]
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]))
}
