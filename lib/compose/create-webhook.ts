/** The webhook as an Express router. The router is a thin layer around a core that needs only Node. */
import { Router, type NextFunction, type Request, type Response } from 'express'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Health } from './health'
import { makeInspectable } from './inspection'
import type { CatchUpReport, CatchUpRunOptions } from '../catch-up/catch-up-options'
import { composeWebhook } from './webhook'
import type { CloseOptions, TradecloudWebhookOptions } from '../options/options'
import { trustOfApp } from '../receive/sender/client-address'

/** An Express router to mount with `app.use`. */
export type TradecloudWebhook = Router & {
  /** The webhook without Express: `http.createServer(webhook.listener)`. Paths are matched from the root. */
  listener: (req: IncomingMessage, res: ServerResponse) => void
  /**
   * Resolves once events can be accepted; without an inbox, at once. Rejects if the inbox cannot be used, or if the
   * catch-up has no time to start from: then the process should not start.
   */
  ready(): Promise<void>
  /** Whether events can be accepted now. Never rejects; asks the inbox or store at most once a second. */
  health(): Promise<Health>
  /**
   * Refuses new events with 503, lets running callbacks finish for at most `timeoutMs`, and aborts the rest through
   * `context.signal`. Then closes the inbox, and the API client unless you have created it. Never rejects. Call it
   * before the process ends. Only the first call has an effect.
   */
  close(options?: CloseOptions): Promise<void>
  /**
   * Needs the option `catchUp`. Waits until no other process polls, then polls. Delivers the changes that never
   * arrived; with `all`, also those that have arrived. With `dryRun`, delivers nothing. With `from`, `all` or `dryRun`,
   * the cursor stays where it is. Resolves with a report, which contains an `error` if the run could not be completed.
   * Rejects for an invalid option, and if there is no time to start from.
   */
  catchUp(options?: CatchUpRunOptions): Promise<CatchUpReport>
}

/**
 * Creates a webhook that receives Tradecloud's triggers. Throws a `TradecloudWebhookError` with code `invalid_option`
 * for an invalid option.
 *
 * ```ts
 * app.use('/tradecloud', createTradecloudWebhook({
 *   auth: { type: 'basic', username: 'tradecloud', password: process.env.WEBHOOK_PASSWORD },
 *   onOrder: async (event) => { await erp.upsert(event) },
 * }))
 * ```
 */
export function createTradecloudWebhook(options: TradecloudWebhookOptions): TradecloudWebhook {
  const { requests, ready, health, close, catchUp, inspection } = composeWebhook(options)
  // The function is not added with `router.use`: Express's router would read `req.url` first, and respond with 500 if
  // that throws. Handlers that users add to the router run after this function.
  const router = Router()
  function tradecloudWebhook(req: Request, res: Response, next: NextFunction): void {
    if (!requests.handle(req, res, () => trustOfApp(req)))
      requests.pass(req, res, () => router(req, res, next), tradecloudWebhook)
  }
  makeInspectable(tradecloudWebhook, inspection)
  return Object.assign(Object.setPrototypeOf(tradecloudWebhook, router) as Router, {
    listener: requests.listener,
    ready,
    health,
    close,
    catchUp,
  })
}
