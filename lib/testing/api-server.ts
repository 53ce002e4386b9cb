/**
 * The simulated API on a real socket of this machine: its base path, its routes, and the writing of answers.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiState, type ApiAnswer, type ApiEndpoint, type ApiUser, type SimulatedApi } from './simulated-api'

const BASE_PATH = '/v2'

export interface ApiServer {
  baseUrl: string
  api: SimulatedApi
  close: () => Promise<void>
}

export async function startApiServer(user: ApiUser): Promise<ApiServer> {
  const api = new ApiState(user)
  const server = createServer((request, response) => {
    request.resume()
    const { method = '', url = '', headers } = request
    write(response, api.receive({ ...findTarget(method, url), method, url, headers }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE_PATH}`,
    api,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      // `close` alone would wait for a client that has sent half a request.
      server.closeAllConnections()
    }),
  }
}

/** An ID is one path segment: how Tradecloud takes a bare slash in one is not documented, so none is found here. */
function findTarget(method: string, url: string): { endpoint: ApiEndpoint; id?: string } {
  const path = url.split('?', 1)[0] ?? ''
  if (!path.startsWith(`${BASE_PATH}/`)) return { endpoint: 'unknown' }
  const [area, name = '', ...more] = path.slice(BASE_PATH.length + 1).split('/')
  if (name === '' || more.length > 0) return { endpoint: 'unknown' }
  if (area === 'authentication') {
    if (method === 'GET' && (name === 'login' || name === 'refresh')) return { endpoint: name }
    if (method === 'POST' && name === 'logout') return { endpoint: name }
  }
  if (method === 'GET' && (area === 'order' || area === 'shipment')) {
    try {
      return { endpoint: area, id: decodeURIComponent(name) }
    } catch {
      return { endpoint: area }
    }
  }
  return { endpoint: 'unknown' }
}

function write(response: ServerResponse, { status, headers, body = '' }: ApiAnswer): void {
  response.writeHead(status, {
    ...headers,
    ...(body === '' ? {} : { 'Content-Type': 'application/json' }),
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}
