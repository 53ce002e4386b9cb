/** Assembles a webhook from its options: receive, deliver or store, respond. */
import { randomUUID } from 'node:crypto'
import { ByteBudget } from '../bytes/pieces'
import { Claims } from '../deliver/dedupe/claims'
import { MemoryStore } from '../deliver/dedupe/memory-store'
import { Deliverer } from '../deliver/deliverer'
import { warnOfHandlers } from '../deliver/handlers'
import type { Intake } from '../deliver/stored/intake'
import { LEASE_MS } from '../deliver/attempt'
import { checkHasEffect } from '../errors/checks'
import { TradecloudWebhookError } from '../errors/errors'
import type { Inbox } from '../inbox/inbox'
import type { Log } from '../log/log'
import type { CloseOptions, TradecloudWebhookOptions } from '../options/options'
import { resolveOptions, type ResolvedOptions } from '../options/resolve'
import { OVERLOADED } from '../receive/body/decode'
import { compileRoutes } from '../receive/route'
import type { AddressCheck } from '../receive/sender/address-check'
import { createAuthenticator } from '../receive/sender/authenticate'
import { compileTrust } from '../receive/sender/client-address'
import { ArrivalOrder } from '../wait/arrivals'
import { createHealth, type Check, type Health } from './health'
import type { Inspection } from './inspection'
import { startCatchUp, type ComposedCatchUp } from './catch-up'
import { Requests, type Destination } from './requests'
import { checkInbox, closeOnce, composeShared, startInbox, type Shared, type Work } from './shared'

export interface ComposedWebhook {
  requests: Requests
  ready: () => Promise<void>
  health: () => Promise<Health>
  close: (options?: CloseOptions) => Promise<void>
  inspection: Inspection
  catchUp: ComposedCatchUp['run']
}

/** Time limit for a call of the dedupe store. A store that takes longer is treated as unavailable. */
const STORE_TIMEOUT_MS = 2_000
/** How long an event waits for earlier events of the same order or shipment. */
const ENTITY_WAIT_MS = 10_000

/** The parts that process a trigger after it was received. */
interface Processing extends Omit<Work, 'end'> {
  destination: Destination
  opening?: Promise<void>
  checks: Record<string, Check>
}

export function composeWebhook(options: TradecloudWebhookOptions): ComposedWebhook {
  const settings = resolveOptions(options)
  const { inbox } = settings
  const routes = compileRoutes(settings.paths)
  const isReady = async (): Promise<boolean> => (await health()).ready
  const shared = composeShared(settings, { receives: true, isReady })
  const { handlers, resolve, reporter, log, telemetry } = shared
  const authenticator = createAuthenticator(settings.auth)
  const addressCheck = createAddressCheck(settings, log)
  // The inbox is opened here, after all options were checked.
  const processing = inbox ? storeThenDeliver(inbox, settings, shared) : deliverNow(settings, shared)
  const closing = new AbortController()
  const budget = new ByteBudget(settings.maxBytesInFlight)
  const requests = new Requests({
    ...{ unmatched: settings.unmatched, answerTimeoutMs: settings.answerTimeoutMs, refusals: settings.refusals },
    ...{ authenticator, addressCheck, routes, reporter, log, telemetry },
    destination: processing.destination,
    receiver: {
      ...settings,
      ...{ authenticator, routes, validator: resolve.validator, strict: resolve.strict },
      find: shared.find,
      readsUnhandled: inbox !== undefined,
      budget,
      keepsUnreadable: inbox !== undefined && settings.delivery.quarantine,
      closing: closing.signal,
      arrivals: new ArrivalOrder(),
    },
  })
  if (handlers) warnOfHandlers(handlers, log)
  if (settings.auth === 'none') log.line('warn', 'auth', "auth is 'none': events are accepted from anyone.")
  const catchUp = startCatchUp(settings, shared, processing.opening)
  const close = closeOnce(settings, shared, {
    stop: () => {
      closing.abort()
      catchUp.stop()
      processing.stop()
      authenticator.close()
    },
    idle: async () => {
      await requests.idle()
      await Promise.all([processing.idle(), catchUp.idle()])
    },
    abort: () => processing.abort(),
    end: () => requests.finishAll({ outcome: 'unavailable', detail: 'The receiver is shutting down.' }),
  })
  const health = createHealth({
    open: () => failIf(closing.signal.aborted, 'The receiver is shutting down.'),
    load: () => failIf(budget.free === 0, OVERLOADED),
    ...(authenticator.ready && { credentials: authenticator.ready }),
    ...processing.checks,
  })
  const inspection = {
    ...{ inbox, log, reporter, closing: closing.signal },
    catchUp: settings.catchUp && catchUp.run,
  }
  const ready = async (): Promise<void> => {
    await processing.opening
    await catchUp.ready
  }
  return { requests, ready, health, close, catchUp: catchUp.run, inspection }
}

/** The callback runs before the response. */
function deliverNow(settings: ResolvedOptions, { resolve, alarm, telemetry }: Shared): Processing {
  const { dedupe, client } = settings
  const claims = dedupe ? new Claims({ ...dedupe, leaseMs: LEASE_MS, timeoutMs: STORE_TIMEOUT_MS }) : undefined
  const healthKey = `${settings.name}:health:${randomUUID()}`
  const deliverer = new Deliverer({
    ...settings,
    ...{ resolve, alarm, api: client, claims, telemetry },
    entityWaitMs: ENTITY_WAIT_MS,
  })
  return {
    // The store in memory has no check, because it cannot fail.
    checks: claims && !(dedupe && dedupe.store instanceof MemoryStore) ? { store: () => claims.check(healthKey) } : {},
    destination: { deliverer },
    stop: () => undefined,
    idle: () => deliverer.idle(),
    abort: () => deliverer.abort(),
  }
}

/** The event is stored before the response, and delivered from the inbox. */
function storeThenDeliver(inbox: Inbox, settings: ResolvedOptions, shared: Shared): Processing {
  const { name, delivery } = settings
  const intake = new (loadIntake())({ inbox, name, ...shared, quarantine: delivery.quarantine })
  const { opening, deliverer } = startInbox(inbox, settings, shared)
  return {
    destination: { intake },
    opening,
    checks: checkInbox(inbox),
    stop: () => deliverer.stop(),
    idle: () => deliverer.idle(),
    abort: () => deliverer.abort(),
  }
}

function failIf(fails: boolean, detail: string): void {
  if (fails) throw new TradecloudWebhookError('unavailable', detail)
}

function createAddressCheck(settings: ResolvedOptions, log: Log): AddressCheck | undefined {
  const { allow, auth, trustProxy } = settings
  const trust = compileTrust(trustProxy)
  // `trustProxy: false` is the default, so it is allowed without `allow`.
  checkHasEffect('trustProxy', trustProxy || undefined, '`allow`', allow !== undefined)
  if (allow === undefined) return undefined
  const warn = (text: string): void => void log.line('warn', 'trust_proxy', text)
  return new (loadAddressCheck())({ allow, trust, authenticates: auth !== 'none', warn })
}

/** Loaded lazily: only needed with `allow`. */
function loadAddressCheck(): typeof AddressCheck {
  return (require('../receive/sender/address-check') as typeof import('../receive/sender/address-check')).AddressCheck
}

/** Loaded lazily: only needed with an inbox. */
function loadIntake(): typeof Intake {
  return (require('../deliver/stored/intake') as typeof import('../deliver/stored/intake')).Intake
}
