/** The expected table of responses, written independently of the implementation. */

/** The statuses that each outcome may have. With `refusals: 'retry'`, outcomes with `refusal` have 503 instead. */
export const TABLE: Record<string, { statuses: number[]; refusal?: true }> = {
  delivered: { statuses: [200] },
  duplicate: { statuses: [200] },
  ignored: { statuses: [200] },
  malformed_body: { statuses: [400], refusal: true },
  invalid_body: { statuses: [400], refusal: true },
  invalid_id: { statuses: [400], refusal: true },
  rejected: { statuses: Array.from({ length: 100 }, (_, i) => 400 + i) },
  unauthorized: { statuses: [401], refusal: true },
  not_found: { statuses: [404, 503] },
  method_not_allowed: { statuses: [405] },
  body_too_large: { statuses: [413], refusal: true },
  unsupported_media_type: { statuses: [415], refusal: true },
  fetch_failed: { statuses: [502] },
  fetch_timeout: { statuses: [504] },
  answer_timeout: { statuses: [504] },
  handler_failed: { statuses: [503] },
  in_progress: { statuses: [503] },
  unavailable: { statuses: [503] },
  not_routed: { statuses: [503] },
}

export function fits(outcome: string, status: number, retry: boolean | 'either'): boolean {
  const row = TABLE[outcome]
  if (!row) return false
  if (row.refusal && retry !== false && status === 503) return true
  return row.statuses.includes(status) && !(row.refusal && retry === true)
}
