/** The encodings in which tests send bodies, and the body that a callback has received. */
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
