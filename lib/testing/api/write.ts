/**
 * Answers on the wire, whole or with a fault. Whatever is still to come ends with the connection, and so with
 * `close()`.
 */
import type { ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { ApiAnswer } from './answer'
import type { FaultKind } from './faults'

export interface Write {
  answer: ApiAnswer
  fault?: FaultKind | undefined
  /** The ID asked for, for answers that are made up here. */
  id?: string | undefined
  /** For the header `Date`, which must not contradict tokens and links. Milliseconds since 1970. */
  now: number
  /** Called with the status once it goes out. */
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
        // Without a body there is no middle: one byte is promised then, and none comes.
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
  // One by one: a name that a test wrote in other letters then replaces ours.
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

/** Both an answer that has ended and a connection that was lost emit `close`. */
function whileOpen(response: ServerResponse, timer: NodeJS.Timeout): void {
  response.on('close', () => clearTimeout(timer))
}

/** In pieces: what a test asks for may not fit into memory. */
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
  const done = () => undefined // a client that has had enough hangs up: nothing to tell
  if (gzip) pipeline(Readable.from(pieces), createGzip(), response, done)
  else pipeline(Readable.from(pieces), response, done)
}
