/**
 * The body reader: bytes off the request, decompressed, bounded in size, in total and in patience. Express's own parser
 * answers 413 above 100 kB and 500 to a broken upload, and Tradecloud sends such an event never again.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { restartTimer, startTimer } from '../timers'
import type { ByteBudget } from './byte-budget'
import { Pieces } from './pieces'
import type { Refusal } from './refusal'

export interface ReadBodyOptions {
  /** Bytes after decompression. */
  limit: number
  /** An upload without a byte for so long is ended. */
  idleMs: number
  budget: ByteBudget
}

export type BodyResult = { ok: true; bytes: Pieces } | Refusal

export interface BodyReading {
  /** Never rejects. The bytes of a body that was read stay taken from the budget until the caller gives them back. */
  result: Promise<BodyResult>
  /** Ends the reading, for when nobody waits for it any more. */
  stop: () => void
}

const DECODERS = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  // Senders mean zlib or raw deflate by it; a zlib stream begins with method 8.
  deflate: (first: number) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
} as const

type Decoder = ReturnType<(typeof DECODERS)[keyof typeof DECODERS]>

/** True where the headers already say that no body follows. */
export function hasNoBody(req: IncomingMessage, headers: IncomingHttpHeaders): boolean {
  return (
    headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0' && req.httpVersionMajor < 2
  )
}

export function readBody(req: IncomingMessage, { limit, idleMs, budget }: ReadBodyOptions): BodyReading {
  const { headers } = req
  const encoding = (headers['content-encoding']?.trim().toLowerCase() ?? '') || 'identity'
  if (encoding !== 'identity' && !Object.hasOwn(DECODERS, encoding)) {
    return refused('unsupported_media_type', 'Content-Encoding must be identity, gzip, deflate or br.')
  }
  const declared = encoding === 'identity' ? Number(headers['content-length'] ?? 0) : 0
  if (declared > limit) return refused('body_too_large', `The body is larger than ${limit} bytes.`)
  if (!budget.fits(declared)) return refused('unavailable', 'Too many bodies are being processed at the moment.')

  let stop = (): void => undefined
  const result = new Promise<BodyResult>((resolve) => {
    const pieces = new Pieces()
    let decoder: Decoder | undefined
    let settled = false
    let ended = false

    const settle = (outcome: BodyResult): void => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      // Once it has ended, nothing comes any more.
      if (!ended) req.off('data', onData).off('end', onEnd).off('close', onClose).pause()
      decoder?.destroy()
      if (!outcome.ok) budget.give(pieces.size)
      resolve(outcome)
    }
    const fail = (outcome: Refusal['outcome'], detail: string): void => settle({ ok: false, outcome, detail })
    const finish = (): void => settle({ ok: true, bytes: pieces })
    const keep = (chunk: Buffer): void => {
      if (settled) return
      if (pieces.size + chunk.length > limit) {
        fail('body_too_large', `The body is larger than ${limit} bytes.`)
        return
      }
      if (!budget.take(chunk.length)) {
        fail('unavailable', 'Too many bodies are being processed at the moment.')
        return
      }
      pieces.add(chunk)
    }
    const startDecoder = (first: number): Decoder =>
      DECODERS[encoding as keyof typeof DECODERS](first)
        .on('data', keep)
        .on('end', finish)
        .on('drain', () => req.resume())
        .on('error', () => fail('malformed_body', `The body is not valid ${encoding}.`))

    const onStall = (): void => fail('unavailable', 'The upload stalled.')
    let timer = startTimer(onStall, idleMs)
    const onData = (chunk: Buffer): void => {
      timer = restartTimer(timer, onStall, idleMs)
      if (encoding === 'identity') {
        keep(chunk)
        return
      }
      decoder ??= startDecoder(chunk[0] ?? 0)
      if (!decoder.write(chunk)) req.pause()
    }
    const onEnd = (): void => {
      ended = true
      if (decoder) decoder.end()
      else finish()
    }
    const onClose = (): void => {
      // With a decoder the request may be closed before the last bytes are inflated.
      if (!ended) fail('unavailable', 'The client hung up during the upload.')
    }
    stop = () => fail('unavailable', 'The upload was given up.')
    req.on('data', onData).on('end', onEnd).on('close', onClose)
    if (req.destroyed && !req.readableEnded) onClose()
  })
  return { result, stop }
}

function refused(outcome: Refusal['outcome'], detail: string): BodyReading {
  return { result: Promise.resolve({ ok: false, outcome, detail }), stop: () => undefined }
}
