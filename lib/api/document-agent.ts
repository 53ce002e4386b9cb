/**
 * The agent for hosts that another company chose. It alone opens connections to them, and only to addresses that it has
 * resolved and checked itself: a name that resolves to another address a moment later changes nothing.
 */
import { lookup, type LookupAddress } from 'node:dns'
import type { ClientRequest } from 'node:http'
import { Agent } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'
import { debugApi } from '../debug'
import { quote } from '../quote'
import type { AgentOptions } from './agents'
import { isPublicAddress } from './public-address'
import { openTunnel } from './tunnel'

/** `code` of the error of a request whose host has an address that is not public. */
export const ADDRESS_NOT_PUBLIC = 'ERR_ADDRESS_NOT_PUBLIC'

type Done = (error: Error | null, socket?: Duplex) => void

interface Target {
  host: string
  port: number
}

/**
 * What is taken over from an agent of the user: whom to trust, and which TLS. Not its client certificate, which is a
 * credential; nor how it checks certificates or makes connections.
 */
const TRUST = ['ca', 'ciphers', 'crl', 'ecdhCurve', 'maxVersion', 'minVersion', 'sigalgs']

/** Each request has a connection of its own. */
export function documentAgent({ httpsAgent, proxy, requestTimeoutMs }: AgentOptions): Agent {
  const trust = trustOf(httpsAgent)
  const proxyUrl = proxy === undefined ? undefined : new URL(proxy)
  const agent = new Agent({ keepAlive: false })
  const tunnels = new Set<ClientRequest>()
  let destroyed = false
  const destroy = agent.destroy.bind(agent)
  const secure = ({ host, port }: Target, way: ConnectionOptions): Duplex =>
    connect({
      ...trust,
      host,
      port,
      // An address is no name that a server may be asked for.
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      // Whatever the environment says.
      rejectUnauthorized: true,
      ...way,
    })

  function throughProxy(via: URL, target: Target, [host, ...others]: string[], endsAt: number, done: Done): void {
    const leftMs = endsAt - performance.now()
    const opening = openTunnel(via, { host, port: target.port }, leftMs, (error, socket) => {
      tunnels.delete(opening)
      if (destroyed) socket?.destroy()
      if (destroyed) return done(closed())
      if (socket) return done(null, secure(target, { socket }))
      if (others.length > 0 && performance.now() < endsAt) return throughProxy(via, target, others, endsAt, done)
      done(error ?? new Error('the proxy gave no connection'))
    })
    tunnels.add(opening)
  }

  return Object.assign(agent, {
    createConnection({ host, port }: Target, done: Done): void {
      const endsAt = performance.now() + requestTimeoutMs
      lookup(host, { all: true, verbatim: true }, (error, found) => {
        if (destroyed) return done(closed())
        if (error) return done(error)
        const other = found.find(({ address }) => !isPublicAddress(address))
        if (other !== undefined) return done(refusal(host, other.address))
        if (proxyUrl === undefined) return done(null, secure({ host, port }, { lookup: always(found) }))
        // One of them is asked for after the other, and a proxy without IPv6 is more likely than one without IPv4.
        const addresses = found.toSorted((a, b) => a.family - b.family).map(({ address }) => address)
        throughProxy(proxyUrl, { host, port }, addresses, endsAt, done)
      })
    },
    destroy(): void {
      destroyed = true
      for (const tunnel of tunnels) tunnel.destroy()
      destroy()
    },
  })
}

/** Whether nothing but `options` says how an agent connects: then `documentAgent` can stand in for it. */
export function isPlainAgent(agent: Agent): boolean {
  const changed = ['addRequest', 'createConnection', 'createSocket'].some((method) => Object.hasOwn(agent, method))
  return Object.getPrototypeOf(agent) === Agent.prototype && !changed
}

function trustOf(agent: Agent | undefined): ConnectionOptions {
  const given = Object.entries(agent?.options ?? {})
  return Object.fromEntries(given.filter(([key]) => TRUST.includes(key)))
}

/** For `connect`, which asks for one address or, to try them side by side, for all. */
function always(found: LookupAddress[]): LookupFunction {
  return (_host, { all }, done) => {
    const [first] = found
    if (all || first === undefined) done(null, found)
    else done(null, first.address, first.family)
  }
}

function refusal(host: string, address: string): Error {
  // The address stands here alone: an error may be shown to the other company, whom this network is no business of.
  debugApi('%s resolves to %s, which is not a public address', quote(host), address)
  const error: NodeJS.ErrnoException = new Error('the host has an address that is not public')
  error.code = ADDRESS_NOT_PUBLIC
  return error
}

function closed(): Error {
  return new Error('the client is closed')
}
