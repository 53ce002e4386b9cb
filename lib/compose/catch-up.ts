/** Assembles the catch-up from the options of a webhook or worker. */
import type { CatchUp, CatchUpParts } from '../catch-up/catch-up'
import type { CatchUpReport, CatchUpRunOptions } from '../catch-up/catch-up-options'
import type { List } from '../catch-up/lists'
import { invalidOption } from '../errors/errors'
import type { Log } from '../log/log'
import type { Shared, SharedOptions, Work } from './shared'

export interface ComposedCatchUp extends Pick<Work, 'stop' | 'idle'> {
  /**
   * Resolves once runs can begin; without the option `catchUp`, at once. Rejects if the inbox cannot be used, or if
   * there is no time to start from.
   */
  ready: Promise<unknown>
  run: (options?: CatchUpRunOptions) => Promise<CatchUpReport>
}

const CALLBACKS = { order: 'onOrder', shipment: 'onShipment' } as const

/** Starts the catch-up, which waits until the inbox is open. */
export function startCatchUp(
  settings: SharedOptions,
  { log, telemetry }: Pick<Shared, 'log' | 'telemetry'>,
  opening: Promise<void> | undefined,
): ComposedCatchUp {
  const { catchUp: options, inbox, client, name } = settings
  if (!options || !inbox?.catchUp || !client || !opening) return NONE
  const { CatchUp, CatchUpLog, listsOf } = loadCatchUp()
  const parts: CatchUpParts = {
    inbox: inbox.catchUp(name),
    lists: listsOf(client, options).map((list) => ({ ...list, polls: list.polls ?? isHandled(settings, list) })),
    isWanted: (kind) => inbox.isWanted(name, kind, undefined),
    options,
    // `settleMs: 0` means that no webhook receives changes. Polling then finds all changes, so found changes are not
    // logged as warnings.
    log: new CatchUpLog(log, options.onCatchUp, options.settleMs > 0, (run) => telemetry?.catchUp(run)),
  }
  warnOf(settings, parts.lists, log)
  const catchUp: CatchUp = new CatchUp(parts)
  const ready = catchUp.start(opening)
  // `ready()` of the webhook or worker also rejects with this error, so the error needs no handling here.
  ready.catch(() => undefined)
  return { ready, run: (given) => catchUp.run(given), stop: () => catchUp.stop(), idle: () => catchUp.idle() }
}

const NONE: ComposedCatchUp = {
  ready: Promise.resolve(),
  run: () => Promise.reject(invalidOption('catchUp', 'is missing, so there is nothing to run')),
  stop: () => undefined,
  idle: () => Promise.resolve(),
}

/** Whether this process has the callback for a list; `undefined` if only other processes have callbacks. */
function isHandled(settings: SharedOptions, { kind }: List): boolean | undefined {
  return settings.deliver === false ? undefined : settings[CALLBACKS[kind]] !== undefined
}

/** Warns of valid options that are probably a mistake. */
function warnOf(settings: SharedOptions, lists: readonly List[], log: Log): void {
  const { on, fetch } = settings
  const missing = lists.filter((list) => isHandled(settings, list) === false).map(({ kind }) => CALLBACKS[kind])
  if (missing.length > 0 && (on !== undefined || missing.length === lists.length)) {
    const text = `No ${missing.join(', no ')}: what the catch-up finds has no event name, so callbacks of \`on\` do not get it.`
    log.line('warn', 'catch_up_callbacks', text)
  }
  const idle = lists.filter((list) => list.polls === true && isHandled(settings, list) === false)
  for (const { kind } of idle) {
    const text = `catchUp.${kind}s is set without ${CALLBACKS[kind]}: ${kind}s are polled only while another process has that callback.`
    log.line('warn', 'catch_up_callbacks', text)
  }
  if (fetch === 'never') {
    const text =
      "fetch is 'never', so nothing is fetched for a GET trigger: the catch-up also delivers the changes that GET triggers have announced."
    log.line('warn', 'catch_up_fetch', text)
  }
}

/** Loaded lazily: only needed with the option `catchUp`. */
function loadCatchUp() {
  return {
    ...(require('../catch-up/catch-up') as typeof import('../catch-up/catch-up')),
    ...(require('../catch-up/catch-up-log') as typeof import('../catch-up/catch-up-log')),
    ...(require('../catch-up/lists') as typeof import('../catch-up/lists')),
  }
}
