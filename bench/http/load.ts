/**
 * Sends bodies over keep-alive connections and measures the time of each response. Sending takes as little work as
 * possible, because the server that is measured runs on the same machine.
 */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { authorization } from '../webhook'
import { Payload } from './payloads'
import { SECRET } from './peers'

/**
 * Number of events that were sent. Each message ID is made from it, so that a server with dedupe finds no duplicates.
 */
let sent = 0

export class Connection {
  readonly #payload: Payload
  readonly #socket: Socket
  readonly #signed: boolean
  #answer = ''
  #done: (status: number) => void = () => undefined
  #fail: (error: Error) => void = () => undefined

  private constructor(socket: Socket, body: Buffer, signed: boolean) {
    this.#socket = socket
    this.#payload = new Payload(body)
    this.#signed = signed
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error(`The server closed the connection: ${this.#answer}`)))
  }

  /** `signed`: send the headers that @octokit/webhooks requires. */
  static async open(port: number, body: Buffer, signed: boolean): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket, body, signed)
  }

  /** Resolves with the milliseconds until the response. Rejects for a status other than 200 and 202. */
  async send(): Promise<number> {
    const n = ++sent
    const body = this.#payload.renew(n)
    const signature = this.#signed
      ? `X-GitHub-Event: push\r\nX-GitHub-Delivery: ${n}\r\nX-Hub-Signature-256: sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}\r\n`
      : ''
    const head = `POST /order HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\n${signature}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    const started = performance.now()
    const status = await new Promise<number>((resolve, reject) => {
      this.#done = resolve
      this.#fail = reject
      this.#socket.cork()
      this.#socket.write(head, 'latin1')
      this.#socket.write(body)
      this.#socket.uncork()
    })
    if (status !== 200 && status !== 202) throw new Error(`Answered ${status}`)
    return performance.now() - started
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#answer += chunk.toString('latin1')
    const end = this.#answer.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = /content-length: (\d+)/i.exec(this.#answer)?.[1]
    if (length === undefined) {
      this.#fail(new Error(`An answer without a length: ${this.#answer}`))
      return
    }
    if (this.#answer.length < end + 4 + Number(length)) return
    const status = Number(this.#answer.slice(9, 12))
    this.#answer = ''
    this.#done(status)
  }
}

/**
 * Sends requests over the connections as fast as they are answered, and returns the milliseconds of each. This process
 * never sleeps meanwhile: waking it up costs a server as much CPU as responding, and slow servers would have to wake it
 * up more often.
 */
export async function load(connections: readonly Connection[], requests: number): Promise<number[]> {
  const times: number[] = []
  let left = requests
  let busy = true
  const spin = (): void => {
    if (busy) setImmediate(spin)
  }
  spin()
  await Promise.all(
    connections.map(async (connection) => {
      while (left-- > 0) times.push(await connection.send())
    }),
  )
  busy = false
  return times
}
