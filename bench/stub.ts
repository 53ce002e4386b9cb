/**
 * Calls a webhook without a socket, so that only the webhook's own work is measured, from the headers to the response.
 * The substitutes for Node's request and response have only what the package uses.
 */
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TradecloudWebhookOptions } from '../lib'
import { authorization, createWebhook } from './webhook'

class StubRequest extends EventEmitter {
  readonly method = 'POST'
  readonly url = '/order'
  readonly httpVersionMajor = 1
  readonly readableDidRead = false
  readonly readableEncoding = null
  readonly readableFlowing = null
  readonly destroyed = false
  readonly headers: Record<string, string>
  complete = false
  readableEnded = false

  constructor(bytes: number) {
    super()
    this.headers = {
      authorization,
      'content-type': 'application/json',
      'content-length': String(bytes),
    }
  }

  pause(): this {
    return this
  }

  resume(): this {
    return this
  }
}

class StubResponse extends EventEmitter {
  readonly headersSent = false
  readonly writableEnded = false
  readonly destroyed = false
  status = 0
  readonly #done: (answer: Answer) => void

  constructor(done: (answer: Answer) => void) {
    super()
    this.#done = done
  }

  writeHead(status: number): this {
    this.status = status
    return this
  }

  end(body: string): this {
    this.#done({ status: this.status, body })
    return this
  }
}

export interface Answer {
  status: number
  body: string
}

export type Send = (body: Buffer) => Promise<Answer>

export function stubbedWebhook(validation?: TradecloudWebhookOptions['validation']): Send {
  const { listener } = createWebhook({ validation, logger: { warn: () => undefined, error: () => undefined } })
  return (body) =>
    new Promise((resolve) => {
      const req = new StubRequest(body.length)
      listener(req as unknown as IncomingMessage, new StubResponse(resolve) as unknown as ServerResponse)
      req.emit('data', body)
      req.complete = true
      req.readableEnded = true
      req.emit('end')
    })
}
