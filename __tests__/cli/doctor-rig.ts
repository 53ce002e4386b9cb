/** Starts endpoints, checks them with `doctor`, and reads its findings. */
import { once } from 'node:events'
import { createServer as createHttp, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTcp, type AddressInfo, type LookupFunction, type Socket } from 'node:net'
import { createTradecloudWebhook, type DeliveryRecord, type TradecloudWebhookOptions } from '../../lib'
import { examine, type ExamineOptions } from '../../lib/cli/doctor/examine'
import type { DoctorReport } from '../../lib/cli/doctor/examination'
import { readTarget } from '../../lib/cli/doctor/target'
import { onClose } from './cli'

export const SECRET = 's3cr3t-canary'
export const auth = { type: 'basic', username: 'me', password: SECRET } as const
export const env = { WEBHOOK_PASSWORD: SECRET, WEBHOOK_TOKEN: SECRET }
export const SIZES = [{ name: '1.1 MB', length: 1_100_000, format: 'json' }] as const
export const lookup: LookupFunction = (_name, { all }, callback) =>
  all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)

export async function listen(listener: RequestListener): Promise<string> {
  const server = createHttp(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onClose(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts a server that does not speak HTTP. */
export async function listenTcp(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createTcp((socket) => onSocket(socket.on('error', () => undefined))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  onClose(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Heard {
  method: string
  url: string
  headers: IncomingHttpHeaders
  bytes: number
}

/** Records each request before it is answered. */
export async function listenAndNote(listener: RequestListener): Promise<{ origin: string; heard: Heard[] }> {
  const heard: Heard[] = []
  const origin = await listen((req, res) => {
    const { method = '', url = '', headers } = req
    heard.push({ method, url, headers, bytes: Number(headers['content-length'] ?? 0) })
    listener(req, res)
  })
  return { origin, heard }
}

export function create(options: Partial<TradecloudWebhookOptions> = {}) {
  const seen: unknown[] = []
  const note = (what: unknown) => void seen.push(what)
  const records: DeliveryRecord[] = []
  const webhook = createTradecloudWebhook({
    auth,
    ...{ onOrder: note, onOrderDocuments: note, onShipment: note, onUnknown: note },
    onDelivery: (record) => void records.push(record),
    logger: { warn: () => undefined, error: () => undefined },
    ...options,
  })
  onClose(() => webhook.close())
  return { webhook, seen, records }
}

export const ask = (url: string, options: Partial<ExamineOptions> = {}): Promise<DoctorReport> =>
  examine(readTarget(url), { auth, slowUploadMs: 10, sizes: SIZES, idleMs: 5_000, ...options })
export const codesOf = ({ findings }: DoctorReport): string[] => findings.map(({ code }) => code)
export const evidenceOf = ({ findings }: DoctorReport): string =>
  findings.flatMap(({ evidence }) => evidence).join('\n')
