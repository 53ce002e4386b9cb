/**
 * Handles requests that match no pattern. If there is an app, it responds first. With `unmatched: 'keep'`, a 404 of the
 * app is replaced by 503 if the request has valid credentials, because Tradecloud would otherwise give up on the event.
 * Each such path is logged once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../answer/exchange'
import type { Log } from '../log/log'
import { quote } from '../bytes/quote'
import type { Authenticator } from './sender/authenticate'
import type { Recognition } from './sender/oauth/verifier'
import { isProbe, unmatchedProbe } from './probe'
import { mountPathFor, splitTarget, type Routes } from './route'
import { replace404 } from '../answer/replace-404'
import { isOwn404, replaceHead, type Answer } from '../answer/respond'

export interface UnmatchedOptions {
  unmatched: 'keep' | 'next'
  authenticator: Authenticator
  routes: Routes
  log: Log
  startExchange: (req: IncomingMessage, res: ServerResponse) => Exchange
  /** Answers a probe whose credentials are valid. Not called if there is an app, because the app responds first. */
  answerProbe: (exchange: Exchange) => void
}

/** The fields that Express adds to a request. */
interface AppRequest extends IncomingMessage {
  baseUrl?: string
  originalUrl?: string
  route?: { stack?: Array<{ handle?: unknown }> } | undefined
}

/**
 * What a log line says about a request. Determined before the app runs, because Express changes `req.baseUrl` for the
 * next handler.
 */
interface UnmatchedRequest {
  method: string
  /** The path, quoted for log lines. */
  path: string
  hint: string
}

const MAX_SHOWN = 200
const NO_MATCH = 'no path of the webhook matches this URL'
const METHODS = ['POST', 'PUT', 'GET']

export class Unmatched {
  readonly #options: UnmatchedOptions

  constructor(options: UnmatchedOptions) {
    this.#options = options
  }

  /** Always calls `next` exactly once. `handler` is the function that the app has mounted. */
  pass(req: IncomingMessage, res: ServerResponse, next: () => void, handler: unknown): void {
    let recognition: Recognition | Promise<Recognition> = 'no'
    try {
      recognition = this.#recognize(req)
    } catch {
      // the app handles a request that the webhook cannot read
    }
    if (typeof recognition === 'string') {
      this.#watch(recognition, req, res, handler)
      next()
      return
    }
    const watch = (recognized: Recognition): void => {
      this.#watch(recognized, req, res, handler)
      // `next` is called outside the promise, so that an exception of the app does not become a rejection.
      process.nextTick(next)
    }
    recognition.then(watch, () => watch('no'))
  }

  /** Called if there is no app that could respond: refuses the request, or answers it if it is a probe. */
  refuse(req: IncomingMessage, res: ServerResponse): void {
    const exchange = this.#options.startExchange(req, res)
    const finish = (recognized: Recognition): void => {
      if (recognized === 'no') {
        exchange.finish({ outcome: 'not_found', detail: 'No path of the webhook matches this URL.' })
        return
      }
      if (recognized === 'yes' && isProbe(req)) {
        this.#options.answerProbe(exchange)
        return
      }
      this.logNotRouted(exchange, NO_MATCH)
      exchange.finish({ outcome: 'not_routed' })
    }
    const recognition = this.#recognize(req)
    if (typeof recognition === 'string') finish(recognition)
    else recognition.then(finish, () => finish('unsure'))
  }

  /** Logs an error line, once per path. */
  logNotRouted({ req, requestId }: Exchange, why: string): void {
    this.#log('error', placeOf(req, this.#options.routes), why, requestId)
  }

  #recognize(req: IncomingMessage): Recognition | Promise<Recognition> {
    const { unmatched, authenticator } = this.#options
    return unmatched === 'keep' && METHODS.includes(req.method ?? '') ? authenticator.recognize(req) : 'no'
  }

  /** Replaces or logs a 404 of the app. Never throws, because the app must get the request in any case. */
  #watch(recognized: Recognition, req: IncomingMessage, res: ServerResponse, handler: unknown): void {
    if (recognized === 'no') return
    try {
      const { routes, startExchange } = this.#options
      const place = placeOf(req, routes, handler)
      if (recognized === 'yes') {
        replace404(res, () => this.#takeOver(startExchange(req, res), place))
        return
      }
      res.once('finish', () => {
        if (res.statusCode !== 404 || isOwn404(res)) return
        this.#log('warn', place, `${NO_MATCH}, and the response of the app was 404`)
      })
    } catch {
      // the app's response is sent unchanged
    }
  }

  #takeOver(exchange: Exchange, place: UnmatchedRequest): Answer | undefined {
    let taken: Answer | undefined
    const isOfDoctor = isProbe(exchange.req)
    if (!isOfDoctor) this.#log('error', place, `${NO_MATCH}, and the response of the app was 404`, exchange.requestId)
    exchange.finish(isOfDoctor ? unmatchedProbe(exchange) : { outcome: 'not_routed' }, (req, res, answer) => {
      try {
        replaceHead(req, res, answer)
        taken = answer
      } catch {
        // our response cannot be created, so the app's response is sent unchanged
      }
      return taken !== undefined
    })
    return taken
  }

  #log(level: 'warn' | 'error', { method, path, hint }: UnmatchedRequest, why: string, requestId?: string): void {
    const { log, routes } = this.#options
    const code = level === 'error' ? 'not_routed' : 'unmatched'
    const text = (): string => {
      const what =
        level === 'error'
          ? 'Answered 503 not_routed, Tradecloud will send it again'
          : 'Tradecloud would not send this again'
      const patterns = routes.patterns.map((pattern) => quote(pattern, MAX_SHOWN)).join(', ')
      return `${what}: ${why} (${method} ${path}). Paths below the mount path: ${patterns}. ${hint} Each path is logged once.`
    }
    log.once(level, code, path, text, { code, method, requestId })
  }
}

function placeOf(req: AppRequest, routes: Routes, handler?: unknown): UnmatchedRequest {
  const { method = '', url = '/', originalUrl = url } = req
  const [path] = splitTarget(originalUrl)
  return { method, path: quote(path, MAX_SHOWN), hint: hintFor(req, path, routes, handler) }
}

/** The advice for the log: where to mount the webhook, or that the URL must be corrected. */
function hintFor({ baseUrl, route }: AppRequest, path: string, routes: Routes, handler: unknown): string {
  const isRoute = handler !== undefined && (route?.stack?.some((layer) => layer.handle === handler) ?? false)
  const mountPath = mountPathFor(path, routes) ?? (isRoute ? path : undefined)
  if (mountPath === undefined || baseUrl === undefined || withoutSlashes(mountPath) === withoutSlashes(baseUrl))
    return "Correct the URL in Tradecloud's portal or the option `paths`."
  const why = isRoute ? 'A route (app.post, app.all) leaves the mount path in the URL. ' : ''
  return `${why}Mount the webhook with app.use(${quote(mountPath === '' ? '/' : mountPath, MAX_SHOWN)}, webhook).`
}

function withoutSlashes(path: string): string {
  return path.replace(/\/+$/, '')
}
