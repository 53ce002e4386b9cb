/** The public types, checked by the compiler only: narrowing, open unions, and code that must not compile. */
import express from 'express'
import { createServer } from 'node:http'
import pino from 'pino'
import winston from 'winston'
import {
  createTradecloudWebhook,
  isTradecloudWebhookError,
  MemoryStore,
  type Order,
  type OrderEvent,
  type OrderLine,
  type OrderDocumentsEvent,
  type Shipment,
  type ShipmentEvent,
  type SingleDeliveryOrder,
  type SingleDeliveryOrderLine,
  type Store,
  type TradecloudWebhookOptions,
} from 'tradecloud-webhook'

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function expectType<T>(value: T): void {
  if (value === undefined) return // no assertions: the compiler checks the types
}

export function order(event: OrderEvent): void {
  expectType<string>(event.orderId)
  // @ts-expect-error there may be no order: narrow by completeness first
  expectType<Order>(event.order)
  if (event.completeness === 'id-only') {
    expectType<undefined>(event.order)
    return
  }
  expectType<Order | SingleDeliveryOrder>(event.order)
  if (event.completeness === 'all-lines') {
    expectType<Order>(event.order)
    // @ts-expect-error a GET trigger does not tell which lines changed
    expectType<OrderLine[] | SingleDeliveryOrderLine[]>(event.affectedLines)
    return
  }
  expectType<OrderLine[] | SingleDeliveryOrderLine[]>(event.affectedLines)
  if (event.lineForm === 'singleDelivery') expectType<SingleDeliveryOrderLine[]>(event.affectedLines)
  else expectType<OrderLine[]>(event.affectedLines)
  // An open union: editors complete known names, and new names are allowed.
  expectType<boolean>(event.eventName === 'OrderIssuedByBuyer' || event.eventName === 'SomethingNew')
  const status = event.order.status?.processStatus
  expectType<boolean>(status === 'Confirmed' || status === 'AddedLater')
}

export function documents(event: OrderDocumentsEvent): void {
  for (const { party, lineId, document } of event.documents) {
    expectType<'buyer' | 'supplier' | 'unknown'>(party)
    expectType<string | undefined>(lineId)
    expectType<string | null | undefined>(document.objectId)
  }
}

export function shipment(event: ShipmentEvent): void {
  // @ts-expect-error there may be no shipment
  expectType<Shipment>(event.shipment)
  if (event.completeness === 'all-lines') expectType<Shipment>(event.shipment)
}

const options: TradecloudWebhookOptions = {
  auth: [
    { type: 'basic', username: 'tradecloud', password: process.env.PASSWORD },
    { type: 'bearer', token: 'token' },
    { type: 'oauth', tenantId: process.env.TENANT, audience: process.env.AUDIENCE },
    {
      type: 'oauth',
      issuer: ['https://issuer.example.com/'],
      jwksUri: 'https://issuer.example.com/keys',
      audience: ['a', 'b'],
      algorithms: ['PS256', 'ES384'],
      checkClaims: async (claims) => Promise.resolve(claims.tid === 'x'),
    },
  ],
  onOrder: order,
  onOrderDocuments: async (event) => {
    await Promise.resolve(event.documents)
  },
  on: {
    OrderIssuedByBuyer: (event, { signal, rawBody, source }) => {
      expectType<'webhook' | 'catch-up'>(source)
      expectType<OrderEvent>(event)
      expectType<AbortSignal>(signal)
      expectType<Buffer | undefined>(rawBody)
    },
    ShipmentIssuedBySupplier: (event) => expectType<ShipmentEvent>(event),
    // @ts-expect-error not a known event name
    OrderIssuedByByer: () => undefined,
  },
  onUnknown: (event) => expectType<Record<string, unknown>>(event.body),
  onError: (error, context) => {
    expectType<string>(error.code)
    expectType<number>(context.status)
    expectType<string | undefined>(context.address)
  },
  allow: ['acceptance', 'production', '192.0.2.0/24', process.env.OWN_ADDRESS ?? '::1'],
  trustProxy: (address, hop) => address === undefined || hop < 2,
  paths: { order: ['/po', /^\/x\/(?<orderId>.+)$/], shipment: false },
  dedupe: { store: new MemoryStore(), ttlMs: 1000 },
}
const webhook = createTradecloudWebhook(options)
express().use('/tradecloud', webhook)
createServer(webhook.listener)
expectType<Promise<void>>(webhook.close())
expectType<Store>(new MemoryStore())

// @ts-expect-error auth is required
createTradecloudWebhook({ onOrder: order })
// @ts-expect-error `inbox` must have the methods of an inbox
createTradecloudWebhook({ auth: 'none', onOrder: order, inbox: {} })
// @ts-expect-error no credential has the type `digest`
createTradecloudWebhook({ auth: { type: 'digest' }, onOrder: order })
// @ts-expect-error `audience` is required
createTradecloudWebhook({ auth: { type: 'oauth', tenantId: 'x' }, onOrder: order })
const entraId = { type: 'oauth', tenantId: 'x', audience: 'y' } as const
// @ts-expect-error with HS256, the public key would be used as the secret
createTradecloudWebhook({ auth: { ...entraId, algorithms: ['HS256'] }, onOrder: order })
// @ts-expect-error `validation` must be one of three words
createTradecloudWebhook({ auth: 'none', onOrder: order, validation: 'lenient' })

export function failed(error: unknown): string | undefined {
  return isTradecloudWebhookError(error) ? error.code : undefined
}
for (const trustProxy of [true, 1, 'loopback', ['10.0.0.0/8'] as const, (address?: string) => address === '::1'])
  createTradecloudWebhook({ auth: 'none', onOrder: order, allow: ['production'] as const, trustProxy })
// @ts-expect-error `allow` must be a list, even for a single entry
createTradecloudWebhook({ auth: 'none', onOrder: order, allow: 'production' })
// @ts-expect-error the environment variable may be unset
createTradecloudWebhook({ auth: 'none', onOrder: order, allow: [process.env.OWN_ADDRESS] })

export const loggers: Array<TradecloudWebhookOptions['logger']> = [
  console,
  pino(),
  pino().child({ module: 'webhook' }),
  winston.createLogger(),
  { warn: (text) => console.warn(text), error: (text, { code, entityId }) => console.error(text, code, entityId) },
]
