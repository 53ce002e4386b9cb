/**
 * Stands before a Redis that has no WAITAOF (7.2) and answers it: each WAITAOF becomes a script that answers the same, and
 * blocks its connection until then, as the real one does. Keeps a record of who sent what.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const CRLF = '\r\n'

export class WaitaofProxy {
  /** What WAITAOF answers, and after how long. */
  local = 1
  delayMs = 0
  /** How long a script is on its way. */
  scriptMs = 0
  /** Until this resolves, replies to WAITAOF are held. */
  hold: Promise<void> = Promise.resolve()
  /** In the order in which they were forwarded. */
  readonly commands: { connection: number; name: string; args: string[] }[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #connections = 0

  constructor(port: number) {
    this.#server = createServer((client) => this.#serve(client, port))
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** The connections that there are stay open, and nothing passes any more. */
  mute(): void {
    for (const socket of this.#sockets) {
      socket.unpipe()
      socket.removeAllListeners('data')
      socket.resume()
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(client: Socket, port: number): void {
    const connection = ++this.#connections
    const redis = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    redis.pipe(client)
    let rest = Buffer.alloc(0)
    let sent = Promise.resolve()
    client.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      for (let parsed = parse(rest); parsed; parsed = parse(rest)) {
        const raw = rest.subarray(0, parsed.end)
        rest = rest.subarray(parsed.end)
        const [name = '', ...args] = parsed.parts
        sent = sent.then(() => this.#forward(connection, name.toUpperCase(), args, raw, redis))
      }
    })
  }

  async #forward(connection: number, name: string, args: string[], raw: Buffer, redis: Socket): Promise<void> {
    if (name === 'EVALSHA') await sleep(this.scriptMs)
    this.commands.push({ connection, name, args })
    if (name !== 'WAITAOF') return void redis.write(raw)
    if (args[0] !== '0') {
      await this.hold
      await sleep(this.delayMs)
    }
    redis.write(encode(['EVAL', `return {${args[0] === '0' ? 0 : this.local}, 0}`, '0']))
  }
}

function parse(bytes: Buffer): { parts: string[]; end: number } | undefined {
  let at = 0
  const number = (): number | undefined => {
    const end = bytes.indexOf(CRLF, at)
    if (end < 0) return undefined
    const value = Number(bytes.toString('latin1', at + 1, end))
    at = end + 2
    return value
  }
  const count = number()
  if (count === undefined) return undefined
  const parts: string[] = []
  for (let part = 0; part < count; part++) {
    const length = number()
    if (length === undefined || bytes.length < at + length + 2) return undefined
    parts.push(bytes.toString('latin1', at, at + length))
    at += length + 2
  }
  return { parts, end: at }
}

function encode(parts: string[]): string {
  return `*${parts.length}${CRLF}${parts.map((part) => `$${part.length}${CRLF}${part}${CRLF}`).join('')}`
}
