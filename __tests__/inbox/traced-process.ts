/** A webhook with an inbox. Its spans are appended to a file, one line each, as soon as they end. */
import { trace } from '@opentelemetry/api'
import {
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node'
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTradecloudWebhook } from '../../lib'
import { openTelemetry } from '../../lib/telemetry/opentelemetry'
import { openInbox, type EngineOptions } from './protocol'

export interface TracedOptions {
  engine: EngineOptions
  spans: string
  /** True if callbacks never end. */
  hangs: boolean
}

export interface WrittenSpan {
  name: string
  pid: number
  traceId: string
  spanId: string
  parentId?: string
  result?: string
}

const { engine, spans, hangs } = JSON.parse(process.argv[2] ?? '') as TracedOptions

const exporter: SpanExporter = {
  export(ended: ReadableSpan[], done: (result: { code: number }) => void) {
    for (const span of ended) {
      const { traceId, spanId } = span.spanContext()
      const result = span.attributes['tradecloud.result'] as string | undefined
      const written = {
        name: span.name,
        pid: process.pid,
        traceId,
        spanId,
        parentId: span.parentSpanContext?.spanId,
        result,
      }
      appendFileSync(spans, `${JSON.stringify(written satisfies WrittenSpan)}\n`)
    }
    done({ code: 0 })
  },
  shutdown: () => Promise.resolve(),
}

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()

const webhook = createTradecloudWebhook({
  auth: { type: 'bearer', token: 'traced' },
  inbox: openInbox(engine),
  telemetry: [openTelemetry()],
  logger: { warn: () => undefined, error: console.error },
  onOrder: async () => {
    trace.getTracer('erp').startSpan('erp').end()
    if (hangs) await new Promise(() => undefined)
  },
})

void webhook.ready().then(() => {
  const server = createServer(webhook.listener).listen(0, '127.0.0.1', () => {
    process.send?.((server.address() as AddressInfo).port)
  })
})
process.once('disconnect', () => process.exit())
