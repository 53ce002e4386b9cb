/** What became of each event of a simulation, as the page, the terminal and `--json` show it. */
import type { ApiCounts } from '../../testing/api/surface'
import type { TriggerReport } from '../../testing/sender/report'

export type Fate = 'delivered' | 'given up' | 'still retrying' | 'unreachable' | 'on its way' | 'lost'

export interface EventModel {
  orderId: string
  eventName: string
  fate: Fate
  attempts: number
  /** Of the last response. */
  status?: number | undefined
  /** What the receiver says of it, or why there is no response. */
  detail?: string | undefined
}

export interface SimulationModel {
  to: string
  orders: number
  /** The last event was sent. */
  done: boolean
  counts: Record<Fate, number>
  /** Delivered after more than one attempt. */
  repeated: number
  /** Lost events whose order the receiver has fetched from the API since. */
  recovered: number
  api: { baseUrl: string; username: string; password: string } & ApiCounts
  events: EventModel[]
}

/** An event that was sent, or lost on purpose. */
export interface Sending {
  orderId: string
  eventName: string
  /** `undefined` for a lost one. */
  report: TriggerReport | undefined
  /** Its sending has ended. */
  ended: boolean
}

export function modelOf({ orderId, eventName, report, ended }: Sending): EventModel {
  if (!report) return { orderId, eventName, fate: 'lost', attempts: 0 }
  const last = report.attempts.at(-1)
  return {
    ...{ orderId, eventName, fate: ended ? report.result : 'on its way', attempts: report.attempts.length },
    ...{ status: last?.status, detail: last && (last.error?.message ?? detailOf(last.body)) },
  }
}

export function countFates(events: readonly EventModel[]): Record<Fate, number> {
  const counts = { delivered: 0, 'given up': 0, 'still retrying': 0, unreachable: 0, 'on its way': 0, lost: 0 }
  for (const { fate } of events) counts[fate]++
  return counts
}

const MAX_DETAIL = 200

/** Of problem details the code and the detail, otherwise the beginning. */
function detailOf(body: string): string | undefined {
  const text = wordsOf(body) ?? body
  return text === '' ? undefined : text.slice(0, MAX_DETAIL)
}

function wordsOf(body: string): string | undefined {
  try {
    const { code, detail, outcome } = JSON.parse(body) as Record<string, unknown>
    const words = [code, detail, outcome].filter((word) => typeof word === 'string')
    return words.length === 0 ? undefined : words.join(': ')
  } catch {
    return undefined
  }
}
