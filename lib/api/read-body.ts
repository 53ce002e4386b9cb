/** The whole body of a response, limited in bytes. */
import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

export const BODY_TOO_LARGE = 'ERR_BODY_TOO_LARGE'

/**
 * `onPiece` is called for each chunk. Rejects with the error of the stream, or if the body is larger than `maxBytes`.
 * The stream is always closed.
 */
export async function readBody(body: Readable, maxBytes: number, onPiece: () => void): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = sizeOf(body) ?? 0
  if (bytes > maxBytes) {
    body.destroy()
    throw tooLarge(maxBytes)
  }
  bytes = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    onPiece()
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    pieces.push(piece)
  }
  return Buffer.concat(pieces, bytes)
}

/**
 * The size of a body, if its headers contain it. `undefined` for a body that was decompressed, because its header has
 * the compressed size.
 */
export function sizeOf(body: Readable): number | undefined {
  const length = body instanceof IncomingMessage ? Number(body.headers['content-length'] ?? NaN) : NaN
  return Number.isSafeInteger(length) ? length : undefined
}

function tooLarge(maxBytes: number): Error {
  const error: NodeJS.ErrnoException = new Error(`the answer is larger than ${maxBytes} bytes (maxResponseBytes)`)
  error.code = BODY_TOO_LARGE
  return error
}
