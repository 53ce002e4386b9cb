/**
 * The agent for hosts that another company chose. The agent itself resolves each host and checks the addresses. It
 * connects only to a checked address, directly or through the proxy. So DNS rebinding has no effect.
 */
import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import type { ClientRequest } from 'node:http'
import { Agent } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'
import { debugApi } from '../log/debug'
import { quote } from '../bytes/quote'
import type { AgentOptions } from './agents'
import { isPublicAddress } from '../net/public-address'
import { openTunnel } from './tunnel'

export const ADDRESS_NOT_PUBLIC = 'ERR_ADDRESS_NOT_PUBLIC'

type Done = (error: Error | null, socket?: Duplex) => void

interface Target {
  host: string
  port: number
}

/**
 * The options that are copied from the user's agent: certificate authorities, revocation lists, TLS versions and
 * algorithms. Not copied: its client certificate, which is a credential, and functions that check certificates or
 * connect.
 */
const TRUST = ['ca', 'ciphers', 'crl', 'ecdhCurve', 'maxVersion', 'minVersion', 'sigalgs']

/** No keep-alive: each request has a connection of its own. */
export function documentAgent({ httpsAgent, proxy, requestTimeoutMs }: AgentOptions): Agent {
  const trust = trustOf(httpsAgent)
  const proxyUrl = proxy === undefined ? undefined : new URL(proxy)
  const agent = new Agent({ keepAlive: false })
  const tunnels = new Set<ClientRequest>()
  const lookUps = new Map<string, Promise<LookupAddress[]>>()
  let destroyed = false
  const destroy = agent.destroy.bind(agent)
  function secure({ host, port }: Target, way: ConnectionOptions): Duplex {
    const socket = connect({
      ...trust,
      host,
      port,
      // SNI carries host names only, never IP addresses.
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      // Set explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED has no effect.
      rejectUnauthorized: true,
      ...way,
    })
    // Prevents an uncaught exception: the request removes its listener when it ends, and the socket may fail later.
    return socket.on('error', () => undefined)
  }

  /**
   * One look-up per host at a time: a look-up that hangs occupies a thread of Node's small thread pool and cannot be
   * aborted, so several could block the look-ups of Tradecloud's API.
   */
  function lookUp(host: string): Promise<LookupAddress[]> {
    const running = lookUps.get(host) ?? lookup(host, { all: true, verbatim: true }).finally(() => lookUps.delete(host))
    lookUps.set(host, running)
    return running
  }

  /** Resolves with the addresses of `host`. Rejects if any of them is not public. */
  async function resolve(host: string): Promise<LookupAddress[]> {
    const found = await lookUp(host)
    const other = found.find(({ address }) => !isPublicAddress(address))
    if (other !== undefined) throw refusal(host, other.address)
    return found
  }

  function tunnel(via: URL, host: string, port: number, endsAt: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const opening = openTunnel(via, { host, port }, endsAt - performance.now(), (error, socket) => {
        tunnels.delete(opening)
        if (destroyed) socket?.destroy()
        if (destroyed || socket === undefined) reject(error ?? closed())
        else resolve(socket)
      })
      tunnels.add(opening)
    })
  }

  async function throughProxy(via: URL, addresses: string[], port: number, endsAt: number): Promise<Duplex> {
    const [first = '', ...others] = addresses
    try {
      return await tunnel(via, first, port, endsAt)
    } catch (error) {
      if (destroyed || others.length === 0 || performance.now() > endsAt) throw error
      return throughProxy(via, others, port, endsAt)
    }
  }

  async function open(target: Target): Promise<Duplex> {
    const endsAt = performance.now() + requestTimeoutMs
    const found = await resolve(target.host)
    if (destroyed) throw closed()
    if (performance.now() > endsAt) throw new Error('no one is waiting for the connection any more')
    if (proxyUrl === undefined) return secure(target, { lookup: always(found) })
    // IPv4 first: addresses are tried in turn, and a proxy is more likely to lack IPv6 than IPv4.
    const addresses = found.toSorted((a, b) => a.family - b.family).map(({ address }) => address)
    return secure(target, { socket: await throughProxy(proxyUrl, addresses, target.port, endsAt) })
  }

  return Object.assign(agent, {
    createConnection(target: Target, done: Done): void {
      open(target).then((socket) => done(null, socket), done)
    },
    destroy(): void {
      destroyed = true
      for (const tunnel of tunnels) tunnel.destroy()
      destroy()
    },
  })
}

function trustOf(agent: Agent | undefined): ConnectionOptions {
  const given = Object.entries(agent?.options ?? {})
  return Object.fromEntries(given.filter(([key]) => TRUST.includes(key)))
}

/**
 * A `lookup` function that finds `found` for every host. With `all`, `connect` gets all addresses and tries them in
 * turn; otherwise it gets only the first one.
 */
function always(found: LookupAddress[]): LookupFunction {
  return (_host, { all }, done) => {
    const [first] = found
    // The callback is called asynchronously, because the connection could otherwise fail before its request has a
    // listener.
    if (all || first === undefined) process.nextTick(done, null, found)
    else process.nextTick(done, null, first.address, first.family)
  }
}

function refusal(host: string, address: string): Error {
  // The address appears only in the debug log: an error may be shown to the other company, which must learn nothing
  // about this network.
  debugApi('%s resolves to %s, which is not a public address', quote(host), address)
  const error: NodeJS.ErrnoException = new Error('the host has an address that is not public')
  error.code = ADDRESS_NOT_PUBLIC
  return error
}

function closed(): Error {
  return new Error('the client is closed')
}
