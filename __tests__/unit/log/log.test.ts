/** The log: every loss is written, other lines are limited and counted, and each line has its fields. */
import { Log } from '../../../lib/log/log'
import type { Level, LogFields } from '../../../lib/log/logger'

interface Line {
  level: Level
  text: string
  fields: LogFields
}

function setup() {
  const lines: Line[] = []
  const note = (level: Level) => (text: string, fields: LogFields) => void lines.push({ level, text, fields })
  const log = new Log({ warn: note('warn'), error: note('error') })
  const lose = (from: number, to: number, more: object = {}) => {
    for (let i = from; i < to; i++)
      log.loss('Given up', `Given up PO-${i}.`, { code: 'rejected', kind: 'order', entityId: `PO-${i}.`, ...more })
  }
  const texts = () => lines.map(({ text }) => text)
  return { lines, texts, log, lose }
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `PO-${from + i}.`)

beforeEach(() => jest.useFakeTimers({ now: 1_000_000 }))
afterEach(() => jest.useRealTimers())

describe('a loss', () => {
  it('is a line of its own, at error level', () => {
    const { lines, lose } = setup()
    lose(0, 1)
    expect(lines).toEqual([
      {
        level: 'error',
        text: 'tradecloud-webhook: Given up PO-0.',
        fields: { code: 'rejected', kind: 'order', entityId: 'PO-0.' },
      },
    ])
  })

  it('is never omitted: 200 of them are in a few lines within a second, each with its ID', () => {
    const { lines, texts, lose } = setup()
    lose(0, 200)
    jest.advanceTimersByTime(1_000)
    expect(lines.length).toBeLessThan(20)
    for (const id of ids(0, 200)) expect(texts().filter((text) => text.includes(id))).toHaveLength(1)
    expect(lines.every(({ level, text }) => level === 'error' && text.length < 10_000)).toBe(true)
    const fields = lines.flatMap((line) => line.fields.events ?? [line.fields])
    expect(fields.map(({ code, entityId }) => [code, entityId])).toEqual(ids(0, 200).map((id) => ['rejected', id]))
  })

  it('of a second is in the line of that second, and the line names their number', () => {
    const { texts, lose } = setup()
    lose(0, 13)
    expect(texts()).toHaveLength(10)
    jest.advanceTimersByTime(999)
    expect(texts()).toHaveLength(10)
    jest.advanceTimersByTime(1)
    expect(texts().slice(10)).toEqual([
      'tradecloud-webhook: Given up (3 more in one line): order "PO-10.", order "PO-11.", order "PO-12."',
    ])
    lose(13, 14)
    jest.advanceTimersByTime(1_000)
    expect(texts()[11]).toContain('(1 more in one line): order "PO-13."')
  })

  it('is a line of its own again after a minute', () => {
    const { texts, lose } = setup()
    lose(0, 12)
    jest.advanceTimersByTime(60_000)
    lose(12, 13)
    expect(texts().at(-1)).toBe('tradecloud-webhook: Given up PO-12.')
  })

  it('has a name even without an order: its ID in the inbox, or that of its request', () => {
    const { texts, lose } = setup()
    lose(0, 10)
    lose(10, 11, { entityId: undefined, kind: undefined, requestId: 'r-1' })
    lose(11, 12, { entityId: undefined, inboxId: 'i-1', requestId: 'r-2' })
    jest.advanceTimersByTime(1_000)
    expect(texts().at(-1)).toContain(': request r-1, i-1 (order request r-2)')
  })

  it('with a long ID is whole, and lines of such IDs stay short', () => {
    const { lines, log } = setup()
    const long = ids(0, 100).map((id) => id.padEnd(256, '#'))
    for (const entityId of long) log.loss('Given up', '', { code: 'rejected', entityId })
    log.close()
    const combined = lines.slice(10)
    for (const entityId of long.slice(10)) expect(combined.some(({ text }) => text.includes(entityId))).toBe(true)
    expect(Math.max(...combined.map(({ text }) => text.length))).toBeLessThan(10_000)
  })

  it('of another sort has a line of its own', () => {
    const { texts, log, lose } = setup()
    lose(0, 20)
    log.loss('Quarantined', 'Quarantined i-1', { code: 'quarantined' })
    expect(texts().at(-1)).toContain('Quarantined i-1')
  })

  it('that is pending is written at close(), and when the process exits', () => {
    const { texts, log, lose } = setup()
    const before = process.listenerCount('exit')
    lose(0, 12)
    expect(process.listenerCount('exit')).toBe(before + 1)
    for (const listener of process.listeners('exit').slice(before)) listener.call(process, 0)
    expect(texts()).toHaveLength(11)
    expect(process.listenerCount('exit')).toBe(before)
    lose(12, 14)
    log.close()
    expect(texts()[11]).toContain('"PO-12.", order "PO-13."')
    expect(process.listenerCount('exit')).toBe(before)
    expect(jest.getTimerCount()).toBe(0)
    jest.advanceTimersByTime(120_000)
    expect(texts()).toHaveLength(12)
  })

  it('after close() is written too', () => {
    const { texts, log, lose } = setup()
    log.close()
    lose(0, 12)
    jest.advanceTimersByTime(1_000)
    expect(texts()).toHaveLength(11)
  })
})

describe('another line', () => {
  it('is written ten times a minute, and a timer writes how many were omitted', () => {
    const { lines, texts, log } = setup()
    for (let i = 0; i < 25; i++) log.line('warn', 'fetch_failed', `text ${i}`)
    expect(lines).toHaveLength(10)
    jest.advanceTimersByTime(59_999)
    expect(lines).toHaveLength(10)
    jest.advanceTimersByTime(1)
    expect(lines.slice(10)).toEqual([
      {
        level: 'warn',
        text: 'tradecloud-webhook: Lines about fetch_failed that were omitted within a minute: 15',
        fields: { code: 'fetch_failed' },
      },
    ])
    log.line('warn', 'fetch_failed', 'again')
    expect(texts()[11]).toBe('tradecloud-webhook: again')
    jest.advanceTimersByTime(600_000)
    expect(lines).toHaveLength(12)
  })

  it('that was omitted is counted at close()', () => {
    const { texts, log } = setup()
    for (let i = 0; i < 11; i++) log.line('error', 'x', 'text')
    log.close()
    expect(texts()[10]).toContain('omitted within a minute: 1')
    expect(jest.getTimerCount()).toBe(0)
  })

  it('of one topic does not silence another', () => {
    const { texts, log } = setup()
    for (let i = 0; i < 25; i++) log.line('warn', 'x', 'text')
    log.line('warn', 'y', 'other')
    expect(texts()).toContain('tradecloud-webhook: other')
  })

  it('starts no timer where nothing was omitted', () => {
    const { lines, log } = setup()
    for (let minute = 0; minute < 3; minute++) {
      for (let i = 0; i < 10; i++) log.line('error', 'x', 'text')
      expect(jest.getTimerCount()).toBe(0)
      jest.advanceTimersByTime(60_000)
    }
    expect(lines).toHaveLength(30)
  })

  it('is not put together where it is omitted', () => {
    const { log } = setup()
    const text = jest.fn(() => 'text')
    for (let i = 0; i < 25; i++) log.line('warn', 'x', text)
    expect(text).toHaveBeenCalledTimes(10)
  })

  it('stays one line', () => {
    const { texts, log } = setup()
    log.line('warn', 'x', 'a\nb\r\u001b[31m\u2028c\u009b')
    expect(texts()[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  })
})

describe('a line that is written once', () => {
  it('is written for each key', () => {
    const { texts, log } = setup()
    for (const key of ['a', 'b', 'a', 'a', 'b']) log.once('error', 'not_routed', key, `path ${key}`)
    expect(texts()).toEqual(['tradecloud-webhook: path a', 'tradecloud-webhook: path b'])
    jest.advanceTimersByTime(600_000)
    log.once('error', 'other', 'a', 'other a')
    log.once('error', 'not_routed', 'a', 'path a')
    expect(texts()).toHaveLength(3)
  })

  it('is limited like any other, and a key that was omitted is written later', () => {
    const { texts, log } = setup()
    for (let i = 0; i < 12; i++) log.once('warn', 'ignored', `name ${i}`, `name ${i}`)
    expect(texts()).toHaveLength(10)
    jest.advanceTimersByTime(60_000)
    expect(texts()[10]).toContain('omitted within a minute: 2')
    for (let i = 0; i < 12; i++) log.once('warn', 'ignored', `name ${i}`, `name ${i}`)
    expect(texts().slice(11)).toEqual(['tradecloud-webhook: name 10', 'tradecloud-webhook: name 11'])
  })

  it('remembers a limited number of keys', () => {
    const { texts, log } = setup()
    for (let i = 0; i < 1_001; i++) {
      log.once('warn', 'x', String(i), 'text')
      if (i % 10 === 9) jest.advanceTimersByTime(60_000)
    }
    jest.advanceTimersByTime(60_000)
    log.once('warn', 'x', '501', 'again')
    expect(texts().at(-1)).not.toContain('again')
    log.once('warn', 'x', '0', 'again')
    expect(texts().at(-1)).toContain('again')
  })
})

describe('fields', () => {
  it('are those of the event, without what is not known, and with a copy of the error', () => {
    const { lines, log } = setup()
    const cause = Object.assign(new RangeError('down'), { code: 'E1', config: { password: 'hunter2' } })
    const about = {
      kind: 'order',
      eventName: 'OrderIssuedByBuyer',
      entityId: 'PO-1',
      deliveryId: 'd-1',
      inboxId: 'i-1',
    }
    log.line('warn', 'topic', 'text', { ...about, requestId: 'r-1', code: 'handler_failed', method: 'POST', cause })
    const { err, ...rest } = lines[0]!.fields
    expect(rest).toEqual({ ...about, requestId: 'r-1', code: 'handler_failed' })
    expect(err).toBeInstanceOf(Error)
    expect(err).toMatchObject({ name: 'RangeError', message: 'down', code: 'E1' })
    expect(err).not.toHaveProperty('config')
    log.line('warn', 'topic', 'text')
    expect(Object.keys(lines[1]!.fields)).toEqual(['code'])
  })
})
