/** The user's logger: what it receives, and in which order of arguments. */
import { Console } from 'node:console'
import { isThenable } from '../wait/thenable'

/** Second argument of the logger: the same facts as in the line, as fields. Those that are not known are absent. */
export interface LogFields {
  /** The outcome of the event, or the code of the alarm. */
  code: string
  /** `order`, `orderDocuments`, `shipment` or `unknown`. */
  kind?: string | undefined
  eventName?: string | undefined
  /** Order ID or shipment ID. */
  entityId?: string | undefined
  deliveryId?: string | undefined
  inboxId?: string | undefined
  requestId?: string | undefined
  /** A copy of what was thrown: name, message, code, stack and causes, without any other field. */
  err?: Error | undefined
  /** The events of a line that combines several. */
  events?: LogFields[] | undefined
}

/**
 * Receives losses and alarms: one line of text, and its fields. `console`, pino and winston can be passed as they are:
 * pino receives the fields first, `console` the text alone. For any other logger that takes the fields first, write
 * `{ warn: (text, fields) => log.warn(fields, text), error: (text, fields) => log.error(fields, text) }`.
 */
export interface Logger {
  warn(message: string, fields: LogFields): void
  error(message: string, fields: LogFields): void
}

export type Level = 'warn' | 'error'

/** pino's public symbol, which every version and every child logger has. */
const PINO = Symbol.for('pino.serializers')

/** Never throws: a logger that fails must not fail a delivery. */
export function write(logger: Logger, level: Level, text: string, fields: LogFields): void {
  try {
    const written: unknown = call(logger, level, text, fields)
    if (isThenable(written)) written.then(undefined, () => undefined)
  } catch {
    // pino's symbol marks loggers that take the fields first
  }
}

function call(logger: Logger, level: Level, text: string, fields: LogFields): unknown {
  if (logger instanceof Console) return logger[level](text)
  if (PINO in logger)
    return (logger as unknown as Record<Level, (first: object, text: string) => void>)[level](fields, text)
  // With a second argument, winston and others take `%s` and the like in the text for placeholders.
  return logger[level](text.replace(/%(?=[scdijfoO%])/g, '\\u0025'), fields)
}
