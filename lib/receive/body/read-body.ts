/**
 * Reads and decodes the body of a request. There are limits for its size, for the time in which no byte arrives, and
 * for the bytes of all bodies in memory. Express's own parser would respond with 413 above 100 kB and with 400 to an
 * aborted upload. After such a response, Tradecloud never sends the event again.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { restartTimer, startTimer } from '../../wait/timers'
import {
  compresses,
  decode,
  encodingLabels,
  isEncoded,
  OVERLOADED,
  STOPPED,
  tooLarge,
  type BodyReading,
  type BodyResult,
  type DecodeOptions,
} from './decode'
import { doubt, takeLeft, takeText, type TakeBodyResult, type TakeLeftOptions } from './app-body'
import { limitOf, readMediaType, type Media } from './parse-body'
import { bytesOf, Pieces } from '../../bytes/pieces'
import type { Exchange } from '../../answer/exchange'
import { refuse, type Refusal } from '../../answer/refusal'

export interface ReadBodyOptions extends DecodeOptions {
  /** Ends an upload of which no byte arrives for this long. */
  idleMs: number
  /** Discards the bytes. Used for a stream from which other code has already read the beginning. */
  onlyWait?: boolean
  /** Counts the bytes without keeping or decoding them. */
  onlyCount?: boolean
  /** Notified when the last byte has arrived. */
  upload?: Pick<Exchange, 'endUpload'>
}

/** Tolerance for random data, which compression makes slightly larger. */
const OVERHEAD = 1.01
const OVERHEAD_BYTES = 1024
/**
 * How long to wait for a reset: Node's HTTP/2 client first ends a stream and then resets it, and the end and the reset
 * may arrive in different packets.
 */
const RESET_WAIT_MS = 100

export const HUNG_UP = refuse('unavailable', 'The client disconnected during the upload.')

export interface TakeBodyOptions extends TakeLeftOptions {
  uploadIdleTimeoutMs: number
  /** True if bodies with a wrong media type or encoding are read too, because they are quarantined. */
  keepsUnreadable: boolean
}

/** Gets the bytes of a body, from the request or from the app, and determines how to parse them. */
export function takeBody(
  exchange: Exchange,
  options: TakeBodyOptions,
): TakeBodyResult | 'none' | Promise<TakeBodyResult | 'none'> {
  const { req, headers } = exchange
  const media = readMediaType(headers['content-type'])
  // A request from an adapter may not be a stream. It then has only `body`.
  if ((req.readableEnded as boolean | undefined) !== false) return takeLeft(exchange, media, options)
  if (media.refusal && announcesBody(headers) && !options.keepsUnreadable) return { refusal: media.refusal }
  return takeUpload(exchange, media, options)
}

async function takeUpload(
  exchange: Exchange,
  media: Media,
  options: TakeBodyOptions,
): Promise<TakeBodyResult | 'none'> {
  const { req } = exchange
  const { uploadIdleTimeoutMs: idleMs, budget } = options
  const limit = limitOf(media, options)
  const onlyWait = req.readableDidRead
  const reading = readBody(req, { limit, idleMs, budget, onlyWait, upload: exchange })
  exchange.startUpload(reading.stop)
  const read = await reading.result
  exchange.abandon = undefined
  const isText = req.readableEncoding !== null
  if (!read.ok)
    return isText ? { refusal: doubt(read, { reserialized: false }) ?? read } : keepRaw(exchange, read, options)
  const { bytes } = read
  // The body is empty. If bytes were read here, they were a compressed body without content. Otherwise, the app may
  // have kept the body.
  if (bytes.size === 0) return req.readableDidRead && !onlyWait ? 'none' : takeLeft(exchange, media, options)
  exchange.whenDone(() => budget.give(bytes.size))
  if (!isText) return { body: { bytes, reserialized: false, exact: true }, ...media }
  const taken = takeText(req, bytes)
  return taken.ok ? { body: taken.body, ...media } : { refusal: taken }
}

/** Keeps the bytes of a body that could not be decoded, for the quarantine. */
function keepRaw(
  exchange: Exchange,
  { raw: bytes, ...refusal }: Exclude<BodyResult, { ok: true }>,
  { budget, keepsUnreadable }: TakeBodyOptions,
): TakeBodyResult {
  if (!keepsUnreadable || bytes === undefined) return { refusal }
  if (!budget.take(bytes.size)) return { refusal: refuse('unavailable', OVERLOADED) }
  exchange.whenDone(() => budget.give(bytes.size))
  const encoding = exchange.headers['content-encoding']
  return { body: { bytes, reserialized: false, exact: true, encoding }, refusal }
}

function announcesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

export function readBody(req: IncomingMessage, options: ReadBodyOptions): BodyReading {
  const { limit, idleMs, budget, onlyCount = false } = options
  const { headers } = req
  const labels = encodingLabels(headers['content-encoding'])
  const compressed = !onlyCount && labels.some(compresses)
  const maxSize = compressed ? OVERHEAD * limit + OVERHEAD_BYTES : limit
  const declared = compressed ? 0 : Number(headers['content-length']) || 0
  if (declared > limit) return refused(refuse('body_too_large', tooLarge(limit)))
  if (!onlyCount && declared > budget.free) return refused(refuse('unavailable', OVERLOADED))

  let stop = (): void => undefined
  const result = new Promise<BodyResult>((resolve) => {
    // `null` means that no other code has used the stream, so it flows once there is a listener for `data`.
    const isTouched = req.readableFlowing !== null
    const pieces = new Pieces()
    let settled = false

    const settle = (outcome: BodyResult | Promise<BodyResult>): void => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('close', onClose)
      // To save time, the listeners are removed only if they were added: to remove a listener for `readable`, the
      // stream searches all its listeners, even if there is none for `readable`.
      if (isTouched) req.off('readable', onReadable).off('pause', onPause)
      resolve(outcome)
    }
    const fail = (refusal: Refusal): void => {
      if (settled) return
      settle(refusal)
      req.pause()
      if (!onlyCount) budget.give(pieces.size)
    }
    const onStall = (): void => {
      const paused = req.isPaused() ? ' The app has paused the request.' : ''
      const cause = new Error(`No byte arrived for ${idleMs} ms, after ${pieces.size} bytes.${paused}`)
      fail(refuse('unavailable', 'The upload stalled.', { cause }))
    }
    let timer = startTimer(onStall, idleMs)

    const onData = (chunk: unknown): void => {
      try {
        timer = restartTimer(timer, onStall, idleMs)
        if (options.onlyWait) return
        // A chunk is text if the app has set an encoding, and may be of any binary type if the stream comes from an
        // adapter.
        const bytes = bytesOf(chunk, req.readableEncoding ?? 'utf8')
        if (bytes === undefined)
          throw new TypeError(`The stream of the request contains a chunk of type ${typeof chunk}.`)
        if (pieces.size + bytes.length > maxSize) fail(refuse('body_too_large', tooLarge(limit)))
        else if (onlyCount) pieces.size += bytes.length
        else if (!budget.take(bytes.length)) fail(refuse('unavailable', OVERLOADED))
        else pieces.add(bytes)
      } catch (cause) {
        // Caught here, because an error in a stream's event handler would end the process.
        fail(refuse('unavailable', 'The receiver failed.', { cause }))
      }
    }
    const onEnd = (): void => {
      // Node's HTTP/2 emits `end` for a stream that was reset, as if its body were complete.
      if (isReset(req) === true) {
        onClose()
        return
      }
      options.upload?.endUpload()
      if (onlyCount || pieces.size === 0 || !isEncoded(pieces, labels)) {
        settle({ ok: true, bytes: pieces })
        return
      }
      const decoding = decode(pieces, labels, options)
      stop = decoding.stop
      settle(decoding.result)
    }
    const onClose = (): void => fail(HUNG_UP)
    const onError = (cause: unknown): void => {
      if ((cause as { code?: unknown } | undefined)?.code === 'ECONNRESET') onClose()
      else fail(refuse('unavailable', 'The upload failed.', { cause }))
    }
    // Each call of `read` emits `data` to all listeners.
    const onReadable = (): void => {
      while (!settled && req.read() !== null);
    }
    const onPause = (): void => void req.resume()
    stop = () => fail(refuse('unavailable', STOPPED))

    // The listener for errors is never removed, because an `error` event without a listener ends the process.
    req.on('error', onError).on('data', onData).on('end', onEnd).on('close', onClose)
    if (isTouched) {
      // Another reader, such as a pipe, pauses the stream when the reader cannot take more.
      req.on('pause', onPause)
      // A stream does not flow while there is a listener for `readable`.
      if (req.listenerCount('readable') > 0) req.on('readable', onReadable)
      req.resume()
    }
    if (req.destroyed && !req.readableEnded) onClose()
  })
  return { result, stop: () => stop() }
}

function refused(refusal: Refusal): BodyReading {
  return { result: Promise.resolve(refusal), stop: () => undefined }
}

/** Whether a stream of HTTP/2 was reset. `undefined` for any other stream, which does not report this. */
function isReset(req: IncomingMessage): boolean | undefined {
  return (req as { stream?: { aborted?: boolean } }).stream?.aborted
}

/** Whether an upload over HTTP/2 was reset. Waits a moment, because the reset may arrive after the end. */
export async function wasReset(req: IncomingMessage): Promise<boolean> {
  if (isReset(req) === false) {
    await new Promise<void>((resolve) => {
      startTimer(resolve, RESET_WAIT_MS)
      req.once('aborted', resolve)
    })
  }
  return isReset(req) === true
}
