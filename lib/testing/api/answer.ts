/**
 * A response of the simulated API, before it is sent. The texts of error bodies are made up, because they are not
 * documented.
 */

export interface SimulatedAnswer {
  status: number
  headers?: Record<string, string>
  /** Default: no body. */
  body?: string | Buffer | undefined
  /** Content-Type of the body. Default: 'application/json'. */
  contentType?: string | undefined
}

export function json(value: unknown, headers?: Record<string, string>): SimulatedAnswer {
  return { status: 200, headers, body: JSON.stringify(value) }
}

export function refusal(status: number, message: string, headers?: Record<string, string>): SimulatedAnswer {
  return { status, headers, body: JSON.stringify({ message }) }
}
