/**
 * Decodes the Content-Encoding of a body. If the encoding can be recognised from the bytes, the header does not matter:
 * senders and proxies name encodings that were not used ("utf-8", "none"), compress twice, or decompress without
 * removing the header.
 */
import { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { Pieces, type ByteBudget } from '../../bytes/pieces'
import { refuse, type Refusal } from '../../answer/refusal'

export interface DecodeOptions {
  /** Maximum number of bytes after decompression. */
  limit: number
  budget: ByteBudget
}

/**
 * `raw` contains the bytes that were sent, if they could not be decoded. They no longer count towards the memory
 * budget.
 */
export type BodyResult = { ok: true; bytes: Pieces } | (Refusal & { raw?: Pieces })

export interface BodyReading {
  /** Never rejects. The bytes of the body count towards the memory budget until the caller gives them back. */
  result: Promise<BodyResult>
  /** Stops reading. Called when the response is sent, because the rest of the body is then no longer needed. */
  stop: () => void
}

const ENGINES = {
  gzip: createGunzip,
  zlib: createInflate,
  deflate: createInflateRaw,
  br: createBrotliDecompress,
} as const
type Codec = keyof typeof ENGINES
type Decompressor = ReturnType<(typeof ENGINES)[Codec]>

const CODEC_OF_LABEL = new Map<string, Codec>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  // Senders use this name for zlib and for raw deflate. zlib is recognised by its header.
  ['deflate', 'deflate'],
  ['br', 'br'],
])

/** Maximum number of layers of compression: one of the sender, one of a proxy, and one more to be safe. */
const MAX_LAYERS = 3
/** Maximum number of times that white space or NULs are removed after the end of a gzip body. */
const MAX_CUTS = 4

export const STOPPED = 'The upload was aborted.'
export const OVERLOADED = 'Too many bodies are being processed at the moment.'

export function tooLarge(limit: number): string {
  return `The body is larger than ${limit} bytes.`
}

/** The names in Content-Encoding, in the order in which they were applied. */
export function encodingLabels(header: string | undefined): string[] {
  if (header === undefined) return []
  const labels = header.toLowerCase().split(',')
  return labels.map((label) => label.trim()).filter((label) => label !== '' && label !== 'identity')
}

/** True for an encoding that compresses. Then the limit does not apply to Content-Length. */
export function compresses(label: string): boolean {
  return CODEC_OF_LABEL.has(label)
}

export function isEncoded(bytes: Pieces, labels: readonly string[]): boolean {
  return labels.length > 0 || magicOf(bytes) !== undefined
}

/** `raw` counts towards the memory budget until it is decoded; from then on the decoded bytes count instead. */
export function decode(raw: Pieces, labels: readonly string[], options: DecodeOptions): BodyReading {
  const { budget } = options
  let bytes = raw
  let engine: Decompressor | undefined
  let stopped = false

  const inflate = (codec: Codec, input: Pieces): Promise<BodyResult | 'damaged'> =>
    new Promise((resolve) => {
      if (stopped) return resolve(refuse('unavailable', STOPPED))
      const running = (engine = ENGINES[codec]())
      const output = new Pieces()
      let ended = false
      const end = (result: BodyResult | 'damaged'): void => {
        if (ended) return
        ended = true
        if (result === 'damaged' || !result.ok) budget.give(output.size)
        running.destroy()
        resolve(result)
      }
      running
        .on('data', (chunk: Buffer) => {
          if (ended) return
          if (output.size + chunk.length > options.limit) end(refuse('body_too_large', tooLarge(options.limit)))
          else if (!budget.take(chunk.length)) end(refuse('unavailable', OVERLOADED))
          else output.add(chunk)
        })
        .on('end', () => end({ ok: true, bytes: output }))
        .on('error', () => end('damaged'))
        .on('close', () => end(refuse('unavailable', STOPPED)))
      Readable.from(input.all).pipe(running)
    })

  const gunzip = async (input: Pieces): Promise<BodyResult | 'damaged'> => {
    let result = await inflate('gzip', input)
    let rest = input.whole
    for (let cuts = 0; result === 'damaged' && cuts < MAX_CUTS; cuts++) {
      const shorter = withoutFiller(rest)
      if (shorter.length === rest.length) break
      rest = shorter
      result = await inflate('gzip', Pieces.of(rest))
    }
    return result
  }

  const run = async (): Promise<BodyResult> => {
    const left = [...labels]
    for (let layer = 0; layer < MAX_LAYERS && bytes.size > 0;) {
      const magic = magicOf(bytes)
      const label = left.pop()
      if (magic === undefined && label === undefined) break
      const declared = CODEC_OF_LABEL.get(label ?? '')
      // If `label` does not name the outermost encoding, it may name the next one.
      if (magic !== undefined && label !== undefined && family(magic) !== declared) left.push(label)
      const codec = magic ?? (declared === 'gzip' ? undefined : declared)
      const result =
        codec === undefined ? 'damaged' : codec === 'gzip' ? await gunzip(bytes) : await inflate(codec, bytes)
      if (result === 'damaged') {
        if (magic === undefined && startsAsText(bytes)) continue
        budget.give(bytes.size)
        const refusal =
          declared === undefined && magic === undefined
            ? refuse('unsupported_media_type', 'Content-Encoding must be identity, gzip, deflate or br.')
            : refuse('malformed_body', `The body is not valid ${label ?? family(magic ?? 'gzip')}.`)
        return { ...refusal, raw }
      }
      budget.give(bytes.size)
      if (!result.ok) return result
      bytes = result.bytes
      layer++
    }
    return { ok: true, bytes }
  }

  return {
    result: run().catch((cause: unknown) => {
      budget.give(bytes.size)
      return refuse('unavailable', 'The receiver failed.', { cause })
    }),
    stop: () => {
      stopped = true
      engine?.destroy()
    },
  }
}

/** Recognises an encoding by its first two bytes. No JSON or XML begins with these. */
function magicOf(bytes: Pieces): 'gzip' | 'zlib' | undefined {
  const first = bytes.all[0]?.[0]
  if (first !== 0x1f && first !== 0x78) return undefined
  const second = bytes.start(2)[1]
  if (second === undefined) return undefined
  if (first === 0x1f) return second === 0x8b ? 'gzip' : undefined
  // RFC 1950: the two bytes, read as one number, are a multiple of 31.
  return (first * 256 + second) % 31 === 0 ? 'zlib' : undefined
}

function family(codec: Codec): Codec {
  return codec === 'zlib' ? 'deflate' : codec
}

/** True if the bytes begin like JSON or XML. */
export function startsAsText(bytes: Pieces): boolean {
  return /^[\uFEFF\s]*[{[<]/.test(bytes.start(64).toString('utf8'))
}

/** Removes the filler at the end of the bytes: either white space or NULs. */
function withoutFiller(bytes: Buffer): Buffer {
  const isFiller = bytes.at(-1) === 0 ? (byte: number) => byte === 0 : isSpace
  let end = bytes.length
  while (end > 0 && isFiller(bytes[end - 1] ?? -1)) end--
  return bytes.subarray(0, end)
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
