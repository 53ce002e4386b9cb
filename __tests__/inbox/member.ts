/**
 * A process that shares an inbox: it stores events on request, and delivers due events to a callback that records each
 * step in a file. Started by `members.ts`, and killed by the tests.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Accepted, Inbox, InboxDelivery } from '../../lib/inbox/inbox'
import type { StoredEvent } from '../../lib/inbox/stored-event'
import { openInbox, type MemberOptions, type Order, type Report } from './protocol'
import { eventOf } from './numbered-event'

const {
  engine,
  ledger,
  callbackMs,
  failing,
  concurrency,
  bodyBytes,
  maxDelayMs = 900_000,
  name = process.pid,
  wanted = [{ kind: 'order' }],
} = JSON.parse(process.argv[2] ?? '{}') as MemberOptions
const inbox: Inbox = openInbox(engine)
const steps = openSync(ledger, 'a')
let running = 0
let taking = false
let again = false
let timer: NodeJS.Timeout | undefined

function report(message: Report): void {
  process.send?.(message)
}

/** One line per step, appended in a single write, so that a kill leaves only complete lines. */
function note(step: 'begin' | 'end' | 'fail', { event, attempt }: InboxDelivery): void {
  const line = [process.hrtime.bigint(), process.pid, step, event.entity?.id, event.requestId, attempt, name].join(' ')
  writeSync(steps, `${line}\n`)
}

async function deliver(delivery: InboxDelivery): Promise<void> {
  const owned = delivery.isOwned()
  if (owned) note('begin', delivery)
  if (owned) await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * callbackMs))
  const fails = !owned || Math.random() < failing
  if (owned) note(fails ? 'fail' : 'end', delivery)
  const reason = { outcome: 'handler_failed', reason: 'the ERP system failed' }
  const settlement = fails
    ? ({ result: 'retry', delayMs: Math.ceil(Math.random() * 20), ...reason } as const)
    : ({ result: 'delivered' } as const)
  for (;;) {
    try {
      await inbox.settle(delivery, settlement)
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function takeDue(): Promise<void> {
  if (taking) {
    again = true
    return
  }
  taking = true
  clearTimeout(timer)
  let waitMs = 1_000
  try {
    do {
      again = false
      const limit = concurrency - running
      if (limit === 0) break
      const { deliveries, nextDueInMs = waitMs } = await inbox.take({ limit, maxBytes: 256 * 1024 * 1024 })
      waitMs = Math.min(waitMs, nextDueInMs)
      for (const delivery of deliveries) {
        running++
        void deliver(delivery).finally(() => {
          running--
          void takeDue()
        })
      }
      if (deliveries.length > 0) again = true
    } while (again)
  } catch {
    waitMs = 100
  }
  taking = false
  timer = setTimeout(() => void takeDue(), waitMs)
}

const opened: number[] = []

function exhaust(): void {
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'))
  } catch {
    report({ exhausted: true })
  }
}

async function store(event: StoredEvent, bytes: Buffer): Promise<Accepted> {
  if (concurrency > 0 && !(await inbox.isWanted(event.name, event.kind, event.eventName))) report({ ignored: true })
  return inbox.accept(event, bytes)
}

process.on('message', (order: Order) => {
  if (order === 'exit') process.exit(7)
  if (order === 'exhaust') return exhaust()
  if (order === 'release') return opened.splice(0).forEach((file) => closeSync(file))
  if (order === 'end') {
    void inbox.close().then(() => process.exit(0))
    return
  }
  store(...eventOf(order, bodyBytes)).then(
    ({ result }) => report({ accepted: order.number, result }),
    (error: unknown) => report({ refused: order.number, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(1))

if (concurrency > 0)
  inbox.attach({
    name: 'faults',
    wanted,
    maxDelayMs,
    wake: () => void takeDue(),
    leaseLost: () => report({ leaseLost: true }),
    alarm: ({ message }) => report({ alarm: message }),
  })
inbox.ready().then(
  () => {
    if (concurrency > 0) void takeDue()
    report({ ready: true })
  },
  (error: unknown) => {
    console.error(error)
    process.exit(2)
  },
)
