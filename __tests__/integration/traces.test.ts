/** `openTelemetry` with the real SDK: each span has the right parent, and the metrics are those of Prometheus. */
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider } from '@opentelemetry/sdk-metrics'
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'
import { RejectEvent } from 'tradecloud-webhook'
import { openTelemetry } from 'tradecloud-webhook/opentelemetry'
import { closeAll, orderEvent, startRig, until } from './harness'
import { startInboxRig } from './inbox-rig'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()

afterEach(async () => {
  await closeAll()
  exporter.reset()
})
afterAll(() => provider.shutdown())

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const traceparent = `00-${TRACE}-${PARENT}-01`

const spansNamed = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name)
const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId

/** Creates a span, as a database or HTTP client in the callback would. */
async function callErp(): Promise<void> {
  await Promise.resolve()
  trace.getTracer('erp').startSpan('erp').end()
}

describe.each([
  ['without an inbox', startRig, 200],
  ['with an inbox', startInboxRig, 202],
] as const)('%s', (_how, start, status) => {
  it('the request belongs to the trace of its sender, the delivery to the request, and the callback to the delivery', async () => {
    const rig = await start({ telemetry: [openTelemetry()], onOrder: callErp })
    const event = orderEvent({ orderId: 'A-1' })
    expect((await rig.post(event, { headers: { traceparent, tracestate: 'vendor=1' } })).status).toBe(status)
    await until(() => spansNamed('tradecloud deliver').length === 1)
    const [received] = spansNamed('tradecloud receive')
    const [delivered] = spansNamed('tradecloud deliver')
    const [erp] = spansNamed('erp')
    expect(received).toMatchObject({ kind: SpanKind.SERVER, parentSpanContext: { traceId: TRACE, spanId: PARENT } })
    expect(delivered?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: idOf(received) })
    expect(delivered?.spanContext().traceState?.serialize()).toBe('vendor=1')
    expect(erp?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: idOf(delivered) })
    expect(received?.attributes).toMatchObject({
      'http.response.status_code': status,
      'tradecloud.outcome': status === 200 ? 'delivered' : 'queued',
      'tradecloud.entity_id': 'A-1',
    })
    expect(delivered?.attributes).toMatchObject({ 'tradecloud.result': 'delivered', 'tradecloud.attempt': 1 })
    expect(received?.status.code).toBe(SpanStatusCode.UNSET)
  })

  it('a failure is the status of its span, with what was thrown', async () => {
    const rig = await start({
      telemetry: [openTelemetry()],
      onOrder: () => {
        throw new RejectEvent('not ours')
      },
    })
    await rig.post(orderEvent())
    await until(() => spansNamed('tradecloud deliver').length === 1)
    const [delivered] = spansNamed('tradecloud deliver')
    expect(delivered).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: 'rejected' } })
    expect(delivered?.attributes['tradecloud.result']).toBe('dead')
    expect(delivered?.events[0]?.attributes?.['exception.message']).toBe('not ours')
  })
})

it('each attempt out of the inbox has a span of its own, in the trace of the request', async () => {
  const rig = await startInboxRig({
    telemetry: [openTelemetry()],
    onOrder: (_event, { attempt, replay }) => {
      trace.getTracer('erp').startSpan('erp').end()
      if (attempt < 3 && !replay) throw new Error('not now')
    },
  })
  await rig.post(orderEvent())
  await until(() => rig.settled.length === 3)
  const { entries } = await rig.inbox.list()
  await rig.inbox.replay(entries[0]?.id ?? '')
  await until(() => spansNamed('tradecloud deliver').length === 4)
  const [received] = spansNamed('tradecloud receive')
  const delivered = spansNamed('tradecloud deliver')
  expect(delivered.map(({ attributes }) => attributes['tradecloud.result'])).toEqual([
    ...['retry', 'retry', 'delivered', 'delivered'],
  ])
  expect(delivered.map(({ attributes }) => attributes['tradecloud.replay'])).toEqual([false, false, false, true])
  for (const span of delivered) expect(span.parentSpanContext?.spanId).toBe(idOf(received))
  expect(spansNamed('erp').map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(delivered.map(idOf))
})

it('where HTTP is instrumented, the request is a child of that span', async () => {
  const rig = await startRig({
    telemetry: [openTelemetry()],
    before: (app) =>
      app.use((_req, res, next) => {
        const span = trace.getTracer('http').startSpan('POST')
        res.on('close', () => span.end())
        context.with(trace.setSpan(context.active(), span), next)
      }),
  })
  await rig.post(orderEvent(), { headers: { traceparent } })
  await until(() => spansNamed('POST').length === 1)
  const [received] = spansNamed('tradecloud receive')
  expect(received).toMatchObject({ kind: SpanKind.INTERNAL })
  expect(received?.parentSpanContext?.spanId).toBe(idOf(spansNamed('POST')[0]))
})

it.each(['', 'x', `00-${'0'.repeat(32)}-${PARENT}-01`, `${traceparent}${'0'.repeat(10_000)}`])(
  'a header traceparent that means nothing (%#) begins a trace',
  async (header) => {
    const rig = await startInboxRig({ telemetry: [openTelemetry()] })
    await rig.post(orderEvent(), { headers: { traceparent: header } })
    await until(() => spansNamed('tradecloud deliver').length === 1)
    const [received] = spansNamed('tradecloud receive')
    expect(received?.parentSpanContext).toBeUndefined()
    expect(spansNamed('tradecloud deliver')[0]?.parentSpanContext?.spanId).toBe(idOf(received))
  },
)

it('a trace state of 6 kB does no harm', async () => {
  const rig = await startInboxRig({ telemetry: [openTelemetry()] })
  const tracestate = Array.from({ length: 30 }, (_, i) => `vendor${i}=${'x'.repeat(200)}`).join(',')
  expect((await rig.post(orderEvent(), { headers: { traceparent, tracestate } })).status).toBe(202)
  await until(() => rig.calls.length === 1)
})

it('a probe of doctor ends its span', async () => {
  const rig = await startRig({ telemetry: [openTelemetry()] })
  await rig.post(orderEvent(), { headers: { 'tradecloud-webhook-probe': '1' } })
  await until(() => spansNamed('tradecloud receive').length === 1)
  expect(spansNamed('tradecloud receive')[0]?.attributes['tradecloud.outcome']).toBe('probe')
})

it('metrics have the names and labels of those for Prometheus', async () => {
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const rig = await startInboxRig({ telemetry: [openTelemetry({ meterProvider })] })
  await rig.post({ ...orderEvent(), eventName: 'AddedLater' })
  await until(() => rig.settled.length === 1)
  await meterProvider.forceFlush()
  const metrics = memory.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  const pointsOf = (name: string) =>
    metrics
      .filter(({ descriptor }) => descriptor.name === `tradecloud_webhook_${name}`)
      .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => ({ ...attributes, value })))
  const webhook = 'tradecloud'
  expect(pointsOf('requests')).toContainEqual({ webhook, outcome: 'queued', kind: 'order', event: 'other', value: 1 })
  expect(pointsOf('ready')).toEqual([{ webhook, value: 1 }])
  expect(pointsOf('inbox_events')).toContainEqual({ webhook, state: 'delivered', value: 1 })
  expect(pointsOf('delivery_duration')).toMatchObject([{ webhook, result: 'delivered', value: { count: 1 } }])
  expect(pointsOf('events_given_up')).toContainEqual({ webhook, outcome: 'rejected', value: 0 })
  await meterProvider.shutdown()
})
