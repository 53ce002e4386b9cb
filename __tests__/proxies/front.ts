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

/** One way to the app. */
export interface Way {
  proxy: Proxy
  protocol: Protocol
  /** A word without white space, for IDs. */
  tag: string
}

export interface Front {
  app: App
  /** The results of `ask` by proxy and protocol, in parallel. */
  each: <T>(ask: (way: Way) => Promise<T>) => Promise<Record<string, T>>
}

export interface FrontOptions {
  webhook?: AppSettings['webhook']
  /** Further replacements, such as shorter time limits. */
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

/** Checks that all proxies and protocols have the same result. */
export function everywhere<T>(value: T): Record<string, T> {
  return Object.fromEntries(combinations.map(([name, protocol]) => [`${name} ${protocol}`, value]))
}

/** Tradecloud repeats such an event. */
export function comesAgain(status: number | 'broken'): boolean {
  return typeof status === 'number' && status > 500
}
