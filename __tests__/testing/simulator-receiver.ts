/** A receiver for tests of the simulator, which records requests and sends the responses that a test has specified. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export { until } from '../wait'

export interface Received {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: Buffer
  at: number
}

/** The status of the response, or a function that does something else with the socket. */
export type Reaction = number | ((socket: Socket) => void)

/** Starts a receiver that sends `answers` in turn, and then 200. */
export async function startReceiver() {
  const received: Received[] = []
  const answers: Reaction[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      received.push({ method, url, headers, body: Buffer.concat(chunks), at: performance.now() })
      const reaction = answers.shift() ?? 200
      if (typeof reaction === 'function') reaction(request.socket)
      else response.writeHead(reaction, { Location: '/elsewhere', 'X-Answer': 'yes' }).end(`answer ${reaction}`)
    })
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answers,
    server,
    /** Listens on the same port as before. */
    restart: () => listen(port),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>

export function basic(username: string, password: string) {
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}
