/** What a process remembers: the newest state of an entity, failed calls, and IDs that the API did not know. */
import type { EntityState } from '../../../lib/events/entity'
import { History } from '../../../lib/deliver/history'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (seconds: number, zone = 'Z') => `2025-04-23T10:00:${String(seconds).padStart(2, '0')}${zone}`

describe('outdated', () => {
  it.each<[string, EntityState[], EntityState, boolean]>([
    ['nothing before', [], { version: 1 }, false],
    ['a newer version before', [{ version: 2 }], { version: 1 }, true],
    ['the same version before', [{ version: 2 }], { version: 2 }, false],
    ['an older version before', [{ version: 1 }], { version: 2 }, false],
    ['version 0 before', [{ version: 0 }], { version: 1 }, false],
    ['version 0 after', [{ version: 1 }], { version: 0 }, true],
    ['a newer time before', [{ lastUpdatedAt: at(2) }], { lastUpdatedAt: at(1) }, true],
    ['an older time before', [{ lastUpdatedAt: at(1) }], { lastUpdatedAt: at(2) }, false],
    [
      'the same time in another zone',
      [{ lastUpdatedAt: at(1) }],
      { lastUpdatedAt: '2025-04-23T12:00:01+02:00' },
      false,
    ],
    ['an older time in another zone', [{ lastUpdatedAt: at(1) }], { lastUpdatedAt: '2025-04-23T12:00:00+0200' }, true],
    [
      'an older time in a zone without minutes',
      [{ lastUpdatedAt: at(1) }],
      { lastUpdatedAt: '2025-04-23T12:00+02' },
      true,
    ],
    ['a later time without seconds', [{ lastUpdatedAt: at(2) }], { lastUpdatedAt: '2025-04-23T10:01Z' }, false],
    ['an older time without seconds or zone', [{ lastUpdatedAt: at(2) }], { lastUpdatedAt: '2025-04-23T10:00' }, true],
    ['a time without a zone, which is UTC', [{ lastUpdatedAt: at(2, '') }], { lastUpdatedAt: at(1) }, true],
    ['a later time without a zone', [{ lastUpdatedAt: at(2) }], { lastUpdatedAt: at(3, '') }, false],
    [
      'milliseconds',
      [{ lastUpdatedAt: '2025-04-23T10:00:00.002Z' }],
      { lastUpdatedAt: '2025-04-23T10:00:00.001Z' },
      true,
    ],
    [
      'the version decides before the time',
      [{ version: 2, lastUpdatedAt: at(1) }],
      { version: 1, lastUpdatedAt: at(9) },
      true,
    ],
    [
      'the time decides where versions are the same',
      [{ version: 2, lastUpdatedAt: at(2) }],
      { version: 2, lastUpdatedAt: at(1) },
      true,
    ],
    [
      'the time decides where a version is missing',
      [{ version: 2, lastUpdatedAt: at(2) }],
      { lastUpdatedAt: at(1) },
      true,
    ],
    ['nothing to compare', [{ version: 2 }], { lastUpdatedAt: at(1) }, false],
    ['nothing at all', [{ version: 2, lastUpdatedAt: at(1) }], {}, false],
    ['times that cannot be read', [{ lastUpdatedAt: 'yesterday' }], { lastUpdatedAt: 'today' }, false],
    ['the newest counts, not the last', [{ version: 3 }, { version: 1 }], { version: 2 }, true],
    [
      'a state without a version keeps the newest one',
      [{ version: 3, lastUpdatedAt: at(1) }, { lastUpdatedAt: at(2) }],
      { version: 2, lastUpdatedAt: at(3) },
      true,
    ],
    ['an event that tells no state before', [{}, { version: 2 }], { version: 1 }, true],
    ['an event that tells no state before, by time', [{}, { lastUpdatedAt: at(2) }], { lastUpdatedAt: at(1) }, true],
    ['an event that tells the time alone before', [{ lastUpdatedAt: at(1) }, { version: 2 }], { version: 1 }, true],
    [
      'an event that tells the version alone before',
      [{ version: 1 }, { lastUpdatedAt: at(2) }],
      { lastUpdatedAt: at(1) },
      true,
    ],
    [
      'a time that cannot be read before',
      [{ lastUpdatedAt: 'yesterday' }, { lastUpdatedAt: at(2) }],
      { lastUpdatedAt: at(1) },
      true,
    ],
  ])('%s', (_what, before, state, expected) => {
    const history = new History()
    for (const delivered of before) history.delivered('order:1', delivered)
    expect(history.isOutdated('order:1', state)).toBe(expected)
    expect(history.isOutdated('order:2', state)).toBe(false)
  })
})

describe('attempts', () => {
  it('count the calls that failed, and begin anew after one that did not', () => {
    const history = new History()
    expect(history.attempt('a')).toBe(1)
    expect(history.attempt('a')).toBe(1)
    history.called('a', false)
    history.called('a', false)
    expect(history.attempt('a')).toBe(3)
    expect(history.attempt('b')).toBe(1)
    history.called('a', true)
    expect(history.attempt('a')).toBe(1)
  })
})

describe('an ID that the API does not know', () => {
  it('may still appear for the time of grace after its first trigger', () => {
    const history = new History()
    expect(history.mayStillAppear('order:1', 1000, HOUR)).toBe(true)
    expect(history.mayStillAppear('order:1', 1000 + HOUR - 1, HOUR)).toBe(true)
    expect(history.mayStillAppear('order:2', 1000 + HOUR, HOUR)).toBe(true)
    expect(history.mayStillAppear('order:1', 1000 + HOUR, HOUR)).toBe(false)
  })

  it('gets no grace where there is none', () => {
    expect(new History().mayStillAppear('order:1', 1000, 0)).toBe(false)
  })

  it('that had appeared meanwhile gets its grace anew', () => {
    const history = new History()
    history.mayStillAppear('order:1', 0, HOUR)
    history.appeared('order:1')
    expect(history.mayStillAppear('order:1', 2 * HOUR, HOUR)).toBe(true)
  })

  it('gets its grace anew once it was given up', () => {
    const history = new History()
    history.mayStillAppear('order:1', 0, HOUR)
    expect(history.mayStillAppear('order:1', HOUR, HOUR)).toBe(false)
    expect(history.mayStillAppear('order:1', HOUR + 1, HOUR)).toBe(true)
  })

  it('without a trigger for a day counts as new', () => {
    const history = new History()
    history.mayStillAppear('order:1', 0, HOUR)
    expect(history.mayStillAppear('order:1', DAY, HOUR)).toBe(true)
    expect(history.mayStillAppear('order:1', DAY + HOUR, HOUR)).toBe(false)
  })

  it('whose grace is longer than a day has it all', () => {
    const history = new History()
    for (let day = 0; day < 3; day += 2) expect(history.mayStillAppear('order:1', day * DAY, 3 * DAY)).toBe(true)
    expect(history.mayStillAppear('order:1', 3 * DAY, 3 * DAY)).toBe(false)
  })
})
