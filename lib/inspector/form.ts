import type { IncomingMessage } from 'node:http'

const MAX_BYTES = 16 * 1024

/** Returns `undefined` if the form is too long. If a parser of the app has already read the form, uses its result. */
export async function readForm(req: IncomingMessage & { body?: unknown }): Promise<URLSearchParams | undefined> {
  if (req.readableEnded) return new URLSearchParams(stringsOf(req.body))
  const chunks: Buffer[] = []
  let size = 0
  // The response is sent on the same connection, so the stream must not be destroyed if this loop ends early.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

function stringsOf(body: unknown): Record<string, string> | string {
  if (typeof body === 'string') return body
  if (typeof body !== 'object' || body === null) return {}
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
