/** A TCP proxy in front of PostgreSQL that cuts connections at random, or directly before or after a COMMIT. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

/** The bytes of a COMMIT that is sent as a simple query. */
const COMMIT = Buffer.from('COMMIT\0')

export class CuttingProxy {
  /** How many of the next commits lose their response. */
  loseCommits = 0
  /**
   * Concerns connections that have sent the text `ofCommitAfter`. The next COMMIT on one of them does not reach the
   * server. Instead, `act` runs, and then the connection is cut.
   */
  instead: { ofCommitAfter: string; act: () => Promise<void> } | undefined
  #disturb: { everyMessages: number; act: (proxy: CuttingProxy) => void } | undefined
  #left = 0
  readonly #target: number
  readonly #pairs = new Set<Socket>()
  readonly #server = createServer((client) => this.#join(client))

  constructor(target: number) {
    this.#target = target
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Calls `act` repeatedly from now on, on average once per `everyMessages` messages. It counts messages instead of
   * time, so that the number of disturbances does not depend on the speed of the machine.
   */
  disturb(everyMessages: number, act: (proxy: CuttingProxy) => void): void {
    this.#disturb = { everyMessages, act }
    this.#left = everyMessages
  }

  undisturbed(): void {
    this.#disturb = undefined
    this.loseCommits = 0
  }

  cut(): void {
    for (const socket of this.#pairs) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    this.#pairs.add(client)
    let isLost = false
    let isMarked = false
    client.on('data', (data) => {
      isMarked ||= this.instead !== undefined && data.includes(this.instead.ofCommitAfter)
      if (this.instead && isMarked && data.includes(COMMIT)) {
        const { act } = this.instead
        this.instead = undefined
        client.pause()
        // Discards the server's messages: its message about the crash would end the connection before `act` has
        // finished.
        server.removeAllListeners('close').removeAllListeners('data').resume()
        void act().then(
          () => client.destroy(),
          () => client.destroy(),
        )
        return
      }
      if (this.#disturb && this.#left-- <= 0) {
        this.#left = Math.random() * 2 * this.#disturb.everyMessages
        this.#disturb.act(this)
      }
      if (this.loseCommits > 0 && data.includes(COMMIT)) {
        this.loseCommits--
        isLost = true
      }
      server.write(data)
    })
    server.on('data', (data) => {
      // At this point the server has committed, so only the response is lost.
      if (isLost) client.destroy()
      else client.write(data)
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined)
      one.on('close', () => {
        this.#pairs.delete(client)
        other.destroy()
      })
    }
  }
}
