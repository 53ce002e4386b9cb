/**
 * Determines who answered a probe: no one, another server, or the webhook. The webhook describes the request that
 * arrived, or sends another response.
 */
import type { Arrived } from '../../answer/respond'
import { withoutSecrets } from '../credentials'
import { printable } from '../printable'
import type { HttpAnswer, SendResult } from './send'

export type Reading =
  | { by: 'probe'; arrived: Arrived }
  /** The webhook refused the request, or took it for an event. */
  | { by: 'webhook'; status: number; code: string; detail: string }
  | { by: 'other'; status: number; location?: string }
  | { by: 'no one'; code: string }

export type Read = Reading & {
  /** A description of the response, or of why there is none. */
  text: string
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const MAX_SHOWN = 200

/** `authorization`: the header with the user's credentials, which are masked if the response echoes them. */
export function readReply(reply: SendResult, authorization?: string): Read {
  const shown = (text: string): string => shorten(withoutSecrets(text, authorization))
  const { answer, error, word } = reply
  if (!answer) return { by: 'no one', code: error.code ?? error.name, text: shown(error.message || error.name) }
  const { status } = answer
  const json = jsonOf(answer)
  if (json.probe === word && isArrived(json)) return { by: 'probe', arrived: json, text: 'arrived' }
  const { code, detail, requestId, outcome } = json
  if (typeof code === 'string' && typeof requestId === 'string' && UUID.test(requestId)) {
    const words = typeof detail === 'string' ? `: ${detail}` : ''
    const text = shown(`${status} ${code} by the webhook${words}`)
    return { by: 'webhook', status, code, detail: String(detail), text }
  }
  if (typeof outcome === 'string' && (outcome === 'ignored' || UUID.test(String(json.deliveryId))))
    return { by: 'webhook', status, code: outcome, detail: '', text: shown(`${status} ${outcome} by the webhook`) }
  const { location } = answer.headers
  const text = `${status}${location === undefined ? '' : ` to ${shown(location)}`}${serverOf(answer, shown)}`
  return { by: 'other', status, ...(location !== undefined && { location }), text }
}

function jsonOf({ text }: HttpAnswer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Any server may echo the ID of the probe, so this ID alone proves nothing. The description must be complete too. */
function isArrived(json: Record<string, unknown>): json is Record<string, unknown> & Arrived {
  const { outcome, method, path, matched, id, problem, headers, bytes } = json
  const areTexts = [method, path, id ?? '', problem ?? ''].every((value) => typeof value === 'string')
  const isCount = bytes === null || typeof bytes === 'number'
  const areNames = Array.isArray(headers) && headers.every((name) => typeof name === 'string')
  return outcome === 'probe' && typeof matched === 'boolean' && areTexts && isCount && areNames
}

function serverOf({ headers }: HttpAnswer, shown: (text: string) => string): string {
  const names = [headers['x-powered-by'], headers.server ?? headers.via].filter((name) => name !== undefined)
  return names.length === 0 ? '' : ` by ${names.map((name) => shown(String(name))).join(' behind ')}`
}

/** Makes a text safe to show, because the response may come from any server. */
function shorten(text: string): string {
  return printable(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}
