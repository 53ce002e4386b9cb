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
  /** Creates an `httpsAgent` with these options. `lookup`: the result of its own look-up. */
  agent?: Omit<AgentOptions, 'lookup'> & { lookup?: string }
  /** A function that refuses these addresses. Default: none. */
  proxy?: string[]
  /** Ends the download after this number of milliseconds, by its signal or by closing the client. */
  end?: { by: 'signal' | 'close'; afterMs: number }
  /** Makes waits longer than any call, so that nothing is retried. */
  once?: boolean
  /** Environment variables for this question only. */
  environment?: Record<string, string>
  /** Tries the addresses of a host in parallel, as Node does by default. Default: true. */
  sideBySide?: boolean
}

export interface Told {
  downloads: Array<{
    filename?: string
    contentType?: string
    size?: number | undefined
    content?: string
    /** The error of the call or stream. `all`: everything that can be found on it. */
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
  /** Open connections of the servers at the end. */
  open: number
  asked: string[]
  proxied: string[]
  lines: string
  apiRequests: string[]
}

export const PUBLIC = ['93.184.216.34', '93.184.216.35', '2a00:1450::1']
/** Nothing listens there. */
export const DEAD = ['93.184.216.99', '2a00:1450::99']
/** Its certificate is not trusted. */
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
