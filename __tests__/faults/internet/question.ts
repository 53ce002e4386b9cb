/** What a test may ask of `internet.ts` and is told, and the addresses that there are. */
import type { AgentOptions } from 'node:https'
import type { TradecloudClientOptions } from '../../../lib/api'
import type { Zone } from './name-server'
import type { Seen } from './servers'

export interface Question {
  /** Of the documents, one download after the other. */
  urls: string[]
  zone?: Zone
  options?: Partial<TradecloudClientOptions>
  /** Makes an `httpsAgent` with these options. `lookup`: what its own look-up would give. */
  agent?: Omit<AgentOptions, 'lookup'> & { lookup?: string }
  /** One that refuses these addresses. Default: none. */
  proxy?: string[]
  /** Ends the download after this number of milliseconds, by its signal or by closing the client. */
  end?: { by: 'signal' | 'close'; afterMs: number }
  /** Makes waits longer than any call, so that nothing is tried again. */
  once?: boolean
  /** Variables of the environment, for this question alone. */
  environment?: Record<string, string>
  /** Tries the addresses of a host side by side, as Node does by default. Default: true. */
  sideBySide?: boolean
}

export interface Told {
  downloads: Array<{
    filename?: string
    contentType?: string
    size?: number | undefined
    content?: string
    /** Of the call or of the stream. `all`: whatever can be found on it. */
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
  /** Of the servers, when all was done. */
  open: number
  asked: string[]
  proxied: string[]
  lines: string
  apiRequests: string[]
}

export const PUBLIC = ['93.184.216.34', '93.184.216.35', '2a00:1450::1']
/** No one listens there. */
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
