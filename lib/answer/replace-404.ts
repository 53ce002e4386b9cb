/** Replaces a 404 of the app, whichever methods of the response the app uses to send it. */
import type { ServerResponse } from 'node:http'
import { isOwn404, type Answer } from './respond'

type Method = (...args: unknown[]) => unknown

/**
 * `replace` is called at most once, before the first byte of a 404. It sets our status and headers on the response and
 * returns our answer; if it throws or returns `undefined`, the app's 404 is sent unchanged. Responses with any other
 * status, and 404s of this package, pass unchanged.
 */
export function replace404(res: ServerResponse, replace: () => Answer | undefined): void {
  // These methods are read from `res`, because earlier middleware may have wrapped them. Our response must pass through
  // these wrappers.
  const { writeHead, write, end } = res as unknown as Record<'writeHead' | 'write' | 'end', Method>
  let asked = false
  let ours: Answer | undefined
  let sent = false

  const answerInstead = (status: unknown): Answer | undefined => {
    if (asked || status !== 404 || res.headersSent || isOwn404(res)) return ours
    asked = true
    try {
      ours = replace()
    } catch {
      // The app's response is sent unchanged.
    }
    return ours
  }

  const wrapped: Record<'writeHead' | 'write' | 'end', Method> = {
    // If the app does not call `writeHead`, Node calls it with the first byte.
    writeHead(status, ...rest) {
      const answer = answerInstead(status)
      return answer ? writeHead.call(res, answer.status) : writeHead.call(res, status, ...rest)
    },
    write(...args) {
      if (sent || !answerInstead(res.statusCode)) return write.apply(res, args)
      const callback = callbackIn(args)
      if (callback) process.nextTick(callback)
      return true
    },
    end(...args) {
      const answer = sent ? undefined : answerInstead(res.statusCode)
      if (!answer) return end.apply(res, args)
      sent = true
      if (!res.headersSent) res.setHeader('Content-Length', Buffer.byteLength(answer.body))
      const callback = callbackIn(args)
      return end.call(res, answer.body, 'utf8', ...(callback ? [callback] : []))
    },
  }
  Object.assign(res, wrapped)
}

function callbackIn(args: unknown[]): (() => void) | undefined {
  return args.find((arg) => typeof arg === 'function') as (() => void) | undefined
}
