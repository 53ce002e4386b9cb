/** Composes a webhook: receive, deliver, answer; with a thin skin of Express around a core that needs only Node. */
import { Router, type NextFunction, type Request, type Response } from 'express'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkHasEffect } from './errors/checks'
import { Claims } from './deliver/dedupe/claims'
import { Deliverer } from './deliver/deliverer'
import { createHandlers, warnOfHandlers, type Handlers } from './deliver/handlers'
import type { Origin } from './deliver/stored/intake'
import type { ResolveOptions } from './deliver/resolve-event'
import { LEASE_MS } from './deliver/watch'
import type { TradecloudWebhookError } from './errors/errors'
import type { EventKind } from './events/events'
import { Exchange, type Progress } from './answer/exchange'
import type { Inbox } from './inbox/inbox'
import { describe, locationOf } from './log/describe-error'
import { Log } from './log/log'
import type { CloseOptions, TradecloudWebhookOptions } from './options/options'
import type { AddressCheck } from './receive/sender/address-check'
import { createAuthenticator } from './receive/sender/authenticate'
import { ByteBudget } from './receive/body/byte-budget'
import { compileTrust, trustOfApp, type TrustFunction } from './receive/sender/client-address'
import type { Received } from './receive/event/read-trigger'
import { receive, type ReceiverOptions } from './receive/receiver'
import { compileRoutes, splitTarget, type RouteMatch } from './receive/route'
import { Reporter } from './answer/report'
import { ABORT_GRACE_MS, CLOSE_TIMEOUT_MS, resolveOptions } from './options/resolve'
import { answerFor, send, type Outcome, type Result } from './answer/respond'
import type { Trigger } from './events/trigger'
import { Unmatched } from './receive/unmatched'
import { createValidator } from './events/validate'
import { startTimer, type Timer } from './wait/timers'

/** An Express router to mount with `app.use`. */
export type TradecloudWebhook = Router & {
  /** The same without Express: `http.createServer(webhook.listener)`. Paths are matched from the root. */
  listener: (req: IncomingMessage, res: ServerResponse) => void
  /**
   * Resolves once events can be accepted, at once without an inbox. Rejects if the inbox can never be used: then the process
   * should not start.
   */
  ready(): Promise<void>
  /**
   * Stops taking new events (503), lets running callbacks finish for at most `timeoutMs`, then aborts them through
   * `context.signal`; closes the inbox, and logs out of the API. Never rejects. Call it before the process ends. The first
   * call counts.
   */
  close(options?: CloseOptions): Promise<void>
}

/** A store is away when it takes longer. */
const STORE_TIMEOUT_MS = 2_000
/** An event waits for others of its order or shipment no longer than this. */
const ENTITY_WAIT_MS = 10_000
/** What a person may still make use of. */
const UNREADABLE: readonly Outcome[] = ['malformed_body', 'invalid_body', 'unsupported_media_type']
const IGNORED: Result = { outcome: 'ignored' }
const NO_HANDLERS: Handlers = { find: () => undefined, wanted: [], unhandled: [], unknownNames: [] }
const FAILED = { outcome: 'unavailable', detail: 'The receiver failed.' } as const
const AT_INBOX: Progress = { stage: 'inbox' }

/**
 * Creates a webhook that receives Tradecloud's triggers. Throws a `TradecloudWebhookError` with code `invalid_option`
 * for a wrong option.
 *
 * ```ts
 * app.use('/tradecloud', createTradecloudWebhook({
 *   auth: { type: 'basic', username: 'tradecloud', password: process.env.WEBHOOK_PASSWORD },
 *   onOrder: async (event) => { await erp.upsert(event) },
 * }))
 * ```
 */
export function createTradecloudWebhook(options: TradecloudWebhookOptions): TradecloudWebhook {
  const settings = resolveOptions(options)
  const routes = compileRoutes(settings.paths)
  const handlers = settings.deliver ? createHandlers(settings) : undefined
  const authenticator = createAuthenticator(settings.auth)
  const validator = createValidator(settings.validation, settings.schemas)
  const log = new Log(settings.logger)
  const reporter = new Reporter({ ...settings, ...settings.delivery, log })
  const trust = compileTrust(settings.trustProxy)
  // `false`, the default, is no misunderstanding.
  checkHasEffect('trustProxy', settings.trustProxy || undefined, '`allow`', settings.allow !== undefined)
  const addressCheck =
    settings.allow === undefined
      ? undefined
      : new (loadAddressCheck())({
          allow: settings.allow,
          trust,
          authenticates: settings.auth !== 'none',
          warn: (text) => void log.line('warn', 'trust_proxy', text),
        })
  const strict = settings.validation === 'strict'
  const { client, fetchTimeoutMs, inbox, name } = settings
  const notKnown: ResolveOptions['notKnown'] = (trigger, result) => reporter.notKnown(trigger, result)
  const resolve = { client, mode: settings.fetch, fetchTimeoutMs, validator, strict, notKnown }
  const alarm = (error: TradecloudWebhookError, trigger?: Trigger): void =>
    reporter.alarm(error, trigger ? { kind: trigger.kind, requestId: trigger.requestId } : {})
  const deliverer = new Deliverer({
    ...settings,
    handlers: handlers ?? NO_HANDLERS,
    claims: settings.dedupe
      ? new Claims({ ...settings.dedupe, leaseMs: LEASE_MS, timeoutMs: STORE_TIMEOUT_MS })
      : undefined,
    resolve,
    entityWaitMs: ENTITY_WAIT_MS,
    api: client,
    alarm,
  })
  const storage = inbox && { inbox, ...loadStorage() }
  const inboxDeliverer =
    storage &&
    new storage.InboxDeliverer({
      ...settings,
      ...settings.delivery,
      inbox: storage.inbox,
      handlers,
      read: (delivery) => storage.readStored(delivery, { validator, strict }),
      resolve,
      api: client,
      alarm,
      settled: (record) => reporter.settled(record),
    })
  const opening = inbox?.ready({ transaction: settings.delivery.transaction })
  // A failure is reported by the inbox as an alarm, and by `ready()`.
  opening?.catch(() => undefined)
  const exchangeOptions = { answerTimeoutMs: settings.answerTimeoutMs, refusals: settings.refusals, reporter }
  const open = new Set<Exchange>()
  let closing: Promise<void> | undefined
  const receiverOptions: ReceiverOptions = {
    ...settings,
    authenticator,
    // With an inbox, another process may have the callback.
    wants: (kind, eventName) => storage !== undefined || hasHandler(kind, eventName),
    validator,
    strict,
    budget: new ByteBudget(settings.maxBytesInFlight),
    keepsUnreadable: storage !== undefined && settings.delivery.quarantine,
    isClosed: () => closing !== undefined,
    routes,
  }
  const unmatched = new Unmatched({
    ...settings,
    authenticator,
    routes,
    log,
    startExchange: (req, res) => {
      const exchange = startExchange(req, res)
      exchange.client = addressCheck?.look(req, () => trustOfApp(req))
      return exchange
    },
  })
  if (handlers) warnOfHandlers(handlers, log)
  if (settings.auth === 'none') log.line('warn', 'auth', "auth is 'none': events are accepted from anyone.")

  function startExchange(req: IncomingMessage, res: ServerResponse): Exchange {
    const exchange = new Exchange(req, res, exchangeOptions)
    open.add(exchange)
    exchange.whenDone(() => open.delete(exchange))
    return exchange
  }

  async function run(exchange: Exchange, match: RouteMatch, path: string, query: string): Promise<void> {
    try {
      const received = await receive(exchange, match, query, receiverOptions)
      // The answer may have been given meanwhile: then nobody knows of a retry better than Tradecloud.
      if (exchange.finished) return
      if (storage) exchange.finish(await store(storage, exchange, received, path))
      else if (!received.ok) {
        logNotRouted(exchange, received)
        exchange.finish(received)
      } else {
        const ticket = deliverer.submit(received.trigger)
        exchange.known.merged = ticket.merged
        exchange.abandon = ticket.leave
        exchange.progress = ticket.progress
        exchange.finish(await ticket.result)
      }
    } catch (cause) {
      exchange.finish({ ...FAILED, cause })
    }
  }

  function hasHandler(kind: EventKind, eventName: string | undefined): boolean {
    return handlers?.find(kind, eventName) !== undefined
  }

  function logNotRouted(exchange: Exchange, { outcome, detail = '' }: Result): void {
    if (outcome === 'not_routed') unmatched.logNotRouted(exchange, detail)
  }

  async function store(
    { inbox, storeTrigger, storeUnreadable }: Storage,
    exchange: Exchange,
    received: Received,
    path: string,
  ): Promise<Result> {
    exchange.progress = AT_INBOX
    const isIgnored = await nothingHandles(inbox, exchange, received)
    if (isIgnored || !received.ok) {
      const refusal = isIgnored || received.ok ? IGNORED : received
      logNotRouted(exchange, refusal)
      if (!isForQuarantine(exchange, refusal)) return refusal
      return storeUnreadable(inbox, name, refusal, originOf(exchange, path))
    }
    const stored = await storeTrigger(inbox, name, received.trigger, originOf(exchange, path))
    exchange.known.merged = stored.merged ?? false
    return stored
  }

  /** No process that shares the inbox has a callback for the event. */
  async function nothingHandles(inbox: Inbox, { known }: Exchange, received: Received): Promise<boolean> {
    const { kind, eventName } = known
    const isRead = received.ok || received.outcome === 'invalid_body'
    if (!settings.deliver || !isRead || kind === undefined || hasHandler(kind, eventName)) return false
    return !(await inbox.isWanted(name, kind, eventName))
  }

  function isForQuarantine({ body, known }: Exchange, { outcome }: Result): boolean {
    if (!settings.delivery.quarantine || body === undefined) return false
    return UNREADABLE.includes(outcome) || (outcome === 'ignored' && known.kind === 'unknown')
  }

  /** False for a path that is not ours. Never throws: Express would respond with 500. */
  function handle(req: IncomingMessage, res: ServerResponse, appTrust?: () => TrustFunction | undefined): boolean {
    let exchange: Exchange | undefined
    try {
      const [path, query] = splitTarget(req.url ?? '/')
      const match = routes.find(path)
      if (match === undefined) return false
      exchange = startExchange(req, res)
      exchange.client = addressCheck?.look(req, appTrust)
      void run(exchange, match, path, query)
    } catch (cause) {
      if (exchange) exchange.finish({ ...FAILED, cause })
      else fail(req, res, cause)
    }
    return true
  }

  /** For a request that failed before it had an exchange. */
  function fail(req: IncomingMessage, res: ServerResponse, cause: unknown): void {
    send(req, res, answerFor(FAILED, randomUUID(), settings.refusals))
    const text = `A request could not be received: ${describe(cause)}${locationOf(cause)}`
    log.line('error', 'unavailable', text, { cause })
  }

  /** For a path that is not ours, without an app to respond. */
  function refuse(req: IncomingMessage, res: ServerResponse): void {
    try {
      unmatched.refuse(req, res)
    } catch (cause) {
      fail(req, res, cause)
    }
  }

  async function close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    inboxDeliverer?.stop()
    authenticator.close()
    await settledWithin(timeoutMs)
    deliverer.abort()
    inboxDeliverer?.abort()
    await settledWithin(ABORT_GRACE_MS)
    for (const exchange of open) exchange.finish({ outcome: 'unavailable', detail: 'The receiver is shutting down.' })
    await inbox?.close().catch(() => undefined)
    if (settings.ownsClient) await client?.close()
    log.close()
  }

  async function settledWithin(ms: number): Promise<void> {
    let timer: Timer | undefined
    const patience = new Promise<void>((resolve) => (timer = startTimer(resolve, ms, true)))
    const answered = [...open].map((exchange) => new Promise<void>((resolve) => exchange.whenDone(resolve)))
    const settled = Promise.all(answered).then(() => Promise.all([deliverer.idle(), inboxDeliverer?.idle()]))
    await Promise.race([patience, settled])
    clearTimeout(timer)
  }

  // A router that comes to our requests first, rather than one with us in it: to look through its list of handlers costs as
  // much as to check the credentials. What users add to it comes after.
  const router = Router()
  function tradecloudWebhook(req: Request, res: Response, next: NextFunction): void {
    if (!handle(req, res, () => trustOfApp(req)))
      unmatched.pass(req, res, () => router(req, res, next), tradecloudWebhook)
  }
  return Object.assign(Object.setPrototypeOf(tradecloudWebhook, router) as Router, {
    listener: (req: IncomingMessage, res: ServerResponse): void => {
      if (!handle(req, res)) refuse(req, res)
    },
    ready: async (): Promise<void> => opening,
    close: (options?: CloseOptions): Promise<void> => (closing ??= close(options)),
  })
}

/* What only few use is loaded for those. */

function loadAddressCheck(): typeof AddressCheck {
  return (require('./receive/sender/address-check') as typeof import('./receive/sender/address-check')).AddressCheck
}

type Storage = ReturnType<typeof loadStorage> & { inbox: Inbox }

function loadStorage() {
  return {
    ...(require('./deliver/stored/inbox-deliverer') as typeof import('./deliver/stored/inbox-deliverer')),
    ...(require('./deliver/stored/intake') as typeof import('./deliver/stored/intake')),
  }
}

function originOf({ method: sent, headers, requestId, receivedAt, body, known }: Exchange, path: string): Origin {
  const method = sent === 'GET' || sent === 'PUT' ? sent : 'POST'
  return { method, path, contentType: headers['content-type'], requestId, receivedAt, body, known }
}
