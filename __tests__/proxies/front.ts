/** One app behind all proxies at the same time, and the same request through each proxy and protocol. */
import { startApp, type App } from './app-process'
import type { AppSettings } from './app'
import {
  combinations,
  proxyNames,
  startProxy,
  type Protocol,
  type Proxy,
  type ProxyName,
  type Replacement,
} from './proxies'

/** One route to the app: a proxy and a protocol. */
export interface Way {
  proxy: Proxy
  protocol: Protocol
  /** An identifier of the route without white space, for use in IDs. */
  tag: string
}

export interface Front {
  app: App
  /** Calls `ask` for each route in parallel, and resolves with the results by proxy and protocol. */
  each: <T>(ask: (way: Way) => Promise<T>) => Promise<Record<string, T>>
}

export interface FrontOptions {
  webhook?: AppSettings['webhook']
  /** Further replacements in the files of the proxies, such as shorter time limits. */
  replacements?: Partial<Record<ProxyName, Replacement[]>>
}

export async function startFront({ webhook, replacements = {} }: FrontOptions = {}): Promise<Front> {
  const app = await startApp(webhook)
  const proxies = await Promise.all(proxyNames.map((name) => startProxy(name, app.port, replacements[name])))
  const ways = combinations.map(([name, protocol]): Way => {
    const proxy = proxies.find((one) => one.name === name)!
    return { proxy, protocol, tag: `${name}-${protocol.replace(/\W/g, '')}` }
  })
  return {
    app,
    each: async (ask) =>
      Object.fromEntries(
        await Promise.all(ways.map(async (way) => [`${way.proxy.name} ${way.protocol}`, await ask(way)] as const)),
      ),
  }
}

/** The expected results if all proxies and protocols have the same result. */
export function everywhere<T>(value: T): Record<string, T> {
  return Object.fromEntries(combinations.map(([name, protocol]) => [`${name} ${protocol}`, value]))
}

/** True if Tradecloud sends the event again after this response. */
export function comesAgain(status: number | 'broken'): boolean {
  return typeof status === 'number' && status > 500
}
