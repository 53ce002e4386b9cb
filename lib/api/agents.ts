/**
 * The agents of a client: its own with keep-alive, or tunnels through a proxy. Without a proxy, the https agent may be
 * an agent of the user.
 */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { tunnelAgents } from './tunnel'

export interface AgentOptions {
  httpsAgent?: HttpsAgent | undefined
  proxy?: string | undefined
  requestTimeoutMs: number
}

export interface Agents {
  httpAgent: HttpAgent
  httpsAgent: HttpsAgent
}

export function agentsOf({ httpsAgent, proxy, requestTimeoutMs }: AgentOptions): Agents {
  if (proxy !== undefined) return tunnelAgents(proxy, requestTimeoutMs)
  return {
    httpAgent: new HttpAgent({ keepAlive: true }),
    httpsAgent: httpsAgent ?? new HttpsAgent({ keepAlive: true }),
  }
}

/** Whether the agent's `options` determine its whole behaviour: only then can `documentAgent` replace the agent. */
export function isPlainAgent(agent: HttpsAgent): boolean {
  const changed = ['addRequest', 'createConnection', 'createSocket'].some((method) => Object.hasOwn(agent, method))
  return Object.getPrototypeOf(agent) === HttpsAgent.prototype && !changed
}
