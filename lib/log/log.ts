/**
 * The log of a webhook. Losses and the actions of operators are never omitted; if there are many losses, they are
 * combined into fewer lines. Other lines are limited per topic, so that a faulty sender or a scanner does not fill the
 * disk; omitted lines are counted.
 */
import { escapeControls, quote } from '../bytes/quote'
import { BoundedMap } from '../bytes/bounded-map'
import { startTimer, type Timer } from '../wait/timers'
import { safeCopy } from './describe-error'
import { write, type Level, type LogFields, type Logger } from './logger'

/** The facts of a line. The logger gets them as fields, except `method`. */
export interface About extends Omit<LogFields, 'code' | 'err' | 'events'> {
  /** The code of the line. Default: its topic. */
  code?: string | undefined
  method?: string | undefined
  /** What was thrown; the logger receives a copy without secrets. */
  cause?: unknown
}

/** If the text is a function, it is called only if the line is written. */
type Text = string | (() => string)

interface Topic {
  /** When the first line of this minute was written, on the clock of `performance.now()`. */
  since: number
  lines: number
  omitted: number
  level: Level
  name: string
  losses: Array<{ text: string; fields: LogFields }>
  timer?: Timer | undefined
}

const LINES_A_MINUTE = 10
const MINUTE_MS = 60_000
const COMBINE_MS = 1_000
/** Maximum number of losses in a combined line, about 4 kB. */
const LOSSES_A_LINE = 50
/** A combined line that has reached this length is written at once: Docker splits lines at 16 kB. */
const MAX_LINE = 8_000
const MAX_KEYS = 1_000

export class Log {
  readonly #logger: Logger
  readonly #topics = new Map<string, Topic>()
  readonly #pending = new Set<Topic>()
  /** Keys whose line has already been logged, so that it is not logged again. */
  readonly #once = new BoundedMap<true>(MAX_KEYS)

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /**
   * Logs an event that will not be delivered. The first losses in a minute get a line each. Further losses are combined
   * into lines that begin with `summary` and name each event.
   */
  loss(summary: string, text: Text, about: About & { code: string }): void {
    const topic = this.#topic('error', summary)
    if (topic.lines < LINES_A_MINUTE) {
      topic.lines++
      this.#write('error', text, fieldsOf(about.code, about))
      return
    }
    topic.losses.push({ text: lossOf(about), fields: fieldsOf(about.code, { ...about, cause: undefined }) })
    const length = topic.losses.reduce((sum, loss) => sum + loss.text.length, 0)
    if (topic.losses.length >= LOSSES_A_LINE || length >= MAX_LINE) this.#flush(topic)
    else this.#flushIn(topic, COMBINE_MS)
  }

  /**
   * Writes a line. If its topic already has too many lines in this minute, the line is omitted and counted instead.
   * Returns true if the line was written.
   */
  line(level: Level, topicName: string, text: Text, about: About = {}): boolean {
    const topic = this.#topic(level, topicName)
    if (topic.lines < LINES_A_MINUTE) {
      topic.lines++
      this.#write(level, text, fieldsOf(topicName, about))
      return true
    }
    topic.omitted++
    this.#flushIn(topic, Math.max(1, topic.since + MINUTE_MS - performance.now()))
    return false
  }

  /**
   * Writes a line once per `key` of the topic. The line may be omitted like any other; then the next call with this key
   * tries again. If there are more than 500 keys, the oldest may be forgotten, and their lines are written again.
   */
  once(level: Level, topic: string, key: string, text: Text, about?: About): void {
    const full = `${topic} ${key}`
    if (this.#once.has(full) || !this.line(level, topic, text, about)) return
    this.#once.set(full, true)
  }

  /** Logs an action of an operator. Never omitted. */
  action(text: string, about: About & { code: string }): void {
    this.#write('warn', text, fieldsOf(about.code, about))
  }

  /** Writes what is pending: combined losses, and the counts of omitted lines. */
  readonly close = (): void => {
    for (const topic of [...this.#pending]) this.#flush(topic)
  }

  #topic(level: Level, name: string): Topic {
    const now = performance.now()
    let topic = this.#topics.get(name)
    if (!topic) this.#topics.set(name, (topic = { since: now, lines: 0, omitted: 0, level, name, losses: [] }))
    if (now - topic.since >= MINUTE_MS) {
      this.#flush(topic)
      topic.since = now
      topic.lines = 0
    }
    return topic
  }

  #flushIn(topic: Topic, ms: number): void {
    if (topic.timer !== undefined) return
    topic.timer = startTimer(() => this.#flush(topic), ms)
    if (this.#pending.size === 0) process.on('exit', this.close)
    this.#pending.add(topic)
  }

  #flush(topic: Topic): void {
    clearTimeout(topic.timer)
    topic.timer = undefined
    this.#pending.delete(topic)
    if (this.#pending.size === 0) process.off('exit', this.close)
    const losses = topic.losses.splice(0)
    const [first] = losses
    if (first) {
      const texts = losses.map((loss) => loss.text).join(', ')
      const fields = { code: first.fields.code, events: losses.map((loss) => loss.fields) }
      this.#write('error', `${topic.name} (${losses.length} more in one line): ${texts}`, fields)
    }
    const { omitted } = topic
    topic.omitted = 0
    if (omitted > 0) {
      const text = `Lines about ${topic.name} that were omitted within a minute: ${omitted}`
      this.#write(topic.level, text, { code: topic.name })
    }
  }

  #write(level: Level, text: Text, fields: LogFields): void {
    const line = typeof text === 'string' ? text : text()
    write(this.#logger, level, `tradecloud-webhook: ${escapeControls(line)}`, fields)
  }
}

/** Names what a line is about, such as the event and its ID. */
export function subjectOf({ method, kind, eventName, entityId, requestId }: About): string {
  const parts = [
    method,
    kind,
    eventName && quote(eventName),
    entityId && quote(entityId, 256),
    requestId && `request ${requestId}`,
  ]
  return parts.filter((part) => part !== undefined && part !== '').join(' ')
}

function lossOf(about: About): string {
  const subject = subjectOf(about)
  return about.inboxId === undefined ? subject : `${about.inboxId} (${subject})`
}

function fieldsOf(topic: string, { code = topic, cause, ...about }: About): LogFields {
  const { kind, entityId, deliveryId, inboxId, requestId } = about
  const eventName = about.eventName?.slice(0, 1_000)
  const all = { code, kind, eventName, entityId, deliveryId, inboxId, requestId, err: safeCopy(cause) }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as LogFields
}
