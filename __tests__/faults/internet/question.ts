/** Questions to `internet.ts` with their answers, and the addresses of the simulated internet. */
import type { AgentOptions } from 'node:https'
import type { TradecloudClientOptions } from '../../../lib/api'
import type { Zone } from './name-server'
import type { Seen } from './servers'

export interface Question {
  /** URLs of the documents, downloaded one after another. */
  urls: string[]
  zone?: Zone
  options?: Partial<TradecloudClientOptions>
  /** Options of an `httpsAgent`. `lookup`: the address that the agent's `lookup` function returns for each name. */
  agent?: Omit<AgentOptions, 'lookup'> & { lookup?: string }
  /** Addresses to which the proxy refuses to connect. Default: there is no proxy. */
  proxy?: string[]
  /** Ends the download after `afterMs`, by its signal or by closing the client. */
  end?: { by: 'signal' | 'close'; afterMs: number }
  /** Makes all waits between attempts longer than `fetchTimeoutMs`, so that nothing is retried. */
  once?: boolean
  /** Environment variables for this question only. */
  environment?: Record<string, string>
  /**
   * Node's default for `autoSelectFamily`: if true, Node tries further addresses of a host if the first one does not
   * connect. Default: true.
   */
  sideBySide?: boolean
}

export interface Told {
  downloads: Array<{
    filename?: string
    contentType?: string
    size?: number | undefined
    content?: string
    /** The error of the call or stream. `all` is everything that can be read from the error. */
    error?: {
      name: string
      code: string
      message: string
      apiStatus?: number | undefined
      attempts: number
      all: string
    }
  }>
  connections: Seen[]
  requests: Seen[]
  /** How many connections to the servers are open at the end. */
  open: number
  asked: string[]
  proxied: string[]
  lines: string
  apiRequests: string[]
}

export const PUBLIC = ['93.184.216.34', '93.184.216.35', '2a00:1450::1']
/** Addresses on which no server listens. */
export const DEAD = ['93.184.216.99', '2a00:1450::99']
/** Address of a server whose certificate is not trusted. */
export const UNTRUSTED = '93.184.216.36'
export const NOT_PUBLIC = [
  '127.0.0.1',
  '::1',
  '10.1.2.3',
  '169.254.169.254',
  '100.64.1.2',
  'fd00::1',
  '2002:808:808::1',
]
