/** A webhook with an inspector, and requests to the inspector. */
import { request } from 'node:http'
import type { Inbox } from 'tradecloud-webhook'
import { createInspector, type InspectorOptions } from 'tradecloud-webhook/inspector'
import { startRig, type Rig, type RigOptions } from './harness'

export const operator = { type: 'basic', username: 'Älice', password: 'inspector:påss' } as const
export const operatorHeader = `Basic ${Buffer.from(`${operator.username}:${operator.password}`).toString('base64')}`

export interface Response {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  bytes: Buffer
}

export interface Ask {
  method?: string
  headers?: Record<string, string>
  /** Fields of the form to send. */
  form?: Record<string, string>
  body?: string
  auth?: string | null
}

export interface InspectorRig extends Rig {
  /** URL of the inspector, without the slash at the end. */
  inspectorUrl: string
  /** Sends a request. `path` is the path below the mount path of the inspector. */
  ask: (path: string, ask?: Ask) => Promise<Response>
  /** Sends a form, as a browser does over https. */
  change: (path: string, form?: Record<string, string>, ask?: Ask) => Promise<Response>
}

export async function startInspectorRig({
  inspector,
  before,
  ...options
}: RigOptions & { inbox?: Inbox; inspector?: Partial<InspectorOptions> } = {}): Promise<InspectorRig> {
  let mount: (rig: Rig) => void = () => undefined
  const rig = await startRig({
    ...options,
    before: (app) => {
      before?.(app)
      // The app mounts the inspector before the webhook, but the inspector can only be created after the webhook.
      let handler: ReturnType<typeof createInspector> | undefined
      mount = ({ webhook }) => (handler = createInspector({ webhook, auth: operator, ...inspector }))
      app.use('/ops/inspector', (req, res, next) => handler!(req, res, next))
    },
  })
  await rig.webhook.ready()
  mount(rig)
  const ask = (path: string, asked?: Ask) => send(rig.port, `/ops/inspector${path}`, asked)
  return {
    ...rig,
    inspectorUrl: `http://127.0.0.1:${rig.port}/ops/inspector`,
    ask,
    change: (path, form = {}, more = {}) =>
      ask(path, { method: 'POST', form, ...more, headers: { 'Sec-Fetch-Site': 'same-origin', ...more.headers } }),
  }
}

export function send(
  port: number,
  path: string,
  { method = 'GET', headers, form, body, auth = operatorHeader }: Ask = {},
): Promise<Response> {
  const sent = body ?? (form && new URLSearchParams(form).toString())
  return new Promise((resolve, reject) => {
    const req = request({
      ...{ port, host: '127.0.0.1', path, method, agent: false },
      headers: {
        ...(auth !== null && { Authorization: auth }),
        ...(sent !== undefined && {
          'Content-Type': 'application/x-www-form-urlencoded',
          'Content-Length': Buffer.byteLength(sent),
        }),
        ...headers,
      },
    })
    req.on('error', reject).on('response', (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      res.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({ status: res.statusCode ?? 0, headers: res.headers, bytes, text: bytes.toString('utf8') })
      })
    })
    req.end(sent)
  })
}
