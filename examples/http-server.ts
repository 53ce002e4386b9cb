/**
 * Node's HTTP server with other responses to requests that Node refuses before any code of the app runs: 400, 408, 417
 * and 431 would make Tradecloud give up on an event; after a 503 it sends the event again.
 */
import { createServer, type RequestListener, type Server } from 'node:http'

const LATER = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

export function createHttpServer(app: RequestListener): Server {
  // The default is 16 kB. Larger than the limit of a proxy, so that the proxy refuses first.
  const server = createServer({ maxHeaderSize: 128 * 1024 }, app)
  server.keepAliveTimeout = 75_000 // above the idle time of common proxies
  // A header that Node cannot parse, a URL with raw letters beyond ASCII, headers that are too large, a request that takes
  // longer than server.requestTimeout.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return
    console.error(`A request could not be read: ${error.code ?? error.message}`)
    socket.end(LATER)
  })
  // A header `Expect` other than 100-continue.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res))
  return server
}
