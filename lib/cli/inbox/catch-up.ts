/** `inbox catch-up`: requests a catch-up from a running process, and reports what was missing. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CatchUpInbox, CatchUpRequest, RunStatus } from '../../inbox/catch-up/storage'
import { JSON_OPTION, type Invocation, type Command } from '../command'
import { Failure, UsageError } from '../errors'
import { print, printLines, ProgressLine, styled } from '../output'
import { count, duration, printable, printableJson } from '../printable'
import { durationOf, textOf, timeOf } from '../values'
import { TARGET_OPTIONS, withInbox } from './target'

const DEFAULT_WAIT_MS = 30_000
const LOOK_EVERY_MS = 250
/**
 * The process that runs the catch-up reports its progress every second. After this time without a report it counts as
 * stopped.
 */
const SILENT_MS = 30_000
const DEFAULT_NAME = 'tradecloud'

export const catchUp: Command = {
  summary: 'Looks for orders and shipments that never arrived, and has them delivered.',
  details: `A running process with the option catchUp executes the run. With --from, --all or --dry-run its cursor
does not move. Records of what arrived are kept for two days by default: every change before that counts as
missing.

Exit code: 0 nothing was missing; 1 the run failed, or no process took it; 2 wrong usage; 3 something was
missing.`,
  options: {
    from: {
      type: 'string',
      value: 'time',
      help: 'What changed since then: 2026-05-31, 2026-05-31T08:00Z (UTC without a zone), or 2h. Default: the cursor.',
    },
    all: { type: 'boolean', help: 'Also delivers changes that have already arrived.' },
    'dry-run': { type: 'boolean', help: 'Only reports what would be delivered.' },
    name: {
      type: 'string',
      value: 'name',
      help: `The option name of the webhook or worker. Default: ${DEFAULT_NAME}.`,
    },
    wait: {
      type: 'string',
      value: 'duration',
      help: 'How long to wait for a process to take the request. Default: 30s.',
    },
    ...JSON_OPTION,
    ...TARGET_OPTIONS,
  },
  run: async (call) => {
    const { values, words } = call
    if (words[0] !== undefined) throw new UsageError(`catch-up takes no ${printable(words[0])}.`)
    const waitMs = durationOf('wait', values.wait) ?? DEFAULT_WAIT_MS
    const name = textOf('name', values.name) ?? DEFAULT_NAME
    const request = requestOf(call)
    return withInbox(call, async (inbox) => {
      const requests = inbox.catchUp?.(name)
      if (!requests) throw new Failure('This inbox has no catch-up.')
      const { state, report = {} } = await follow(requests, request, waitMs)
      const model = { state, ...(report as Partial<RunReport>) }
      if (values.json) await print(`${printableJson(model)}\n`)
      else await printLines(linesOf(model, request))
      if (state === 'failed') return 1
      return (model.recoveredTotal ?? 0) > 0 ? 3 : 0
    })
  },
}

interface RunReport {
  from: string
  to?: string
  polled: number
  covered: number
  skipped: number
  recovered: Array<{ kind: string; id: string; lines: string[]; lastUpdatedAt?: string }>
  recoveredTotal: number
  error?: string
}

function requestOf({ values }: Invocation): CatchUpRequest {
  const { from: text, all, 'dry-run': dryRun } = values
  // A time without a zone is read as UTC. Node would read it as local time.
  const hasTime = typeof text === 'string' && text.includes('T') && !/(Z|[+-]\d\d:\d\d)$/.test(text)
  const from = timeOf('from', hasTime ? `${text}Z` : text)
  return { from: from?.toISOString(), ...(all === true && { all }), ...(dryRun === true && { dryRun }) }
}

async function follow(requests: CatchUpInbox, request: CatchUpRequest, waitMs: number): Promise<RunStatus> {
  const id = await requests.requestRun(request)
  const progress = new ProgressLine()
  const since = performance.now()
  try {
    for (;;) {
      const status = await requests.runStatus(id)
      if (status === undefined) throw new Failure('The request has expired: no process took it.')
      if (status.state === 'done' || status.state === 'failed') return status
      const isLate = status.state === 'waiting' && performance.now() - since >= waitMs
      if (isLate && (await requests.withdrawRequest(id)))
        throw new Failure(
          `No process took the request within ${duration(waitMs)}: a webhook or worker with the option catchUp must be running.`,
        )
      if (status.state === 'running' && status.reportedAgoMs > SILENT_MS)
        throw new Failure('The process that took the request has ended before the run.')
      progress.show(progressOf(status))
      await sleep(LOOK_EVERY_MS)
    }
  } finally {
    progress.end()
  }
}

function progressOf({ state, report }: RunStatus): string {
  if (state === 'waiting') return 'Waiting for a process to take the request'
  const { polled, total, recoveredTotal } = (report ?? {}) as {
    polled?: number
    total?: number
    recoveredTotal?: number
  }
  const all = total === undefined ? '' : ` of ${count(total)}`
  return `Read ${count(polled ?? 0)}${all} orders and shipments, ${count(recoveredTotal ?? 0)} missing`
}

function* linesOf(
  {
    state,
    from = '',
    polled = 0,
    covered = 0,
    skipped = 0,
    recovered = [],
    recoveredTotal = 0,
    error,
  }: Partial<RunReport> & Pick<RunStatus, 'state'>,
  { all, dryRun }: CatchUpRequest,
): Generator<string> {
  for (const { kind, id, lines, lastUpdatedAt } of recovered) {
    const changed = lines.length > 0 ? `, lines ${lines.map(printable).join(', ')}` : ''
    yield `${printable(kind)} ${printable(id)}${changed}${lastUpdatedAt === undefined ? '' : `, changed at ${printable(lastUpdatedAt)}`}`
  }
  if (recoveredTotal > recovered.length) yield `… and ${count(recoveredTotal - recovered.length)} more.`
  if (state === 'failed') yield `${styled('red', 'The run failed')}: ${printable(error ?? '')}`
  if (from === '') return
  // A failed run may not have read all changes, so more may be missing than it has found.
  const nothing = state === 'failed' ? 'nothing missing was found before that' : styled('green', 'nothing was missing')
  const delivered = dryRun ? 'would be delivered' : all ? 'are delivered now' : 'never arrived and are delivered now'
  const missing = recoveredTotal === 0 ? nothing : styled('yellow', `${count(recoveredTotal)} ${delivered}`)
  const counts = [missing, `${count(covered)} had arrived`, ...(skipped > 0 ? [`${count(skipped)} not wanted`] : [])]
  yield `Read ${count(polled)} orders and shipments that have changed since ${printable(from)}: ${counts.join(', ')}.`
}
