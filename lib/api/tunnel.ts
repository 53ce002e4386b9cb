/**
 * Agents that connect through an http proxy: `CONNECT`, then TLS end to end for https, so that the proxy sees only the
 * host and port. The proxy's credentials are sent only in the `CONNECT`.
 */
import {
  Agent as HttpAgent,
  request,
  type ClientRequest,
  type ClientRequestArgs,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'
import { startTimer } from '../wait/timers'

type Done = (error: Error | null, socket?: Duplex) => void
type Target = ClientRequestArgs & ConnectionOptions

/**
 * `proxy` is an http URL, which may contain a user and a password. `timeoutMs` limits the wait for the response of the
 * proxy to the `CONNECT`.
 */
export function tunnelAgents(proxy: string, timeoutMs: number): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const url = new URL(proxy)
  const secure = (target: Target, socket: Duplex): Duplex => {
    // The `path` of the request is removed, because `connect` would treat it as the path of a Unix socket.
    return connect({
      ...target,
      socket,
      servername: target.servername ?? target.host,
      path: undefined,
    } as ConnectionOptions)
  }
  return {
    httpAgent: tunnel(new HttpAgent({ keepAlive: true }), url, timeoutMs, (_target, socket) => socket),
    httpsAgent: tunnel(new HttpsAgent({ keepAlive: true }), url, timeoutMs, secure),
  }
}

/** Overrides two methods: `destroy`, and `createConnection`, the documented way for an agent to get a socket. */
function tunnel<T extends HttpAgent>(
  agent: T,
  proxy: URL,
  timeoutMs: number,
  wrap: (target: Target, socket: Duplex) => Duplex,
): T {
  const connecting = new Set<ClientRequest>()
  let destroyed = false
  const destroy = agent.destroy.bind(agent)
  Object.assign(agent, {
    createConnection(target: Target, done: Done): void {
      const opening = openTunnel(proxy, target, timeoutMs, (error, socket) => {
        connecting.delete(opening)
        if (error || !socket) return done(error ?? new Error('the proxy made no connection'))
        if (!destroyed) return done(null, wrap(target, socket))
        socket.destroy()
        done(new Error('the client is closed'))
      })
      connecting.add(opening)
    },
    destroy(): void {
      destroyed = true
      for (const opening of connecting) opening.destroy()
      destroy()
    },
  })
  return agent
}

/** Asks `proxy` for a connection to the host and port of `target`, and waits for at most `timeoutMs`. */
export function openTunnel(proxy: URL, target: Target, timeoutMs: number, done: Done): ClientRequest {
  const name = target.host ?? 'localhost'
  const path = `${name.includes(':') ? `[${name}]` : name}:${target.port ?? 443}`
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const authorization = `Basic ${Buffer.from(user, 'utf8').toString('base64')}`
  const headers = { Host: path, ...(user === ':' ? {} : { 'Proxy-Authorization': authorization }) }
  // An IPv6 address has brackets in a URL, but must not have any in the options of a request.
  const host = proxy.hostname.replace(/^\[|\]$/g, '')
  const port = proxy.port === '' ? 80 : Number(proxy.port)
  const opening = request({ host, port, method: 'CONNECT', path, headers, agent: false })
  let told = false
  const tell: Done = (error, socket) => {
    clearTimeout(timer)
    if (!told) done(error, socket)
    told = true
  }
  const fail = (text: string) => {
    opening.destroy()
    tell(new Error(text))
  }
  const timer = startTimer(() => fail('the proxy did not answer in time'), timeoutMs)
  const refused = ({ statusCode = 0 }: IncomingMessage) => fail(`the proxy answered ${statusCode} to CONNECT`)
  opening.once('connect', (answer, socket) => {
    if (answer.statusCode === 200) return tell(null, socket)
    socket.destroy()
    refused(answer)
  })
  opening.once('response', refused)
  opening.on('error', ({ code = 'no code' }: NodeJS.ErrnoException) => fail(`the proxy could not be reached (${code})`))
  opening.end()
  return opening
}
