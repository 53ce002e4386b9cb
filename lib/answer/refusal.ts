/** A refusal while a request is received: a result rather than an exception, because it is expected. */
import type { Outcome, Result } from './respond'

export type Refusal = { ok: false; outcome: Outcome } & Omit<Result, 'outcome'>

export function refuse(outcome: Outcome, detail: string, more: Omit<Result, 'outcome' | 'detail'> = {}): Refusal {
  return { ok: false, outcome, detail, ...more }
}

/** Turns the reason for a refusal into the sentence that the sender gets. */
export function sentence(reason: string): string {
  return `${reason[0]?.toUpperCase() ?? ''}${reason.slice(1)}.`
}
