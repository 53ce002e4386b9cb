/**
 * Random requests, with unusual methods, paths, headers, credentials and bodies. Callbacks throw anything, and the API
 * fails. Each request gets one of the responses listed in `answer-table.ts`, never 500. Tradecloud gives up on a valid
 * event only if a callback rejects the event. No credential appears anywhere.
 *
 * The environment variable PROPERTY_SEED repeats a run, and PROPERTY_REQUESTS sets the number of requests. `npm run
 * fuzz` sends broken HTTP, and many more requests.
 */
import createDebug from 'debug'
import express from 'express'
import fc from 'fast-check'
import { randomInt } from 'node:crypto'
import { inspect } from 'node:util'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import {
  createTradecloudWebhook,
  type DeliveryRecord,
  type TradecloudWebhook,
  type TradecloudWebhookOptions,
} from 'tradecloud-webhook'
import { createTradecloudSimulator } from 'tradecloud-webhook/testing'
import { bySize } from '../size'
import { fits, TABLE } from './answer-table'
import { closeAll, fixture, isExpress4, listen, orderId, shipmentId, until } from './harness'
import { encodeRequest, RawConnection, type RawAnswer } from './raw-http'
import { type Reaction, reaction, slow } from './random-reactions'
import { CANARIES, type Parsed, right, secrets, type Spec, spec, type Target, targets } from './random-requests'

const requests = Number(process.env.PROPERTY_REQUESTS ?? bySize({ quick: 1_000, ci: 5_000, full: 200_000 }))
const seed = Number(process.env.PROPERTY_SEED ?? randomInt(2 ** 31 - 1))
const RUN = 1_000
const AT_ONCE = 48

describe(`random requests on Express ${isExpress4 ? 4 : 5}`, () => {
  const state = { reactions: [] as Reaction[], called: 0 }
  const records: DeliveryRecord[] = []
  const told: unknown[] = []
  const debugLog = createDebug.log
  let send: (request: Spec) => Promise<RawAnswer | undefined>
  let tradecloud: Awaited<ReturnType<typeof createTradecloudSimulator>>
  let webhooks: TradecloudWebhook[] = []
  const closers: Array<() => Promise<void>> = []

  beforeAll(async () => {
    createDebug.log = (...line: unknown[]) => void told.push(line.map(String).join(' '))
    createDebug.enable('tradecloud-webhook:*')
    tradecloud = await createTradecloudSimulator({
      username: secrets.apiUsername,
      password: secrets.apiPassword,
      rateLimit: false,
    })
    const api = { baseUrl: tradecloud.baseUrl, username: secrets.apiUsername, password: secrets.apiPassword }
    const react = (): Promise<void> =>
      (state.reactions[state.called++ % state.reactions.length] ?? slow)() as Promise<void>
    const make = (
      options: Pick<TradecloudWebhookOptions, 'auth'> & Partial<TradecloudWebhookOptions>,
    ): TradecloudWebhook =>
      createTradecloudWebhook({
        onOrder: react,
        onShipment: react,
        onOrderDocuments: react,
        onDelivery: (record) => {
          records.push(record)
        },
        onError: (error, context) => {
          told.push(error, { ...context, rawBody: undefined })
        },
        logger: {
          warn: (line) => {
            told.push(line)
          },
          error: (line) => {
            told.push(line)
          },
        },
        bodyLimit: 30_000,
        limits: { maxBytesInFlight: 300_000, uploadIdleTimeoutMs: 100 },
        answerTimeoutMs: 400,
        fetchTimeoutMs: 300,
        notFoundGraceMs: 50,
        ...options,
      })
    const { username, password, token: bearer, secondToken } = secrets
    const both = [
      { type: 'basic', username, password },
      { type: 'bearer', token: bearer },
    ] as const
    const made: Record<Target, TradecloudWebhook> = {
      tolerant: make({ auth: both[0], api, fetch: 'always' }),
      strict: make({
        auth: [both[1], { type: 'bearer', token: secondToken }],
        validation: 'strict',
        refusals: 'retry',
        onUnknown: react,
      }),
      function: make({
        auth: async (req) => req.headers.authorization === right.function[0],
        validation: 'off',
        dedupe: false,
        api,
      }),
      listener: make({ auth: both, api, fetch: 'never', concurrency: 2, onShipment: undefined }),
    }
    webhooks = Object.values(made)
    const app = express()
    app.use((req, _res, next) => {
      const how = req.headers['x-parsed'] as Parsed | undefined
      if (how === undefined) return next()
      const chunks: Buffer[] = []
      req
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const bytes = Buffer.concat(chunks)
          if (how === 'buffer') req.body = bytes
          if (how === 'text') req.body = bytes.toString()
          if (how === 'empty') req.body = {}
          try {
            if (how === 'json') req.body = JSON.parse(bytes.toString())
          } catch {
            /* the text is not JSON */
          }
          next()
        })
    })
    for (const target of targets) if (target !== 'listener') app.use(`/${target}`, made[target])
    app.use((_req, res) => void res.status(404).json({ from: 'app' }))
    const [express_, bare] = await Promise.all([listen(app), listen(made.listener.listener)])
    // On a busy machine, a connection may be idle for longer than Node's default of 5 s.
    for (const { server } of [express_, bare]) server.keepAliveTimeout = 0
    closers.push(express_.close, bare.close)
    send = makeSender({ express: express_.port, listener: bare.port })
  })

  afterAll(async () => {
    createDebug.disable()
    createDebug.log = debugLog
    for (const webhook of webhooks) await webhook.close({ timeoutMs: 1_000 })
    for (const close of closers) await close()
    await tradecloud.close()
    await closeAll()
  })

  test(`${requests} of them`, async () => {
    console.info(`PROPERTY_SEED=${seed} PROPERTY_REQUESTS=${requests}`)
    const seen = new Map<string, number>()
    const problems: string[] = []
    let sent = 0
    const property = fc.asyncProperty(
      fc.array(spec, { minLength: RUN, maxLength: RUN }),
      fc.array(reaction, { minLength: 100, maxLength: 100 }),
      fc.array(
        fc.tuple(
          fc.constantFrom('order', 'shipment', 'login', 'refresh', undefined),
          fc.constantFrom(204, 301, 400, 401, 403, 404, 429, 500, 503),
        ),
        { maxLength: 3 },
      ),
      async (specs, reactions, failures) => {
        if (problems.length > 0) return
        state.reactions = [...reactions, slow]
        for (const known of [orderId, 'PO1', 'PO2'])
          tradecloud.api.setOrder(known, { ...fixture('order-fetched'), id: known })
        tradecloud.api.setShipment(shipmentId, fixture('shipment-fetched'))
        tradecloud.api.expireTokens()
        for (const [endpoint, status] of failures) tradecloud.api.failNext(1, status, endpoint)
        records.length = told.length = 0
        const queue = specs.entries()
        let ours = 0
        await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            for (const [i, request] of queue) {
              if (isOurs(request) || request.target === 'listener' || isRecognized(request)) ours++
              const answer = await send(request).catch((error: unknown) => error as Error)
              const problem = judge(request, answer)
              if (problem !== undefined) problems.push(`request ${i}: ${problem}\n${describeSpec(request)}`)
              if (answer && !('message' in answer)) {
                const what = `${answer.status} ${answer.json?.outcome ?? answer.json?.code ?? 'of the app, or HEAD'}`
                seen.set(what, (seen.get(what) ?? 0) + 1)
              }
            }
          }),
        )
        sent += specs.length
        // There is one record per request to the webhook, even if its sender has disconnected.
        await until(() => records.length >= ours, `${ours} requests, ${records.length} records`).catch(
          (error: unknown) => problems.push(String(error)),
        )
        for (const { outcome, status, givenUp } of records) {
          if (!fits(outcome, status, 'either') || givenUp !== (status >= 400 && status <= 500))
            problems.push(`a record of ${outcome} with ${status}, givenUp ${givenUp}`)
        }
        problems.push(...leaks(told, needles()), ...leaks(records, needles()))
      },
    )
    // If the property threw, fast-check would print the whole run. So the property only collects its problems, and the
    // error below lists the first ones. `endOnFailure` is set, because shrinking would take long.
    await fc.assert(property, { seed, numRuns: Math.ceil(requests / RUN), endOnFailure: true })
    if (problems.length > 0)
      throw new Error(
        `PROPERTY_SEED=${seed}: ${problems.length} problems, the first are:\n${problems.slice(0, 8).join('\n')}`,
      )
    const lines = [...seen].sort(([a], [b]) => a.localeCompare(b)).map(([what, count]) => `${what}: ${count}`)
    console.info(`${sent} requests, ${state.called} calls of callbacks\n${lines.join('\n')}`)
    expect(sent).toBeGreaterThanOrEqual(requests)
    // A long run must have had every outcome, except those that are rare.
    if (requests < 10_000) return
    const rare = ['fetch_timeout', 'in_progress', 'fetch_failed', 'answer_timeout']
    for (const outcome of Object.keys(TABLE).filter((name) => !rare.includes(name))) {
      expect({ outcome, met: [...seen.keys()].some((what) => what.endsWith(` ${outcome}`)) }).toEqual({
        outcome,
        met: true,
      })
    }
  }, 3_600_000)

  /**
   * What must not appear in any output: secrets of both sides, wrong credentials that were sent, and tokens of the API.
   */
  function needles(): string[] {
    const tokens = tradecloud.api.requests.flatMap(({ headers }) =>
      [headers.authorization, headers['refresh-token']].flatMap((value) =>
        typeof value === 'string' ? (value.split(' ').at(-1) ?? []) : [],
      ),
    )
    return [...new Set([...tokens, ...CANARIES])]
  }

  function leaks(things: unknown[], secret: string[]): string[] {
    return things.flatMap((thing) => {
      const text = typeof thing === 'string' ? thing : show(thing)
      const found = secret.find((needle) => text.includes(needle))
      return found === undefined ? [] : [`a credential (${found}) in ${text.slice(0, 1_000)}`]
    })
  }

  function judge(request: Spec, answer: RawAnswer | Error | undefined): string | undefined {
    const { target, isRight, method: verb, sending } = request
    if (answer && 'message' in answer) return `no answer: ${answer.message}`
    if (answer === undefined) return sending === 'hang up' ? undefined : 'no answer'
    const { status, json, headers, text } = answer
    const shown = `answered ${status} ${text.slice(0, 300)}`
    if (status === 500) return shown
    if (answer.interim.some((code) => code !== 100)) return `answered ${answer.interim.join(' ')} before`
    const problem = leaks([`${text} ${JSON.stringify(headers)}`], CANARIES)[0]
    if (problem !== undefined) return problem
    if (isRecognized(request))
      return status === 503 && json?.code === 'not_routed' ? undefined : `leads nowhere, but ${shown}`
    if (!isOurs(request))
      return status === 404 &&
        (verb === 'HEAD' || (target === 'listener' ? json?.code === 'not_found' : json?.from === 'app'))
        ? undefined
        : `not ours, but ${shown}`
    const retry = target === 'strict'
    if (verb === 'HEAD') return [isRight ? 405 : retry ? 503 : 401, 503, 504].includes(status) ? undefined : shown
    const outcome = String(json?.outcome ?? json?.code)
    if (!fits(outcome, status, retry)) return `not in the table: ${shown}`
    if ((status === 503) !== (headers['retry-after'] !== undefined)) return `Retry-After is wrong: ${shown}`
    if (headers['cache-control'] !== 'no-store') return `may be cached: ${shown}`
    if (outcome === 'method_not_allowed' && headers.allow === undefined) return `no Allow: ${shown}`
    if (outcome === 'unauthorized' && headers['www-authenticate'] === undefined) return `no WWW-Authenticate: ${shown}`
    if (isRight && outcome === 'unauthorized') return `right credentials, but ${shown}`
    if (!isRight && outcome !== 'unauthorized') return `wrong credentials, but ${shown}`
    if (mustNotBeLost(request) && status >= 400 && status <= 500 && outcome !== 'rejected')
      return `a valid event is lost: ${shown}`
    return undefined
  }
})

/** Inspects a value more deeply than by default. A random callback may throw an error that `inspect` fails on. */
function show(thing: unknown): string {
  const options = { depth: 6, maxStringLength: 3_000 }
  try {
    return inspect(thing, options)
  } catch {
    const { name, message, stack } = thing as Error
    return inspect([Object.entries(thing as Error), name, message, stack], options)
  }
}

function isOurs({ target, path: raw }: Spec): boolean {
  const [pathname = ''] = raw.split('?', 1)
  // Express 4 counts a slash after the mount path as part of the mount path.
  const below = isExpress4 && target !== 'listener' ? pathname.replace(/^\/\//, '/') : pathname
  return /^\/{0,2}$|^\/(?:order|shipment)(?:\/.*)?$/i.test(below)
}

/**
 * True if the path is unknown, but the method and the credentials show that Tradecloud has sent the request.
 * Credentials that a function checks do not show this, because the function is not called for an unknown path.
 */
function isRecognized(request: Spec): boolean {
  const { target, isRight, method: verb } = request
  return isRight && target !== 'function' && ['GET', 'POST', 'PUT'].includes(verb) && !isOurs(request)
}

/** True for a request with valid credentials, a valid event, and nothing unusual. */
function mustNotBeLost({
  isRight,
  method: verb,
  body: content,
  contentType: type = 'application/json',
  encoding: coding,
  parsed,
  path: raw,
  target,
}: Spec): boolean {
  const plainPath = ['/order', '/shipment', '/', ''].includes(raw)
  const goodType = [
    'application/json',
    'application/json; charset=utf-8',
    'application/vnd.x+json',
    'APPLICATION/JSON',
  ].includes(type)
  const goodCoding =
    coding === undefined ||
    coding === 'identity' ||
    (parsed === 'not' && ['gzip', 'deflate', 'br', 'x-gzip'].includes(coding))
  // The target `strict` may refuse a valid event, because the note and the version that `validEvent` adds deviate from
  // the schemas of shipments and documents.
  return (
    isRight &&
    content?.valid === true &&
    (verb === 'POST' || verb === 'PUT') &&
    plainPath &&
    goodType &&
    goodCoding &&
    target !== 'strict'
  )
}

function describeSpec({ body: content, ...rest }: Spec): string {
  if (!content) return JSON.stringify(rest)
  const start = Buffer.from(content.bytes.subarray(0, 300)).toString()
  return `${JSON.stringify(rest)}\n${content.bytes.length} bytes: ${start}`
}

const ENCODERS = new Map<string | undefined, (bytes: Uint8Array) => Uint8Array>([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP ', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])

/** Creates a function that sends requests on connections which stay open as long as the server allows. */
function makeSender(ports: { express: number; listener: number }): (request: Spec) => Promise<RawAnswer | undefined> {
  const idle: Record<keyof typeof ports, RawConnection[]> = { express: [], listener: [] }
  return async ({
    target,
    method: verb,
    path: raw,
    auth,
    contentType: type,
    encoding: coding,
    body: content,
    chunked,
    sending,
    parsed,
    headers,
  }) => {
    const where = target === 'listener' ? 'listener' : 'express'
    const wire = content && (ENCODERS.get(coding)?.(content.bytes) ?? content.bytes)
    const { head, whole } = encodeRequest({
      method: verb,
      path: (target === 'listener' ? raw : `/${target}${raw}`).replace(/^(?=\?|$)/, '/'),
      headers: {
        ...headers,
        Authorization: auth,
        'Content-Type': type,
        'Content-Encoding': coding,
        ...(parsed !== 'not' && content !== undefined && { 'X-Parsed': parsed }),
      },
      ...(wire === undefined
        ? {}
        : chunked
          ? {
              chunks: [wire.subarray(0, wire.length / 2), wire.subarray(wire.length / 2)].filter(
                (part) => part.length > 0,
              ),
            }
          : { body: wire }),
    })
    const kept = idle[where].pop()
    const connection = kept && !kept.closed ? kept : new RawConnection(ports[where])
    let keep = false
    try {
      if (sending === 'hang up') {
        connection.write(whole.subarray(0, Math.max(head.length, whole.length - 1)))
        await new Promise((resolve) => setTimeout(resolve, 3))
        return undefined
      }
      const answer = connection.answer({ noBody: verb === 'HEAD', timeoutMs: 60_000 })
      answer.catch(() => undefined)
      if (sending === 'stall') connection.write(whole.subarray(0, Math.max(head.length, whole.length - 1)))
      else if (sending === 'pieces') {
        const at = head.length + Math.floor((whole.length - head.length) / 2)
        connection.write(whole.subarray(0, at))
        await new Promise((resolve) => setTimeout(resolve, 2))
        connection.write(whole.subarray(at))
      } else connection.write(whole)
      const received = await answer
      keep = sending !== 'stall' && received.headers.connection !== 'close' && !connection.closed
      return received
    } finally {
      if (keep) idle[where].push(connection)
      else connection.destroy()
    }
  }
}
