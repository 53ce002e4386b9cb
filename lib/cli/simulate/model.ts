/** The results of a simulation, shared by its page, the terminal and `--json`. */
import type { ApiCounts } from '../../testing/api/surface'
import type { TriggerReport } from '../../testing/sender/report'

export type Fate = 'delivered' | 'given up' | 'still retrying' | 'unreachable' | 'on its way' | 'lost'

export interface SimulatedEvent {
  orderId: string
  eventName: string
  fate: Fate
  attempts: number
  /** Status of the last response. */
  status?: number | undefined
  /** The reason that the receiver gave, or why there was no response. */
  detail?: string | undefined
}

export interface SimulationModel {
  to: string
  orders: number
  done: boolean
  counts: Record<Fate, number>
  /** Number of delivered events that needed more than one attempt. */
  repeated: number
  /** Number of events that were lost on purpose, but whose order the receiver has fetched from the API. */
  recovered: number
  api: { baseUrl: string; username: string; password: string } & ApiCounts
  events: SimulatedEvent[]
}

/** An event that was sent, or left out on purpose. */
export interface Sending {
  orderId: string
  eventName: string
  /** The report of the sender; `undefined` for an event that was left out. */
  report: TriggerReport | undefined
  /** True once the sender makes no further attempt. */
  ended: boolean
}

/** `hide`: removes credentials from a response. */
export function modelOf(
  { orderId, eventName, report, ended }: Sending,
  hide: (text: string) => string,
): SimulatedEvent {
  if (!report) return { orderId, eventName, fate: 'lost', attempts: 0 }
  const last = report.attempts.at(-1)
  return {
    ...{ orderId, eventName, fate: ended ? report.result : 'on its way', attempts: report.attempts.length },
    ...{ status: last?.status, detail: last && (last.error?.message ?? detailOf(hide(last.body))) },
  }
}

export function countFates(events: readonly SimulatedEvent[]): Record<Fate, number> {
  const counts = { delivered: 0, 'given up': 0, 'still retrying': 0, unreachable: 0, 'on its way': 0, lost: 0 }
  for (const { fate } of events) counts[fate]++
  return counts
}

const MAX_DETAIL = 200

/** The code, detail and outcome if the body is JSON that has any of these, otherwise the beginning of the body. */
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
