/**
 * Events without a callback are ignored. Tradecloud gets a 2xx for such an event and does not send it again, so the
 * names of these events are logged. Each name is logged once, and at most `MAX_NAMES` names are logged.
 */
import type { EventKind } from '../events/events'
import { quote } from '../bytes/quote'

/** Bounded, because a sender may invent any number of names. */
const MAX_NAMES = 100

export class IgnoredNames {
  readonly #seen = new Set<string>()

  /**
   * The line to log; `undefined` for a name that was logged before. After `MAX_NAMES` names, one last line says that
   * further names are not logged.
   */
  lineFor(kind: EventKind, eventName: string | undefined): string | undefined {
    const name = eventName === undefined ? undefined : quote(eventName)
    const key = `${kind} ${name ?? ''}`
    if (this.#seen.size > MAX_NAMES || this.#seen.has(key)) return undefined
    this.#seen.add(key)
    if (this.#seen.size > MAX_NAMES) return `Answered 200 ignored; further ignored names are not reported.`
    const option = `on${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)}`
    const [subject, options] =
      name === undefined
        ? ['triggers without an event name', option]
        : [`events named ${name}`, `${option} or on.${name.slice(1, -1)}`]
    return `Answered 200 ignored: there is no callback for ${kind} ${subject}. Set ${options} to receive them. Reported once.`
  }
}
