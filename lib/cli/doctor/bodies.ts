/** Probes with bodies of increasing size, and one with a slow body. None of them contains an order. */
import type { Arrived } from '../../answer/respond'
import { ranOutOfTime, type Answered, type Examination } from './examination'
import { findingOf } from './judge'
import type { ProbeBody } from './send'

export interface BodySize {
  name: string
  length: number
  format: 'json' | 'xml'
}

const MB = 1_000_000

/**
 * One size just above nginx's default limit of 1 MB, one in between, and the size of the largest order that Tradecloud
 * documents, in JSON and in tXML.
 */
export const SIZES: readonly BodySize[] = [
  { name: '1.1 MB', length: 1.1 * MB, format: 'json' },
  { name: '20 MB', length: 20 * MB, format: 'json' },
  { name: '50 MB (the largest order)', length: 50 * MB, format: 'json' },
  { name: '112 MB of XML (the largest order in tXML)', length: 112 * MB, format: 'xml' },
]

const FORMATS = {
  json: { type: 'application/json', open: '{"tradecloudWebhookProbe":"', close: '"}' },
  xml: { type: 'application/xml', open: '<tradecloudWebhookProbe>', close: '</tradecloudWebhookProbe>' },
}
const PIECE_MS = 1_000

export function bodyOf({ length, format }: Pick<BodySize, 'length' | 'format'>): ProbeBody {
  return { ...FORMATS[format], length }
}

/** Sends bodies of increasing size, and stops at the first size that does not arrive. */
export async function checkBodies(examination: Examination, sizes: readonly BodySize[]): Promise<void> {
  const name = 'bodies'
  const arrived: string[] = []
  for (const size of sizes) {
    examination.options.onProgress?.(`a body of ${size.name}`)
    const answered = await examination.send({ method: 'POST', path: examination.target.path, body: bodyOf(size) })
    if (ranOutOfTime(answered)) {
      const sent = `${Math.floor(answered.sent / MB)} MB were sent in ${Math.round(answered.durationMs / 1000)} s`
      examination.skip(name, `${size.name}: the upload is too slow to tell, ${sent}`)
      break
    }
    const failure = failureOf(examination, size, answered)
    if (failure !== undefined) {
      examination.done(name, '', [failure])
      return
    }
    arrived.push(size.name)
  }
  if (arrived.length > 0) examination.done(name, arrived.join(', '))
}

function failureOf(examination: Examination, size: BodySize, { read }: Answered): string | undefined {
  if (read.by === 'probe' && isWhole(examination, read.arrived, size.length)) return undefined
  const text = `${size.name}: ${read.by === 'probe' ? `${read.arrived.bytes} bytes arrive` : read.text}`
  const code = read.by === 'webhook' ? findingOf(read) : 'body_limit'
  examination.find(code, text)
  return text
}

/**
 * Whether the whole body arrived. If the app has read the body before the webhook, this is reported as a finding, and a
 * body of unknown size counts as whole.
 */
export function isWhole(examination: Examination, { bytes, readBefore }: Arrived, length: number): boolean {
  if (readBefore) examination.find('body_read', 'the app had read the body before the webhook')
  return bytes === length || (bytes === null && readBefore === true)
}

/** Sends about 100 bytes per second, which is slower than some proxies allow. */
export async function checkSlowUpload(examination: Examination, durationMs: number): Promise<void> {
  const pieces = Math.max(1, Math.ceil(durationMs / PIECE_MS))
  const everyMs = durationMs / pieces
  const body: ProbeBody = { ...bodyOf({ length: 100 * pieces, format: 'json' }), slowly: { everyMs, pieces } }
  const answered = await examination.send({ method: 'POST', path: examination.target.path, body })
  const { read } = answered
  const name = 'slow upload'
  const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`
  if (ranOutOfTime(answered)) return examination.skip(name, 'there was no time left')
  if (read.by === 'probe' && isWhole(examination, read.arrived, body.length))
    return examination.done(name, `${seconds(durationMs)} for ${body.length} bytes`)
  const text = `after ${seconds(answered.durationMs)}: ${read.text}`
  examination.find('slow_upload', text)
  examination.done(name, '', [text])
}
