/**
 * What the simulated API answers, before it goes over a socket. The text of error bodies is made up.
 */

export interface ApiAnswer {
  status: number
  headers?: Record<string, string>
  /** Default: no body. */
  body?: string | Buffer | undefined
  /** Of the body. Default: 'application/json'. */
  contentType?: string | undefined
}

export function json(value: unknown, headers?: Record<string, string>): ApiAnswer {
  return { status: 200, headers, body: JSON.stringify(value) }
}

export function refusal(status: number, message: string, headers?: Record<string, string>): ApiAnswer {
  return { status, headers, body: JSON.stringify({ message }) }
}
