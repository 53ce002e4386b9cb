/** The smallest valid options, and functions that resolve options or return the message of their error. */
import { createTradecloudWebhook, type TradecloudWebhook } from '../../../lib/compose/create-webhook'
import { isTradecloudWebhookError } from '../../../lib/errors/errors'
import type { TradecloudWebhookOptions } from '../../../lib/options/options'
import { resolveOptions } from '../../../lib/options/resolve'

export const SECRET = 'hunter2-secret'
export const onOrder = () => undefined
export const logger = { warn: () => undefined, error: () => undefined }
export const REQUIRED = { auth: { type: 'bearer', token: SECRET }, onOrder } as const
export const API = { environment: 'acceptance', username: 'user', password: SECRET } as const

export const OPTIONAL = [
  'paths',
  'onOrderDocuments',
  'onShipment',
  'on',
  'onUnknown',
  'onError',
  'onDelivery',
  'logger',
  'api',
  'fetch',
  'validation',
  'schemas',
  'bodyLimit',
  'limits',
  'concurrency',
  'answerTimeoutMs',
  'fetchTimeoutMs',
  'notFoundGraceMs',
  'refusals',
  'name',
  'dedupe',
  'inbox',
  'deliver',
  'delivery',
  'allow',
  'trustProxy',
]

export function create(options: unknown): TradecloudWebhook {
  return createTradecloudWebhook(options as TradecloudWebhookOptions)
}

/** Returns the message of the error that creating a webhook with these options throws. */
export function refusal(options: unknown): string {
  try {
    create(options)
  } catch (error) {
    if (isTradecloudWebhookError(error) && error.code === 'invalid_option') {
      expect(JSON.stringify([error.message, error.stack, Object.entries(error)])).not.toContain(SECRET)
      return error.message
    }
    throw error
  }
  throw new Error('was accepted')
}

export const resolve = (more: object = {}) => resolveOptions({ ...REQUIRED, logger, ...more })

export const NUMBERS: Array<[string, number, number]> = [
  ['bodyLimit', 1, Number.MAX_SAFE_INTEGER],
  ['concurrency', 1, Number.MAX_SAFE_INTEGER],
  ['answerTimeoutMs', 1, 2_147_483_647],
  ['fetchTimeoutMs', 1, 2_147_483_647],
  ['notFoundGraceMs', 0, Number.MAX_SAFE_INTEGER],
]

export const nothing = () => undefined

export const inertInbox = {
  ready: async () => undefined,
  accept: nothing,
  isWanted: nothing,
  attach: () => nothing,
  take: async () => ({ deliveries: [] }),
  settle: nothing,
  list: nothing,
  show: nothing,
  replay: nothing,
  giveUp: nothing,
  purge: nothing,
  stats: nothing,
  close: async () => undefined,
}
