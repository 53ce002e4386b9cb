/** The logger of the user: its arguments, and their order. */
import { Console } from 'node:console'
import { isThenable } from '../wait/thenable'

/** The second argument of a logger: the facts of the line as separate fields. Unknown facts are absent. */
export interface LogFields {
  /** The outcome of the event, or one of the log codes in docs/responses.md, such as `handler_stuck`. */
  code: string
  /** Kind of the event: `order`, `orderDocuments`, `shipment` or `unknown`. */
  kind?: string | undefined
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  deliveryId?: string | undefined
  inboxId?: string | undefined
  requestId?: string | undefined
  /** A copy of what was thrown: only name, message, code, stack, causes and nested errors. */
  err?: Error | undefined
  /** The fields of each event, if the line combines several. */
  events?: LogFields[] | undefined
}

/**
 * Receives the lines of the log, each as a text and an object with its fields. `console`, pino and winston can be
 * passed unchanged: pino receives the fields first, `console` only the text. For any other logger that takes the fields
 * first, write `{ warn: (text, fields) => log.warn(fields, text), error: (text, fields) => log.error(fields, text) }`.
 */
export interface Logger {
  warn(message: string, fields: LogFields): void
  error(message: string, fields: LogFields): void
}

export type Level = 'warn' | 'error'

/** A public symbol that pino uses as a key in all its loggers, including child loggers. */
const PINO = Symbol.for('pino.serializers')

/** Writes a line. Never throws, because a logger that fails must not make a delivery fail. */
export function write(logger: Logger, level: Level, text: string, fields: LogFields): void {
  try {
    const written: unknown = call(logger, level, text, fields)
    if (isThenable(written)) written.then(undefined, () => undefined)
  } catch {
    // A failure of the logger cannot be logged.
  }
}

function call(logger: Logger, level: Level, text: string, fields: LogFields): unknown {
  if (logger instanceof Console) return logger[level](text)
  if (PINO in logger)
    return (logger as unknown as Record<Level, (first: object, text: string) => void>)[level](fields, text)
  // If there is a second argument, winston and others treat `%s` and the like in the text as placeholders, so `%` is
  // escaped.
  return logger[level](text.replace(/%(?=[scdijfoO%])/g, '\\u0025'), fields)
}
