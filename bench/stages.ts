/**
 * CPU of each stage of receiving, without sockets; how it grows with the number of lines of an order; and the cost of
 * an invalid body.
 */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { bodyOf, Payload, SIZES, type Size } from './http/payloads'
import { built } from './package'
import { digits, measureCpu, median, ratioOf, table } from './statistics'
import { stubbedWebhook, type Send } from './stub'
import { authorization, credential } from './webhook'

const { createAuthenticator } =
  built<typeof import('../lib/receive/sender/authenticate')>('receive/sender/authenticate')
const { parseJson } = built<typeof import('../lib/bytes/json')>('bytes/json')
const { createValidator } = built<typeof import('../lib/events/validate')>('events/validate')
const { orderEvent, maximumOrderEvent } = built<typeof import('../lib/testing')>('testing/index')

/** Number of calls in a round, chosen so that a round takes long enough to be measured. */
const CALLS: Record<Size, number> = { '3 KB': 6000, '94 KB': 100, '1.7 MB': 6, maximum: 1 }

function renewing(send: Send, payload: Payload): () => Promise<unknown> {
  let n = 0
  return () => send(payload.renew(++n))
}

async function stagesOf(size: Size, calls: number, rounds: number): Promise<string[][]> {
  const body = bodyOf(size)
  const text = body.toString('utf8')
  const value: unknown = JSON.parse(text)
  const authenticator = createAuthenticator(credential)
  const request = { headers: { authorization } } as Pick<IncomingMessage, 'headers'> as IncomingMessage
  const validator = createValidator('tolerant')
  const measured = await measureCpu(calls, rounds, {
    'JSON.parse of the text, for comparison': () => JSON.parse(text) as unknown,
    'bytes to text': () => body.toString('utf8'),
    credentials: () => authenticator.check(request),
    'bytes to a checked value': () => parseJson(body),
    'SHA-256 of the body': () => hash('sha256', body),
    'the schema': () => validator.deviations('orderWebhookBody', value),
    'all, from headers to answer': renewing(stubbedWebhook(), new Payload(body)),
  })
  const [parse, decode, ...stages] = measured
  const all = measured.at(-1)
  if (!parse || !decode || !all) return []
  const own = all.times.map((time, i) => time - (parse.times[i] ?? 0) - (decode.times[i] ?? 0))
  return [
    ...[parse, decode, ...stages].map(({ name, times }) => [
      name,
      digits(median(times)),
      digits(ratioOf(times, parse.times)),
    ]),
    ['own work: all without JSON.parse and text', digits(median(own)), digits(ratioOf(own, parse.times))],
  ]
}

async function lines(calls: number, rounds: number): Promise<string> {
  const counts = [0, 1, 10, 50, 200, 500]
  // Number of calls, chosen so that a round has about as much work for any number of lines.
  const timesOf = (count: number): number => Math.max(1, Math.round(500 / Math.max(1, count)))
  const measured = await measureCpu(
    calls,
    rounds,
    Object.fromEntries(
      counts.flatMap((count): Array<[string, () => Promise<void>]> => {
        const body = Buffer.from(JSON.stringify(orderEvent({ lines: count })))
        const text = body.toString('utf8')
        const run = renewing(stubbedWebhook(), new Payload(body))
        const repeated = (work: () => unknown) => async () => {
          for (let i = 0; i < timesOf(count); i++) await work()
        }
        return [
          [`webhook ${count}`, repeated(run)],
          [`parse ${count}`, repeated(() => JSON.parse(text) as unknown)],
        ]
      }),
    ),
  )
  const cpuOf = (what: string, count: number): number =>
    median(measured.find(({ name }) => name === `${what} ${count}`)?.times ?? []) / timesOf(count)
  const eachOf = (what: string, count: number): number => (cpuOf(what, count) - cpuOf(what, 0)) / count
  const rows = counts
    .slice(1)
    .map((count) => [
      String(count),
      digits(cpuOf('webhook', count)),
      digits(eachOf('webhook', count)),
      digits(eachOf('parse', count)),
    ])
  return table(['lines', 'CPU, µs', 'µs for each line, over none', 'of that, JSON.parse'], rows)
}

async function badBodies(rounds: number): Promise<string> {
  const good = maximumOrderEvent()
  const valid = Buffer.from(JSON.stringify(good))
  const bad = structuredClone(good) as unknown as { orderEvent: { lines: Array<Record<string, unknown>> } }
  for (const line of bad.orderEvent.lines) line.id = { not: 'a text' }
  const invalid = Buffer.from(JSON.stringify(bad))
  const send = stubbedWebhook('strict')
  const { status, body } = await send(invalid)
  if (status !== 400) throw new Error(`The bad body was answered ${status}`)
  const [ok, refused] = await measureCpu(1, rounds, {
    valid: renewing(send, new Payload(valid)),
    invalid: renewing(send, new Payload(invalid)),
  })
  if (!ok || !refused) return ''
  return table(
    ['the documented maximum, `validation: strict`', 'CPU, ms', 'ratio', 'answer, bytes'],
    [
      ['valid', digits(median(ok.times) / 1000), '1.00', ''],
      [
        'each line is wrong',
        digits(median(refused.times) / 1000),
        digits(ratioOf(refused.times, ok.times)),
        String(body.length),
      ],
    ],
  )
}

export async function run(quick: boolean): Promise<string> {
  const rounds = quick ? 3 : 11
  const parts: string[] = []
  for (const size of SIZES.slice(0, quick ? 2 : 3)) {
    parts.push(
      `### ${size}\n\n${table(['stage', 'CPU, µs', 'of JSON.parse'], await stagesOf(size, quick ? CALLS[size] / 2 : CALLS[size], rounds))}`,
    )
  }
  parts.push(`### By lines\n\n${await lines(quick ? 4 : 20, rounds)}`)
  if (!quick) parts.push(`### A bad body\n\n${await badBodies(7)}`)
  return parts.join('\n\n')
}
