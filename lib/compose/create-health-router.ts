/** An Express router for probes of Kubernetes, Docker and load balancers: `/live` and `/ready`. */
import { Router } from 'express'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Health } from './health'

/** A webhook or a worker. */
export interface HealthSource {
  health(): Promise<Health>
}

/** A router to mount with `app.use`. */
export type HealthRouter = Router & {
  /**
   * The router without Express, for a worker for example: `http.createServer(router.listener)`. Paths are matched from
   * the root.
   */
  listener: (req: IncomingMessage, res: ServerResponse) => void
}

/**
 * Creates a router that serves `/live` and `/ready`. `/live` is 200 as long as the process responds, and checks nothing
 * else. `/ready` is 200 while all given webhooks and workers are ready, otherwise 503. The responses contain only the
 * names and results of the checks, because anyone may ask. Mount the router outside the path of the webhook.
 *
 * ```ts
 * app.use('/health', createHealthRouter(webhook))
 * ```
 */
export function createHealthRouter(...sources: readonly HealthSource[]): HealthRouter {
  const router = Router()
  router.use((req, res, next) => {
    if (!respond(sources, req, res)) next()
  })
  return Object.assign(router, {
    listener: (req: IncomingMessage, res: ServerResponse): void => {
      if (!respond(sources, req, res)) send(req, res, 404, { status: 404 })
    },
  })
}

/** Responds to a health request. Returns false for any other request. */
function respond(sources: readonly HealthSource[], req: IncomingMessage, res: ServerResponse): boolean {
  const [path] = (req.url ?? '').split('?')
  if (req.method !== 'GET' && req.method !== 'HEAD') return false
  if (path === '/live') send(req, res, 200, { live: true })
  else if (path === '/ready') void respondReady(sources, req, res)
  else return false
  return true
}

async function respondReady(
  sources: readonly HealthSource[],
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const all = await Promise.all(sources.map((source) => source.health()))
  const ready = all.every((health) => health.ready)
  const names = new Set(all.flatMap(({ checks }) => Object.keys(checks)))
  const checks = [...names].map((name) => [name, all.every((health) => health.checks[name]?.ok !== false)])
  send(req, res, ready ? 200 : 503, { ready, checks: Object.fromEntries(checks) as Record<string, boolean> })
}

function send(req: IncomingMessage, res: ServerResponse, status: number, content: object): void {
  if (res.headersSent || res.destroyed) return
  const body = JSON.stringify(content)
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  res.end(req.method === 'HEAD' ? undefined : body)
}
