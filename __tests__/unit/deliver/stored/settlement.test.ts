/** How an event from the inbox is settled: retried at a certain time, or kept for a certain reason. */
import { retryDelayMs, settlementOf } from '../../../../lib/deliver/stored/settlement'
import { failureOf } from '../../../../lib/deliver/failure'
import { RejectEvent } from '../../../../lib/errors/errors'
import type { InboxDelivery } from '../../../../lib/inbox/inbox'
import type { Result } from '../../../../lib/answer/respond'

const retry = { forMs: 1000, minDelayMs: 10, maxDelayMs: 100 }
const now = 1_700_000_000_000

beforeEach(() => {
  jest.useFakeTimers({ now })
})
afterEach(() => {
  jest.useRealTimers()
})

function settle(result: Result, { attempt = 1, failingMs = 0, ageMs = 0, graceMs = 500 } = {}) {
  const delivery = {
    attempt,
    firstAttemptAt: new Date(now - failingMs),
    event: { receivedAt: new Date(now - ageMs).toISOString() },
  } as InboxDelivery
  return settlementOf(result, delivery, { retry, notFoundGraceMs: graceMs })
}

it('is delivered when the callback finished, however long that took', () => {
  expect(settle({ outcome: 'delivered' }, { failingMs: 5000 })).toEqual({ result: 'delivered' })
})

it.each(['handler_failed', 'fetch_failed', 'fetch_timeout', 'unavailable'] as const)(
  'is tried again after %s, until it has failed for long enough and ten times',
  (outcome) => {
    expect(settle({ outcome }, { failingMs: 999, attempt: 10 })).toMatchObject({ result: 'retry', outcome })
    // Before the tenth attempt, the event is not dead, because the clock may have been set ahead.
    expect(settle({ outcome }, { failingMs: 1000, attempt: 9 })).toMatchObject({ result: 'retry', outcome })
    expect(settle({ outcome }, { failingMs: 1000, attempt: 10 })).toMatchObject({ result: 'dead', outcome })
  },
)

it.each(['rejected', 'invalid_id'] as const)('is dead at once after %s', (outcome) => {
  expect(settle({ outcome })).toMatchObject({ result: 'dead' })
})

it.each(['malformed_body', 'invalid_body', 'unsupported_media_type', 'ignored'] as const)(
  'goes to quarantine after %s, however long it failed before',
  (outcome) => {
    expect(settle({ outcome }, { failingMs: 5000 })).toMatchObject({ result: 'quarantined' })
  },
)

it('whose ID is unknown is tried again for the grace time from its arrival on', () => {
  expect(settle({ outcome: 'not_found' }, { ageMs: 499, attempt: 10 })).toMatchObject({ result: 'retry' })
  expect(settle({ outcome: 'not_found' }, { ageMs: 500, attempt: 9 })).toMatchObject({ result: 'retry' })
  expect(settle({ outcome: 'not_found' }, { ageMs: 500, attempt: 10 })).toMatchObject({ result: 'dead' })
  expect(settle({ outcome: 'not_found' }, { graceMs: 0 })).toMatchObject({ result: 'dead' })
  expect(settle({ outcome: 'fetch_failed' }, { ageMs: 500 })).toMatchObject({ result: 'retry' })
})

it('gives the outcome, and as the reason its detail and what was thrown, on one line', () => {
  expect(settle({ outcome: 'invalid_body', detail: 'No.' })).toMatchObject({ outcome: 'invalid_body', reason: 'No.' })
  expect(settle({ outcome: 'fetch_failed' })).toMatchObject({ reason: 'fetch_failed' })
  expect(settle({ outcome: 'handler_failed', cause: new TypeError('down\nand out') })).toMatchObject({
    reason: 'TypeError: down\\u000aand out',
  })
  expect(settle({ outcome: 'unavailable', detail: 'Away.', cause: new Error('"x" is down') })).toMatchObject({
    reason: 'Away: Error: "x" is down',
  })
  const rejected = failureOf(new RejectEvent('unknown\nsupplier'))
  expect(settle(rejected)).toMatchObject({ outcome: 'rejected', reason: 'unknown\\u000asupplier' })
  expect(settle(failureOf(new RejectEvent('')))).toMatchObject({ reason: expect.stringContaining('RejectEvent') })
})

describe('the wait', () => {
  it('doubles with each failure up to the longest one, and half of it is random', () => {
    const waits = (failures: number, random: number) => {
      jest.spyOn(Math, 'random').mockReturnValue(random)
      return retryDelayMs(failures, { minDelayMs: 1000, maxDelayMs: 900_000 })
    }
    expect([1, 2, 3, 10, 11, 60, 5000].map((failures) => waits(failures, 0.999999))).toEqual([
      1000, 2000, 4000, 512_000, 900_000, 900_000, 900_000,
    ])
    expect([1, 2, 11, 5000].map((failures) => waits(failures, 0))).toEqual([500, 1000, 450_000, 450_000])
    jest.restoreAllMocks()
  })
})
