/** Log lines of a catch-up: at most one per hour about found changes, and at most one per hour about failures. */
import { CatchUpLog } from '../../../lib/catch-up/catch-up-log'
import type { CatchUpReport } from '../../../lib/catch-up/catch-up-options'
import { Log } from '../../../lib/log/log'
import { pause } from '../../wait'

const MINUTE = 60_000
const found = (id: string) => ({ kind: 'order' as const, id, lines: [], lastUpdatedAt: undefined })

function rig({ warns = true, onCatchUp = (): unknown => undefined } = {}) {
  const lines: string[] = []
  const clock = { now: 0 }
  const add = (level: string) => (line: string) => void lines.push(`${level} ${line}`)
  const log = new Log({ warn: add('warn'), error: add('error') })
  return { lines, clock, log: new CatchUpLog(log, onCatchUp, warns, undefined, () => clock.now) }
}

test('the first that is found is named, then one line per hour counts what was found since', () => {
  const { lines, clock, log } = rig()
  for (let minute = 0; minute < 150; minute += 5) {
    clock.now = minute * MINUTE
    log.found(found(`PO-${minute}`))
    log.flushFound()
  }
  expect(lines).toEqual([
    expect.stringMatching(/^warn .* found a change that never arrived, and delivers what was missing: order "PO-0"\./),
    expect.stringMatching(/found 12 changes .*: order "PO-5", .*"PO-60"\. Something between Tradecloud/),
    expect.stringContaining('found 12 changes'),
  ])
})

test('of many, twenty are named as soon as they are found, and the others are counted', () => {
  const { lines, clock, log } = rig()
  for (let i = 0; i < 50; i++) log.found(found(`PO-${i}`))
  expect(lines).toEqual([expect.stringContaining('"PO-19".')])
  clock.now = 61 * MINUTE
  log.flushFound()
  expect(lines[1]).toMatch(/found 30 changes .*"PO-39" and 10 more\./)
})

test('without a webhook, finding is no news', () => {
  const { lines, log } = rig({ warns: false })
  log.found(found('PO-1'))
  log.flushFound()
  expect(lines).toEqual([])
})

test('failures are logged once an hour, with their number and the cursor', () => {
  const { lines, clock, log } = rig()
  for (let minute = 0; minute <= 125; minute += 5) {
    clock.now = minute * MINUTE
    log.failed('read all orders', '2025-11-02T10:00:00.000Z', new Error('down'))
  }
  expect(lines).toEqual([
    'error tradecloud-webhook: The catch-up could not read all orders: "Error: down". The next run continues from 2025-11-02T10:00:00.000Z.',
    expect.stringContaining('It has failed 12 times since the last such line.'),
    expect.stringContaining('It has failed 12 times since the last such line.'),
  ])
})

test('a skipped entity is named by its neighbours, once', () => {
  const { lines, log } = rig()
  for (let i = 0; i < 3; i++) log.skipped('order', 'PO-1', undefined, new Error('not JSON'))
  expect(lines).toEqual([
    expect.stringContaining('skipped one order of the list, between "PO-1" and the last, because'),
  ])
})

test('onCatchUp that throws or rejects ends nothing, and is logged', async () => {
  const report = { polled: 1 } as CatchUpReport
  for (const fails of [() => Promise.reject(new Error('no')), () => JSON.parse('{') as unknown]) {
    const { lines, log } = rig({ onCatchUp: fails })
    log.report(report, true)
    await pause(0)
    expect(lines).toEqual([expect.stringContaining('onCatchUp failed: ')])
  }
})
