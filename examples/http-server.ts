/**
 * Node's HTTP server, with other responses to requests that Node itself refuses. Node would refuse them with 400, 408,
 * 417 or 431 before the app runs, and Tradecloud would then give up on the event. After a 503, Tradecloud sends the
 * event again.
 */
import { createServer, type RequestListener, type Server } from 'node:http'

const LATER = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

export function createHttpServer(app: RequestListener): Server {
  // Node's default is 16 kB. This limit is larger than that of a proxy, so that the proxy refuses first.
  const server = createServer({ maxHeaderSize: 128 * 1024 }, app)
  server.keepAliveTimeout = 75_000 // above the idle time of common proxies
  // Called for a header that Node cannot parse, a URL with unescaped characters outside ASCII, headers that are too
  // large, and a request that takes longer than server.requestTimeout.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return
    console.error(`A request could not be read: ${error.code ?? error.message}`)
    socket.end(LATER)
  })
  // Called for an `Expect` header other than 100-continue.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res))
  return server
}
