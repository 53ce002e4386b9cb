/** The servers and the proxy of the simulated internet, including servers from which no document may be fetched. */
import { randomBytes } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'

export interface Certificate {
  key: Buffer
  cert: Buffer
}

/** A connection or request, with the address on which it arrived. */
export interface Seen {
  address: string
  url?: string
  /** The server name in the TLS handshake. */
  servername?: string | false
  headers?: IncomingMessage['headers']
  /** Whether the client sent a certificate; all servers request one. */
  certified?: boolean
}

export const CONTENT = '%PDF-1.7 the content of a document'

export class Servers {
  connections: Seen[] = []
  requests: Seen[] = []
  readonly #open = new Set<Socket>()

  async listen(address: string, port: number, certificate: Certificate): Promise<void> {
    const server = createServer({ ...certificate, requestCert: true, rejectUnauthorized: false }, (req, res) => {
      const { servername, getPeerCertificate } = req.socket as unknown as Pick<TLSSocket, 'getPeerCertificate'> & Seen
      const certified = 'fingerprint256' in getPeerCertificate.call(req.socket)
      this.requests.push({ address, url: req.url ?? '', servername, headers: req.headers, certified })
      this.#serve(req, res)
    })
    server.on('connection', (socket: Socket) => {
      this.connections.push({ address })
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve))
  }

  get open(): number {
    return this.#open.size
  }

  reset(): void {
    this.connections = []
    this.requests = []
    for (const socket of this.#open) socket.destroy()
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const { pathname, searchParams } = new URL(req.url ?? '', 'https://server')
    const first = this.requests.filter(({ url }) => url === req.url).length === 1
    res.setHeader('Set-Cookie', 'canary-cookie=1')
    switch (pathname) {
      case '/redirect':
        return void res.writeHead(302, { Location: searchParams.get('to') ?? '' }).end()
      case '/status':
        return void res.writeHead(Number(searchParams.get('code'))).end('canary')
      case '/once':
        if (first) return void res.writeHead(Number(searchParams.get('code'))).end('canary')
        break
      case '/large':
        return void res.writeHead(200, { 'Content-Length': '1000000000' }).write('.')
      case '/endless':
        res.writeHead(200)
        return endless(res, randomBytes(1000))
      case '/bomb':
        return void res.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(Buffer.alloc(20_000_000)))
      case '/drip':
        res.writeHead(200)
        return endless(res, Buffer.from('.'))
      case '/hang':
        return
      case '/half':
        return void res.writeHead(200, { 'Content-Length': '1000' }).write('half', () => res.destroy())
    }
    res.writeHead(200, { 'Content-Type': 'application/pdf', 'Content-Length': CONTENT.length }).end(CONTENT)
  }
}

function endless(res: ServerResponse, bytes: Buffer): void {
  const timer = setInterval(() => res.write(bytes), 5)
  res.on('close', () => clearInterval(timer))
}

export class Proxy {
  /** Targets of the CONNECT requests, in order of arrival. */
  asked: string[] = []
  /** Addresses to which the proxy refuses to connect. */
  refuses: string[] = []

  async listen(address: string, port: number): Promise<void> {
    const server = createHttpServer((_req, res) => res.writeHead(500).end())
    server.on('connect', (req, socket: Socket) => {
      const { url = '' } = req
      this.asked.push(url)
      const to = new URL(`http://${url}`)
      const host = to.hostname.replace(/^\[|\]$/g, '')
      if (this.refuses.includes(host)) {
        return void socket.end('HTTP/1.1 403 canary\r\nContent-Length: 0\r\n\r\n')
      }
      const target = connect(Number(to.port || 80), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        target.pipe(socket).pipe(target)
      })
      for (const end of [socket, target]) end.on('error', () => [socket, target].forEach((other) => other.destroy()))
      socket.on('close', () => target.destroy())
    })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve))
  }
}
