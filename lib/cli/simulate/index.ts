/** `simulate`: runs a simulated Tradecloud, which sends the events of its orders to a webhook. */
import { writeFileSync } from 'node:fs'
import { buildRequest } from '../../testing/sender/trigger'
import { createTradecloudSimulator } from '../../testing/simulator'
import { startInterval } from '../../wait/timers'
import { confirmTarget } from '../ask'
import { JSON_OPTION, type Command, type OptionValue } from '../command'
import { credentialsOf } from '../credentials'
import { Failure, UsageError } from '../errors'
import { print, ProgressLine, say } from '../output'
import { count, printable, printableJson } from '../printable'
import { durationOf, textOf, wholeNumberOf } from '../values'
import type { SimulationModel } from './model'
import { pageOf, servePage } from './page'
import { Simulation } from './simulation'
import { summaryOf } from './summary'

const DEFAULT_WAIT_MS = 60_000

export const simulate: Command = {
  summary: 'Simulates Tradecloud on this machine: an API, and orders whose events are sent to a webhook.',
  details: `Each order is issued by its buyer and then accepted by its supplier. Both events are sent until the
webhook answers 2xx, 4xx or 500, as Tradecloud does. The API serves the orders: pass its address, user and
password, which are printed, to the option api of the webhook. A page shows the result of each event.
--lose drops some events, to try out how the webhook catches up.
Passwords and tokens come from WEBHOOK_PASSWORD and WEBHOOK_TOKEN, or from a prompt.

Exit code: 0 all were answered 2xx; 1 some were given up; 2 wrong usage; 3 some were still being repeated.
Ctrl-C ends it early, with the summary.`,
  options: {
    to: { type: 'string', value: 'url', help: 'The webhook. Required.' },
    basic: { type: 'string', value: 'user', help: 'Basic credentials, with the password in WEBHOOK_PASSWORD.' },
    bearer: { type: 'boolean', help: 'A bearer token, from WEBHOOK_TOKEN.' },
    orders: { type: 'string', value: 'number', help: 'Number of orders, at most 10000. Default: 20.' },
    rate: {
      type: 'string',
      value: 'number/unit',
      help: 'Orders per second (s), minute (m) or hour (h). Default: 1/s.',
    },
    lose: { type: 'string', value: 'percent', help: 'Events that never arrive, such as 5%. Default: 0%.' },
    wait: {
      ...{ type: 'string', value: 'duration' },
      help: 'How long to wait at the end for events that are still being repeated. Default: 60s.',
    },
    seed: {
      type: 'string',
      value: 'number',
      help: 'The same number creates the same orders. Default: new orders each time.',
    },
    'api-port': { type: 'string', value: 'number', help: 'Port of the API. Default: a free one.' },
    report: { type: 'string', value: 'file', help: 'Writes the page to this file at the end.' },
    yes: { type: 'boolean', help: 'Does not ask before it sends to another machine.' },
    ...JSON_OPTION,
  },
  run: async ({ values, words }) => {
    if (words.length > 0) throw new UsageError(`simulate takes no ${printable(words.join(' '))}.`)
    const to = textOf('to', values.to)
    if (to === undefined) throw new UsageError('The URL of the webhook is missing: set --to.')
    const { hostname } = checkUrl(to)
    const options = {
      orders: wholeNumberOf('orders', values.orders, 1, 10_000) ?? 20,
      perSecond: rateOf(values.rate),
      lose: shareOf(values.lose),
      waitMs: durationOf('wait', values.wait) ?? DEFAULT_WAIT_MS,
      seed: wholeNumberOf('seed', values.seed, 0, 2 ** 31) ?? Math.floor(Math.random() * 2 ** 31),
    }
    const port = wholeNumberOf('api-port', values['api-port'], 1, 65_535)
    const report = textOf('report', values.report)
    if (!(await confirmTarget(hostname, `the events of ${count(options.orders, 'made-up order')}`, values))) return 1
    const auth = await credentialsOf(values)
    const model = await run({ ...options, to, auth }, port, values.json === true)
    if (report !== undefined) write(report, pageOf(model))
    await print(values.json === true ? `${printableJson(model)}\n` : summaryOf(model))
    const { counts } = model
    if (counts['given up'] > 0) return 1
    return counts['still retrying'] + counts.unreachable > 0 ? 3 : 0
  },
}

async function run(
  options: ConstructorParameters<typeof Simulation>[1],
  port: number | undefined,
  isJson: boolean,
): Promise<SimulationModel> {
  const tradecloud = await createTradecloudSimulator({ port, seed: options.seed }).catch((error: unknown) => {
    throw new Failure(`The API cannot be started: ${(error as Error).message}`)
  })
  const simulation = new Simulation(tradecloud, options)
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  // After the first Ctrl-C, a second one ends the process at once.
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const progress = new ProgressLine()
  const timer = startInterval(() => progress.show(progressOf(simulation.model)), 500)
  const page = await servePage(() => simulation.model)
  try {
    if (!isJson) say(`API  ${tradecloud.baseUrl} user ${tradecloud.username} password ${tradecloud.password}`)
    if (!isJson) say(`Page ${page.url}`)
    await simulation.run(stopping.signal)
  } finally {
    clearInterval(timer)
    progress.end()
    process.off('SIGINT', stop).off('SIGTERM', stop)
    page.close()
    // Closed before the model is read. This ends events that are still being repeated: they count as `still retrying`
    // instead of `on its way`.
    await tradecloud.close()
  }
  return simulation.model
}

function progressOf({ orders, counts, repeated }: SimulationModel): string {
  const open = counts['on its way']
  return `${count(orders, 'order')}, ${count(counts.delivered, 'event')} delivered (${count(repeated)} repeated), ${count(open)} on their way, ${count(counts['given up'])} given up`
}

function checkUrl(url: string): { hostname: string } {
  if (!/^https?:\/\//i.test(url)) throw new UsageError('--to must be an http: or https: URL.')
  if (/^[a-z]+:\/\/[^/?#]*@/i.test(url))
    throw new UsageError(
      'The URL contains credentials, which every user of the machine can see: use --basic or --bearer.',
    )
  if (/\{\w+\}/.test(url)) throw new UsageError('simulate sends whole events: the URL must not have a variable.')
  try {
    return buildRequest({ url, event: '' })
  } catch (error) {
    throw new UsageError(`--to: ${printable((error as Error).message)}.`)
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }

/** Reads the number of orders per second. */
function rateOf(value: OptionValue): number {
  if (value === undefined) return 1
  const [, number, unit = 's'] = /^(\d{1,4}(?:\.\d{1,3})?)(?:\/([smh]))?$/.exec(String(value)) ?? []
  const rate = Number(number) / (UNITS[unit] ?? NaN)
  if (rate > 0 && rate <= 1_000) return rate
  throw new UsageError(`--rate is ${printable(String(value))}; it must be such as 1/s, 30/m or 100/h, at most 1000/s.`)
}

function shareOf(value: OptionValue): number {
  if (value === undefined) return 0
  const [, number] = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(String(value)) ?? []
  const share = Number(number) / 100
  if (share <= 1) return share
  throw new UsageError(`--lose is ${printable(String(value))}; it must be a percentage, such as 5%.`)
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new Failure(`The report cannot be written: ${(error as Error).message}`)
  }
}
