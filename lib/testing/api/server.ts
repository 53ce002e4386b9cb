/** The simulated API on local sockets: one server for the API, and one for the host of download links. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiState, type ApiOptions } from './state'
import { BASE_PATH, findTarget, type ApiTarget } from './target'
import { writeAnswer } from './write'

export interface ApiServer {
  baseUrl: string
  api: ApiState
  close: () => Promise<void>
}

/** Another name of this machine, so that the host of links is not that of the API. */
const LINK_HOST = 'localhost'

const POLLS: ReadonlySet<ApiTarget['endpoint']> = new Set(['orderPoll', 'singleDeliveryPoll', 'shipmentPoll'] as const)

export async function startApiServer({ port, ...options }: ApiOptions & { port: number }): Promise<ApiServer> {
  const state = new ApiState(options)
  const serve = (find: (method: string, url: string) => ApiTarget) =>
    createServer((request, response) => {
      const { method = '', url = '', headers } = request
      const arrival = state.arrive({ ...find(method, url), method, url, headers })
      const answer = (body: string) =>
        writeAnswer(response, {
          answer: state.answer(arrival, body),
          fault: arrival.fault,
          id: arrival.request.id,
          now: options.clock.shown(),
          onStatus: (status) => (arrival.request.status = status),
        })
      takeBody(request, response, POLLS.has(arrival.request.endpoint), answer)
    })
  const apiServer = serve(findTarget)
  const linkServer = serve(() => ({ endpoint: 'download' }))
  const close = async () => {
    await Promise.all([end(apiServer), end(linkServer)])
  }
  try {
    const [apiPort, linkPort] = await Promise.all([
      listen(apiServer, '127.0.0.1', port),
      listen(linkServer, LINK_HOST, 0),
    ])
    state.documents.linkOrigin = `http://${LINK_HOST}:${linkPort}`
    return { baseUrl: `http://127.0.0.1:${apiPort}${BASE_PATH}`, api: state, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Reads the body of a poll; the bodies of other requests are ignored. */
function takeBody(
  request: IncomingMessage,
  response: ServerResponse,
  wanted: boolean,
  done: (body: string) => void,
): void {
  if (!wanted) {
    request.resume()
    return done('')
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (!response.destroyed) done(Buffer.concat(chunks).toString())
  })
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return (server.address() as AddressInfo).port
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    // `close` alone would wait for a client that has sent only part of a request.
    server.closeAllConnections()
  })
}
