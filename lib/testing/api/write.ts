/**
 * Writes responses, complete or with a fault. A response that is still being written ends when its connection closes,
 * so `close()` of the simulator ends it too.
 */
import type { ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { SimulatedAnswer } from './answer'
import type { FaultKind } from './faults'

export interface Write {
  answer: SimulatedAnswer
  fault?: FaultKind | undefined
  /** The requested ID, for fault responses that this file builds. */
  id?: string | undefined
  /** Time in milliseconds since 1970, for the header `Date`, which must agree with tokens and links. */
  now: number
  /** Called with the status when the response is sent. */
  onStatus: (status: number) => void
}

const JSON_TYPE = 'application/json'

type HeadOf = Pick<Write, 'answer' | 'now' | 'onStatus'>

export function writeAnswer(response: ServerResponse, { answer, fault, id, ...more }: Write): void {
  const body = Buffer.from(answer.body ?? '')
  const head = { answer, ...more }
  const whole = () => {
    writeHead(response, head, { 'Content-Length': body.length })
    response.end(body)
  }
  switch (fault?.type) {
    case 'delay':
      return whileOpen(response, setTimeout(whole, fault.ms))
    case 'hang':
      return
    case 'drip':
      writeHead(response, head, { 'Content-Length': body.length })
      return drip(response, body, fault.everyMs ?? 50)
    case 'cut':
      if (fault.when === 'middle') {
        // A response without a body has no middle, so it declares one byte and never sends it.
        writeHead(response, head, { 'Content-Length': Math.max(body.length, 1) })
        response.write(body.subarray(0, body.length / 2))
        response.flushHeaders()
      }
      response.socket?.destroySoon()
      return
    case 'huge':
      writeHead(response, head, {
        'Content-Type': JSON_TYPE,
        ...(fault.gzip !== false && { 'Content-Encoding': 'gzip' }),
      })
      return writeHuge(response, hugeObject(id, fault.bytes), fault.gzip ?? true)
    default:
      return whole()
  }
}

function writeHead(
  response: ServerResponse,
  { answer, now, onStatus }: HeadOf,
  more: Record<string, string | number>,
): void {
  const { body = '', contentType = JSON_TYPE } = answer
  const type: Record<string, string> = body === '' ? {} : { 'Content-Type': contentType }
  const headers = { Date: new Date(now).toUTCString(), ...type, ...more, ...answer.headers }
  // Headers are set one by one, because `setHeader` ignores the case of names. A header of a test then replaces the
  // simulator's header with the same name.
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  onStatus(answer.status)
  response.writeHead(answer.status)
}

function drip(response: ServerResponse, body: Buffer, everyMs: number): void {
  if (body.length === 0) return void response.end()
  response.flushHeaders()
  let sent = 0
  const timer = setInterval(() => {
    response.write(body.subarray(sent, ++sent))
    if (sent === body.length) response.end()
  }, everyMs)
  whileOpen(response, timer)
}

/** Clears a timer when the response is complete or its connection is lost: both emit `close`. */
function whileOpen(response: ServerResponse, timer: NodeJS.Timeout): void {
  response.on('close', () => clearTimeout(timer))
}

/** Yields the object in pieces, because the requested size may not fit into memory. */
function* hugeObject(id: string | undefined, bytes: number): Generator<Buffer> {
  const start = Buffer.from(`{"id":${JSON.stringify(id ?? '')},"filler":"`)
  const end = Buffer.from('"}')
  const piece = Buffer.alloc(65_536, 'x')
  yield start
  for (let left = bytes - start.length - end.length; left > 0; left -= piece.length) {
    yield left < piece.length ? piece.subarray(0, left) : piece
  }
  yield end
}

function writeHuge(response: ServerResponse, pieces: Generator<Buffer>, gzip: boolean): void {
  const done = () => undefined // a client that has read enough may close the connection
  if (gzip) pipeline(Readable.from(pieces), createGzip(), response, done)
  else pipeline(Readable.from(pieces), response, done)
}
