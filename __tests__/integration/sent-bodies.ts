/** The ways to send a body, each with the body that must arrive. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { Rig } from './harness'

export const json = { 'Content-Type': 'application/json' }
export const deliveredBody = (rig: Rig): unknown => JSON.parse(rig.calls.at(-1)?.context.rawBody?.toString() ?? '')

const encoders = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  'deflate ': deflateRawSync,
  br: brotliCompressSync,
} as const

export const encodings = Object.entries(encoders)
