/**
 * The namespaces of `DEBUG=tradecloud-webhook:*`, for details that are not sent to the `logger`. Headers, credentials
 * and whole bodies must not be written.
 */
import createDebug from 'debug'

export const debugReceive = createDebug('tradecloud-webhook:receive')
export const debugDeliver = createDebug('tradecloud-webhook:deliver')
export const debugApi = createDebug('tradecloud-webhook:api')
export const debugCatchUp = createDebug('tradecloud-webhook:catch-up')
