/** Apps with an inspector, with or without an inbox, and browser pages that record errors. */
import express from 'express'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { createTradecloudWebhook, type Inbox, type TradecloudWebhookOptions } from 'tradecloud-webhook'
import { createInspector, type InspectorOptions } from 'tradecloud-webhook/inspector'
import { postgresInbox } from 'tradecloud-webhook/postgres'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { until } from '../wait'
import { startPostgres, stopPostgresServers } from '../postgres/postgres-server'
import { launchBrowser } from './browser'
import { fillInbox, type Sample } from './fill'

export const operator = { type: 'basic', username: 'operator', password: 'inspector:secret' } as const
export const hook = { type: 'bearer', token: 'hook' } as const

export type Mode = 'no inbox' | 'SQLite' | 'PostgreSQL'

const open: Array<() => unknown> = []
let browser: Promise<Browser> | undefined
let postgres: ReturnType<typeof startPostgres> | undefined
let schemas = 0

export function atEnd(close: () => unknown): void {
  open.push(close)
}

export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close()
  await (await browser)?.close()
  await stopPostgresServers()
}

async function inboxFactory(mode: Mode): Promise<(() => Inbox) | undefined> {
  if (mode === 'no inbox') return undefined
  if (mode === 'SQLite') {
    const folder = mkdtempSync(join(tmpdir(), 'inspector-'))
    atEnd(() => rmSync(folder, { recursive: true, force: true }))
    return () => sqliteInbox({ file: join(folder, 'inbox.db') })
  }
  const { connectionString } = await (postgres ??= startPostgres())
  const schema = `inspector_${++schemas}`
  return () => postgresInbox({ connectionString, schema })
}

export interface App {
  /** URL of the inspector, with a slash at the end. */
  url: string
  port: number
  /** IDs of the samples. */
  ids: string[]
  inbox: Inbox | undefined
  log: string[]
  /**
   * Answered requests, in the order of their responses. They are recorded by the server, because browsers do not report
   * every request of a frame or of a closed page.
   */
  requests: SeenRequest[]
  /** Sends an event to the webhook, and resolves with the status. */
  send: (body: unknown) => Promise<number>
}

export interface SeenRequest {
  method: string | undefined
  path: string
  /** Value of the header `Sec-Fetch-Site`. */
  site: unknown
  hasCredentials: boolean
  status: number
}

export interface AppOptions {
  samples?: readonly Sample[]
  inspector?: Partial<InspectorOptions>
  webhook?: Partial<TradecloudWebhookOptions>
}

export async function startApp(mode: Mode, { samples = [], inspector, webhook: more }: AppOptions = {}): Promise<App> {
  const create = await inboxFactory(mode)
  const filling = create?.()
  await filling?.ready()
  const ids = filling ? await fillInbox(filling, samples) : []
  await filling?.close()
  const log: string[] = []
  const inbox = create?.()
  const note = (line: string): void => void log.push(line)
  const webhook = createTradecloudWebhook({
    ...{ auth: hook, validation: 'off', logger: { warn: note, error: note } },
    ...{ onOrder: () => undefined, onShipment: () => undefined },
    ...(inbox && { inbox }),
    ...more,
  })
  await webhook.ready()
  const app = express()
  const requests: SeenRequest[] = []
  app.use((req, res, next) => {
    const { method, originalUrl: path, headers } = req
    const seen = { method, path, site: headers['sec-fetch-site'], hasCredentials: headers.authorization !== undefined }
    res.once('finish', () => requests.push({ ...seen, status: res.statusCode }))
    next()
  })
  app.use('/tradecloud', webhook)
  app.use('/inspector', createInspector({ webhook, auth: operator, access: 'operate', ...inspector }))
  const port = await listen(app)
  atEnd(() => webhook.close())
  const send = async (body: unknown): Promise<number> => {
    const headers = { Authorization: 'Bearer hook', 'Content-Type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}/tradecloud`, {
      ...{ method: 'POST', headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return response.status
  }
  return { url: `http://127.0.0.1:${port}/inspector/`, port, ids, inbox, log, requests, send }
}

/** Listens on a free port, and resolves with the port. */
export async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

export interface Opened {
  page: Page
  /**
   * Errors that no page may cause: foreign scripts, policy violations, dialogs, requests to other hosts, exceptions.
   */
  problems: string[]
}

/** A page in a new browser context, with the operator's credentials. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Opened> {
  browser ??= launchBrowser()
  const context = await (await browser).newContext({ httpCredentials: operator, ...options })
  atEnd(() => context.close())
  // Shorter than Jest's limit, so that a failure says what the test waited for.
  context.setDefaultTimeout(120_000)
  const problems: string[] = []
  await context.exposeFunction('pwned', () => void problems.push('a script of someone else ran'))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`policy violation: ${violatedDirective} ${blockedURI}`)
    })
  })
  const page = await context.newPage()
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    // Chromium also reports responses of 4xx and 5xx as errors. They do not count: the tests check the responses.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url())
    if (protocol !== 'http:' || !['127.0.0.1', 'ops.test'].includes(hostname))
      problems.push(`request: ${request.url()}`)
  })
  return { page, problems }
}

/** Waits until the page's script runs and receives changes. */
export async function whenLive(page: Page): Promise<void> {
  await page.locator('#live', { hasText: /^Live$/ }).waitFor()
}

/**
 * Repeats the check until it passes. A single check may come too early: a click does not wait for the next page, and
 * the script of a page replaces parts of the page.
 */
export async function eventually(check: () => Promise<void>): Promise<void> {
  let problem: unknown
  const passes = (): Promise<boolean> =>
    check().then(
      () => true,
      (error: unknown) => {
        problem = error
        return false
      },
    )
  await until(passes).catch(() => {
    throw problem
  })
}
