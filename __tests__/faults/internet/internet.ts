/**
 * The process of `documents-by-url.test.ts` and `documents-by-url-answers.test.ts`. It runs in a network namespace that
 * owns public IP addresses, and answers questions of its parent. Run with `node --import tsx`; the arguments are the
 * paths of two certificates and their keys, without extension.
 */
import createDebug from 'debug'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { setDefaultAutoSelectFamily } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { format, inspect } from 'node:util'
import { TradecloudApiError, TradecloudClient } from '../../../lib/api'
import { FakeApi, PASSWORD, USERNAME } from '../../unit/api/fake-api'
import { NameServer } from './name-server'
import { NOT_PUBLIC, PUBLIC, UNTRUSTED, type Question, type Told } from './question'
import { Proxy, Servers, type Certificate } from './servers'

const names = new NameServer()
const servers = new Servers()
const proxy = new Proxy()
const api = new FakeApi()
let lines: string[] = []

async function start([trusted, untrusted]: [Certificate, Certificate]): Promise<void> {
  createDebug.log = (...args: unknown[]) => void lines.push(format(...args))
  createDebug.enable('tradecloud-webhook:*')
  await names.start('127.0.0.1')
  await api.start()
  await proxy.listen('127.0.0.1', 3128)
  for (const address of [...PUBLIC, ...NOT_PUBLIC]) await servers.listen(address, 443, trusted)
  await servers.listen(PUBLIC[0]!, 8443, trusted)
  await servers.listen(UNTRUSTED, 443, untrusted)
}

async function answer(question: Question): Promise<Told> {
  const {
    urls,
    zone = {},
    options,
    agent,
    proxy: refuses,
    end,
    once = false,
    sideBySide = true,
    environment = {},
  } = question
  servers.reset()
  names.asked = []
  names.zone = zone
  proxy.asked = []
  proxy.refuses = refuses ?? []
  lines = []
  api.seen.length = 0
  setDefaultAutoSelectFamily(sideBySide)
  // Sets the random factor of the waits between attempts.
  Math.random = () => (once ? 1000 : 0.1)
  Object.assign(process.env, environment)
  const client = new TradecloudClient({
    baseUrl: api.baseUrl,
    username: USERNAME,
    password: PASSWORD,
    ...(agent === undefined ? {} : { httpsAgent: agentOf(agent) }),
    ...(refuses === undefined ? {} : { proxy: 'http://canary-user:canary-pass@127.0.0.1:3128' }),
    ...options,
  })
  // Logs in, so that there is a token that could leak.
  await client.getOrder('1')
  // Forgets the API requests, which went through the proxy as well.
  proxy.asked = []
  const downloads: Told['downloads'] = []
  for (const url of urls) downloads.push(await download(client, url, end))
  await client.close()
  for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name)
  for (let i = 0; i < 50 && servers.open > 0; i++) await pause(10)
  const { connections, requests, open } = servers
  const apiRequests = api.seen.map(({ method, url }) => `${method} ${url}`)
  return {
    downloads,
    connections,
    requests,
    open,
    asked: names.asked,
    proxied: proxy.asked,
    lines: lines.join('\n'),
    apiRequests,
  }
}

async function download(
  client: TradecloudClient,
  url: string,
  end: Question['end'],
): Promise<Told['downloads'][number]> {
  const controller = new AbortController()
  const ended = end && pause(end.afterMs).then(() => (end.by === 'close' ? client.close() : controller.abort()))
  let told = {}
  try {
    const { stream, ...rest } = await client.downloadDocument({ url }, { signal: controller.signal })
    told = rest
    return { ...rest, content: await text(stream) }
  } catch (error) {
    const { name, code, message, apiStatus, attempts } = error as TradecloudApiError
    const all = inspect(error, { depth: Infinity, showHidden: true })
    return { ...told, error: { name, code, message, apiStatus, attempts, all } }
  } finally {
    await ended
  }
}

function agentOf({ lookup, ...options }: NonNullable<Question['agent']>): Agent {
  if (lookup === undefined) return new Agent(options)
  return new Agent({ ...options, lookup: (_host, _options, done) => done(null, lookup, 4) })
}

if (require.main === module) {
  const [, , ...files] = process.argv
  const certificateOf = (path: string) => ({ key: readFileSync(`${path}.key`), cert: readFileSync(`${path}.crt`) })
  process.on('message', (question: Question) => {
    void answer(question).then(
      (told) => process.send?.(told),
      (error: unknown) => process.send?.({ failed: inspect(error) }),
    )
  })
  process.on('disconnect', () => process.exit())
  void start([certificateOf(files[0]!), certificateOf(files[1]!)]).then(() => process.send?.('ready'))
}
