/** The options that both inboxes share: how much is kept, and for how long. */
import { checkWholeNumber, givenOptions } from '../../errors/checks'
import { invalidOption } from '../../errors/errors'

export interface KeepDeliveredOptions {
  /**
   * How long the body of a delivered event is kept, so that it can be viewed and replayed. Default: 604,800,000 ms (7
   * days).
   */
  forMs?: number | undefined
  /** Limit for these bodies together, in bytes; the oldest are removed first. Default: 1 GiB. */
  maxBytes?: number | undefined
}

export interface KeepInboxOptions {
  /** Keeps the bodies of delivered events; they are personal data. `false` keeps none. Default: 7 days and 1 GiB. */
  keepDelivered?: false | KeepDeliveredOptions | undefined
  /**
   * Limit for the bodies of waiting and running events together, in bytes. An event for which there is no room is
   * answered 503. Default: 1 GiB.
   */
  maxBytes?: number | undefined
  /**
   * How long a delivered event is recognised as a duplicate when it arrives again. Default: 2,592,000,000 ms (30 days).
   */
  dedupeTtlMs?: number | undefined
}

export interface ResolvedKeep {
  keepDelivered: false | { forMs: number; maxBytes: number }
  maxBytes: number
  dedupeTtlMs: number
}

const GIB = 1024 ** 3
const DAY_MS = 86_400_000
const MAX = Number.MAX_SAFE_INTEGER

export function resolveKeep({
  keepDelivered = {},
  maxBytes = GIB,
  dedupeTtlMs = 30 * DAY_MS,
}: KeepInboxOptions): ResolvedKeep {
  return {
    keepDelivered: keepDelivered === false ? false : resolveKeepDelivered(keepDelivered),
    maxBytes: checkWholeNumber('maxBytes', maxBytes, 1, MAX),
    dedupeTtlMs: checkWholeNumber('dedupeTtlMs', dedupeTtlMs, 0, MAX),
  }
}

function resolveKeepDelivered(options: KeepDeliveredOptions): { forMs: number; maxBytes: number } {
  if (typeof options !== 'object') throw invalidOption('keepDelivered', 'must be false or { forMs, maxBytes }')
  const known = ['forMs', 'maxBytes']
  const { forMs = 7 * DAY_MS, maxBytes = GIB } = givenOptions(options, known, '{ forMs, maxBytes }', 'keepDelivered')
  return {
    forMs: checkWholeNumber('keepDelivered.forMs', forMs, 0, MAX),
    maxBytes: checkWholeNumber('keepDelivered.maxBytes', maxBytes, 0, MAX),
  }
}
