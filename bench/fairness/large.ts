/**
 * Sends the largest order repeatedly, from a process of its own, so that writing it does not delay the measuring
 * process.
 */
import { request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { Payload } from '../http/payloads'
import { built } from '../package'
import { authorization } from '../webhook'

const { maximumOrderEvent, toTxml } = built<typeof import('../../lib/testing')>('testing/index')

export type Format = 'json' | 'xml'

const PERIOD_MS = 2000

function post(port: number, format: Format, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': `application/${format}`, 'content-length': body.length }
    const outgoing = request({ port, host: '127.0.0.1', path: '/order', method: 'POST', headers }, (incoming) => {
      incoming.resume().on('end', () => resolve(incoming.statusCode ?? 0))
    })
    outgoing.on('error', reject).end(body)
  })
}

async function main(): Promise<void> {
  const [port, format] = process.argv.slice(2) as [string, Format]
  const event = maximumOrderEvent()
  const payload = new Payload(Buffer.from(JSON.stringify(event)))
  const xml = format === 'xml' ? Buffer.from(toTxml(event)) : undefined
  process.once('disconnect', () => process.exit())
  process.send?.('ready')
  for (let n = 1; ; n++) {
    const started = performance.now()
    // For tXML, an ID in a comment after the root element makes each body a new event.
    const body = xml ? Buffer.concat([xml, Buffer.from(`<!-- ${n} -->`)]) : payload.renew(n)
    const status = await post(Number(port), format, body)
    const ms = performance.now() - started
    // An error is ignored: if the parent has closed the channel meanwhile, this process ends anyway.
    process.send?.({ status, ms }, () => undefined)
    await setTimeout(Math.max(0, PERIOD_MS - ms))
  }
}

void main()
