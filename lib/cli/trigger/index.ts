/** `trigger`: calls a webhook as Tradecloud does. */
import { SenderConnections, type AttemptAnswer } from '../../testing/sender/attempt'
import { judge, type Verdict } from '../../testing/sender/retry'
import { buildRequest, type TriggerAuth, type TriggerRequest } from '../../testing/sender/trigger'
import { confirmTarget } from '../ask'
import { JSON_OPTION, type Command, type OptionValues } from '../command'
import { UsageError } from '../errors'
import { print, say, styled } from '../output'
import { byteSize, count, printable, printableJson, printableLines, wrap } from '../printable'
import { oneOf, textOf, wholeNumberOf } from '../values'
import { credentialsOf, withoutSecrets } from '../credentials'
import { bodyOf, EVENT_NAMES, type Body } from './event'

/** The only time-out that Tradecloud has published. */
const TIMEOUT_MS = 60_000
const ID_OPTIONS = [
  ['order-id', '{orderId}'],
  ['shipment-id', '{shipmentId}'],
] as const
const EXIT_CODES: Readonly<Record<Verdict, number>> = { delivered: 0, 'given up': 1, retry: 3 }

export const trigger: Command = {
  takes: '<event name> | <file> | -',
  summary:
    'Sends an event to a webhook as Tradecloud does: one with made-up content, or the body in a file or on stdin.',
  details: `Each event has a new ID, and an order or shipment of its own unless --order-id or --shipment-id is given;
--seed repeats the same bytes. {orderId} and {shipmentId} in the URL are replaced.
Passwords and tokens come from WEBHOOK_PASSWORD and WEBHOOK_TOKEN, or from a prompt.

Exit code: 0 answered 2xx; 1 given up: Tradecloud would not send the event again; 2 wrong usage;
3 answered above 500, or not at all: Tradecloud would send it again.

Event names
${wrap(EVENT_NAMES.join(' '), 98)
  .map((line) => `  ${line}`)
  .join('\n')}`,
  options: {
    to: { type: 'string', value: 'url', help: 'URL of the webhook. Required, except with --print.' },
    basic: { type: 'string', value: 'user', help: 'Basic credentials, with the password in WEBHOOK_PASSWORD.' },
    bearer: { type: 'boolean', help: 'A bearer token, from WEBHOOK_TOKEN.' },
    'order-id': { type: 'string', value: 'id', help: 'ID of the order, for a made-up event.' },
    'shipment-id': { type: 'string', value: 'id', help: 'ID of the shipment, for a made-up event.' },
    lines: { type: 'string', value: 'number', help: 'Number of lines in the event, 0 to 500. Default: 2.' },
    set: {
      ...{ type: 'string', multiple: true, value: '/pointer=value' },
      help: 'Sets a value in the body, such as /orderEvent/lines/0/position=0010. JSON, or otherwise text. Can be repeated.',
    },
    form: {
      ...{ type: 'string', value: 'form' },
      help: 'Form of the lines of an order: deliverySchedule (default) or singleDelivery.',
    },
    format: { type: 'string', value: 'format', help: 'Format of the body: json (default) or txml.' },
    method: {
      type: 'string',
      value: 'method',
      help: 'POST (default), PUT, or GET, which sends only an ID in the URL.',
    },
    seed: {
      type: 'string',
      value: 'number',
      help: 'The same number creates the same event. Default: a new event each time.',
    },
    times: { type: 'string', value: 'number', help: 'Number of times the same bytes are sent, one after another.' },
    print: { type: 'boolean', help: 'Writes the body to stdout and sends nothing.' },
    yes: { type: 'boolean', help: 'Does not ask before it sends to another machine.' },
    ...JSON_OPTION,
  },
  run: async ({ values, words }) => {
    const [word, more] = words
    if (word === undefined || more !== undefined) throw new UsageError('trigger takes one event name, one file, or -.')
    const method = oneOf('method', ['POST', 'PUT', 'GET'], values.method) ?? 'POST'
    const times = wholeNumberOf('times', values.times, 1, 1e6) ?? 1
    const url = textOf('to', values.to)
    if (url === undefined && values.print !== true) throw new UsageError('The URL of the webhook is missing: set --to.')
    const body = await bodyOf(word, values)
    for (const [option, variable] of ID_OPTIONS)
      if (method === 'GET' && values[option] !== undefined && url?.includes(variable) !== true)
        throw new UsageError(`A GET sends only an ID: put ${variable} into the URL.`)
    if (values.print === true) {
      await print(body.bytes)
      if (process.stdout.isTTY) await print('\n')
      return 0
    }
    const target = url ?? ''
    // First checks the request without credentials, so that wrong arguments are reported before the password is asked
    // for.
    const { hostname } = requestOf(target, method, body, 'none')
    if (!(await confirmTarget(hostname, 'a made-up event', values))) return 1
    const request = requestOf(target, method, body, await credentialsOf(values))
    return send(request, times, values)
  },
}

function requestOf(url: string, method: 'POST' | 'PUT' | 'GET', body: Body, auth: TriggerAuth): TriggerRequest {
  if (!/^https?:\/\//i.test(url)) throw new UsageError('--to must be an http: or https: URL.')
  if (/^[a-z]+:\/\/[^/?#]*@/i.test(url))
    throw new UsageError(
      'The URL contains credentials, which every user of the machine can see: use --basic or --bearer.',
    )
  const needs = (name: 'orderId' | 'shipmentId'): string | undefined => {
    if (!url.includes(`{${name}}`)) return undefined
    return body[name] ?? fail(`The URL has {${name}}, but the event has none.`)
  }
  const ids = { orderId: needs('orderId'), shipmentId: needs('shipmentId') }
  const { bytes, format } = body
  const isGet = method === 'GET'
  const contentType = format === 'txml' ? 'application/xml' : 'application/json'
  try {
    return buildRequest({ url, method, auth, ...ids, ...(!isGet && { event: bytes, contentType }) })
  } catch (error) {
    return fail(`--to: ${printable((error as Error).message)}.`)
  }
}

function fail(message: string): never {
  throw new UsageError(message)
}

interface Result extends Pick<AttemptAnswer, 'status' | 'body'> {
  verdict: Verdict
  durationMs: number
  /** Why no response arrived. */
  error?: string | undefined
}

/** Sends the request `times` times, and resolves with the worst exit code. */
async function send(request: TriggerRequest, times: number, values: OptionValues): Promise<number> {
  const connections = new SenderConnections()
  const isJson = values.json === true
  let exitCode = 0
  try {
    if (!isJson)
      say(`${request.method} ${printable(request.url)}${request.body ? `, ${byteSize(request.body.length)}` : ''}`)
    for (let i = 0; i < times; i++) {
      const result = await sendOnce(connections, request)
      const code = EXIT_CODES[result.verdict]
      // An event that Tradecloud gives up on counts as worse than one that it retries.
      if (exitCode !== 1 && code !== 0) exitCode = code
      await print(isJson ? `${printableJson(result)}\n` : textOfResult(result))
    }
    return exitCode
  } finally {
    connections.close()
  }
}

async function sendOnce(connections: SenderConnections, request: TriggerRequest): Promise<Result> {
  const begun = performance.now()
  const { status, body: answered, error } = await connections.attempt(request, TIMEOUT_MS, new AbortController().signal)
  const durationMs = Math.round(performance.now() - begun)
  const body = withoutSecrets(answered, request.headers.Authorization)
  return { status, verdict: status === undefined ? 'retry' : judge(status), durationMs, body, error: error?.message }
}

function textOfResult({ status, verdict, durationMs, body, error }: Result): string {
  const what = status === undefined ? `no response: ${printable(error ?? '')}` : String(status)
  const line = `${what} in ${count(durationMs)} ms`
  const then = {
    delivered: [],
    'given up': ['Tradecloud would not send this event again.'],
    retry: ['Tradecloud would send this event again later.'],
  }[verdict]
  const styles = { delivered: 'green', 'given up': 'red', retry: 'yellow' } as const
  return `${[styled(styles[verdict], line), ...(body === '' ? [] : printableLines(body)), ...then].join('\n')}\n`
}
