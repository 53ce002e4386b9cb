/** The inspector as a request handler: checks credentials and host, then serves the pages. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isTradecloudWebhookError } from '../errors/errors'
import { describe, locationOf } from '../log/describe-error'
import { splitTarget } from '../receive/route'
import { script, style } from './assets'
import { Changes } from './changes'
import { Live } from './live'
import { resolveInspector, type InspectorOptions, type ResolvedInspector } from './options'
import { messagePage } from './pages/layout'
import { Views } from './pages/views'
import { page, redirect, send, type Reply } from './respond'
import { inboxSource } from './source/inbox-source'
import { recordSource } from './source/record-source'
import type { Source } from './source/source'
import { createDoorkeeper, isAllowedHost, type Doorkeeper, type Visitor } from './visitor'

/** Handles every request that it receives: mount it with `app.use`, or call it from a plain Node server. */
export type TradecloudInspector = (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void) => void

interface Asked {
  req: IncomingMessage
  res: ServerResponse
  visitor: Visitor
  /** The path below the mount path, in segments. */
  segments: string[]
  query: URLSearchParams
  /** Relative path to the first page. */
  root: string
}

/**
 * Creates an inspector: pages that show which events arrived, what became of them, and why. Throws a
 * `TradecloudWebhookError` with code `invalid_option` for an invalid option.
 *
 * ```ts
 * const auth = { type: 'basic', username: 'operator', password: process.env.INSPECTOR_PASSWORD } as const
 * app.use('/inspector', createInspector({ webhook, auth, access: 'operate' }))
 * ```
 */
export function createInspector(options: InspectorOptions): TradecloudInspector {
  const settings = resolveInspector(options)
  const doorkeeper = createDoorkeeper(settings.auth)
  const inspector = new Inspector(settings, doorkeeper)
  return function tradecloudInspector(req, res) {
    void inspector.handle(req, res)
  }
}

class Inspector {
  readonly #settings: ResolvedInspector
  readonly #doorkeeper: Doorkeeper
  readonly #views: Views
  readonly #changes: Changes
  readonly #live: Live

  constructor(settings: ResolvedInspector, doorkeeper: Doorkeeper) {
    const { inspection } = settings
    const { inbox, reporter, closing } = inspection
    const source: Source = inbox
      ? inboxSource(inbox, (watcher) => reporter.watch(watcher))
      : recordSource((watcher) => reporter.watch(watcher))
    this.#settings = settings
    this.#doorkeeper = doorkeeper
    this.#live = new Live(source)
    this.#changes = new Changes(settings, source, () => this.#live.changed())
    this.#views = new Views(settings.access, source, this.#changes)
    closing.addEventListener('abort', () => {
      this.#live.close()
      doorkeeper.close()
    })
  }

  /** Never rejects. */
  async handle(req: IncomingMessage & { originalUrl?: string }, res: ServerResponse): Promise<void> {
    let root = './'
    const answer = (reply: Reply): void => send(req, res, reply, (cause) => this.#warn('A download', cause))
    try {
      const visitor = await this.#identify(req)
      if ('status' in visitor) return answer(visitor)
      const [path, search] = splitTarget(req.url ?? '/')
      const segments = path.split('/').slice(1)
      root = '../'.repeat(segments.length - 1) || './'
      const reply = await this.#answer({ req, res, visitor, segments, query: new URLSearchParams(search), root })
      if (reply) answer(reply)
    } catch (cause) {
      answer(this.#failed(cause, root))
    }
  }

  async #identify(req: IncomingMessage): Promise<Visitor | Reply> {
    const { challenge } = this.#doorkeeper
    const type = 'text/plain; charset=utf-8'
    try {
      const visitor = await this.#doorkeeper.identify(req)
      if (visitor) return visitor
    } catch (cause) {
      const text = `The credentials of a visitor could not be checked: ${describe(cause)}${locationOf(cause)}`
      this.#settings.inspection.log.line('warn', 'inspector', text, { cause })
      return { status: 503, type, body: 'Your credentials cannot be checked at the moment.' }
    }
    return { status: 401, type, body: 'Credentials are required.', headers: { 'WWW-Authenticate': challenge } }
  }

  async #answer(asked: Asked): Promise<Reply | undefined> {
    const { req, res, visitor, segments, query, root } = asked
    if (!isAllowedHost(req, this.#settings.hosts))
      return page(421, messagePage('Wrong host', 'The inspector does not respond under this host name.', root))
    const [first = '', id, action] = segments
    const isChange = (first === 'event' && segments.length === 3 && action !== 'body') || first === 'catch-up'
    const methods = isChange ? ['POST'] : ['GET', 'HEAD']
    if (!methods.includes(req.method ?? ''))
      return page(405, messagePage('Method not allowed', `Allowed: ${methods.join(', ')}.`, root), {
        Allow: methods.join(', '),
      })
    const decoded = id === undefined || id === '' ? undefined : decode(id)
    if (isChange)
      return this.#changes.handle(req, visitor, { place: first, id: decoded ?? '', action: action ?? '' }, root)
    if (segments.length === 1) {
      if (first === '') return addSlash(req) ?? this.#views.list(query)
      if (first === 'inspector.css') return { status: 200, type: 'text/css; charset=utf-8', body: style }
      if (first === 'inspector.js') return { status: 200, type: 'text/javascript; charset=utf-8', body: script }
      if (first === 'live') return this.#live.open(req, res) ? undefined : tooManyPages
    }
    if (first === 'event' && decoded !== undefined && segments.length <= 3)
      return action === 'body' ? this.#views.body(decoded) : this.#views.event(decoded, query)
    return page(404, messagePage('Not found', 'There is no such page.', root))
  }

  #warn(what: 'A page' | 'A download', cause: unknown): void {
    const text = `${what} of the inspector failed: ${describe(cause)}${locationOf(cause)}`
    this.#settings.inspection.log.line('warn', 'inspector', text, { cause })
  }

  /**
   * The response for an error. An error of an inbox is shown, because it states the cause; any other error is only
   * logged.
   */
  #failed(cause: unknown, root: string): Reply {
    this.#warn('A page', cause)
    const isKnown = isTradecloudWebhookError(cause) && cause.code === 'unavailable'
    const why = isKnown ? cause.message : 'The page could not be created; the log contains the reason.'
    return page(503, messagePage('Not available at the moment', why, root), { 'Retry-After': '10' })
  }
}

const tooManyPages: Reply = {
  status: 503,
  type: 'text/plain; charset=utf-8',
  body: 'Too many pages are open, or the webhook is closed.',
}

/** Redirects if the path has no slash at its end, because relative links on the first page need that slash. */
function addSlash(req: IncomingMessage & { originalUrl?: string }): Reply | undefined {
  const [path, search] = splitTarget(req.originalUrl ?? req.url ?? '/')
  if (path.endsWith('/') || path === '') return undefined
  return redirect(308, `./${path.slice(path.lastIndexOf('/') + 1)}/${search === '' ? '' : `?${search}`}`)
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
