/**
 * The namespaces of `DEBUG=tradecloud-webhook:*`. Everything that is not a loss or an alarm goes here.
 * Never pass a header, a credential or a whole body to one of these.
 */
import createDebug from 'debug'

export const debugReceive = createDebug('tradecloud-webhook:receive')
export const debugDeliver = createDebug('tradecloud-webhook:deliver')
export const debugApi = createDebug('tradecloud-webhook:api')
export const debugCatchUp = createDebug('tradecloud-webhook:catch-up')
