/** The options of an inspector, and their checks. */
import type { IncomingMessage } from 'node:http'
import type { TradecloudWebhook } from '../compose/create-webhook'
import type { TradecloudWorker } from '../compose/create-worker'
import { inspectionOf, type Inspection } from '../compose/inspection'
import { checkHasEffect, givenOptions, show } from '../errors/checks'
import { invalidOption } from '../errors/errors'
import type { Credential } from '../receive/sender/authenticate'

/**
 * Accepts the request by returning `true` or `{ user }`. With `user`, changes are logged under that name. If the
 * function throws, the response is 503.
 */
export type InspectorAuthFunction = (
  req: IncomingMessage,
) => boolean | { user: string } | Promise<boolean | { user: string }>

export interface InspectorOptions {
  /** The webhook or worker to inspect. Required. */
  webhook: TradecloudWebhook | TradecloudWorker
  /**
   * The credentials that visitors need, or a function that decides for each request. The types of credentials are the
   * same as for a webhook. `'none'` is not allowed, not even on a local port: a proxy or tunnel on the machine may
   * forward requests from elsewhere to that port. Required.
   */
  auth: Credential | readonly Credential[] | InspectorAuthFunction
  /**
   * `'list'`: events and their history, without bodies. `'read'`: with bodies. `'operate'`: also replay, give up, purge
   * and catch up. Default: `'read'`.
   */
  access?: 'list' | 'read' | 'operate' | undefined
  /**
   * Host names of the inspector, such as `ops.example.com` or `localhost:3000`; a name without a port allows any port.
   * Requests with another `Host` are refused. Default: any host.
   */
  host?: string | readonly string[] | undefined
}

export interface ResolvedInspector {
  inspection: Inspection
  auth: InspectorOptions['auth']
  access: 'list' | 'read' | 'operate'
  /** Host names in lower case. Empty: any host. */
  hosts: readonly string[]
}

const ACCESS = ['list', 'read', 'operate'] as const
const EXAMPLE = 'createInspector({ webhook, auth })'

export function resolveInspector(options: InspectorOptions): ResolvedInspector {
  const given = givenOptions(options, ['webhook', 'auth', 'access', 'host'], EXAMPLE)
  const { webhook, auth, access = 'read', host } = given
  const inspection = inspectionOf(webhook)
  if (!inspection)
    throw invalidOption('webhook', 'must be what createTradecloudWebhook or createTradecloudWorker returned')
  if ((auth as unknown) === 'none')
    throw invalidOption('auth', "is 'none', which an inspector does not have: set credentials or a function")
  if (!ACCESS.includes(access)) throw invalidOption('access', `is ${show(access)}; allowed: ${ACCESS.join(', ')}`)
  const hosts = (typeof host === 'string' ? [host] : (host ?? [])).map(checkHost)
  checkHasEffect('host', host, 'a host name', hosts.length > 0)
  return { inspection, auth, access, hosts }
}

function checkHost(host: unknown): string {
  if (typeof host !== 'string' || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host))
    throw invalidOption('host', `is ${show(host)}; it must be a host name without a scheme or path`)
  return host.toLowerCase()
}
