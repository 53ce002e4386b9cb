/** What a person may change: only by a POST that a page of this site sent, and never without a line in the log. */
import type { IncomingMessage } from 'node:http'
import { describe } from '../log/describe-error'
import { quote } from '../log/quote'
import { readForm } from './form'
import type { ResolvedInspector } from './options'
import { messagePage } from './pages/layout'
import { page, redirect, type Reply } from './respond'
import type { Action, Source } from './source/source'
import { isFromThisSite, type Visitor } from './visitor'

const VERBS: Readonly<Record<Action, string>> = { replay: 'replayed', 'give-up': 'gave up', purge: 'purged' }

interface Asked {
  place: string
  /** Of the event. */
  id: string
  action: string
}

export class Changes {
  readonly #settings: ResolvedInspector
  readonly #source: Source
  #lastReport: string | undefined

  constructor(settings: ResolvedInspector, source: Source) {
    this.#settings = settings
    this.#source = source
  }

  /** Absent if this person or this webhook cannot. */
  get catchUp(): { lastReport: string | undefined } | undefined {
    return this.#settings.access === 'operate' && catchUpOf(this.#settings.webhook)
      ? { lastReport: this.#lastReport }
      : undefined
  }

  async handle(
    req: IncomingMessage,
    visitor: Visitor,
    { place, id, action: word }: Asked,
    root: string,
  ): Promise<Reply> {
    const { access, inspection } = this.#settings
    if (access !== 'operate') return refused(403, 'This inspector changes nothing.', root)
    if (!isFromThisSite(req)) {
      const text = `Inspector: refused a change by ${quote(visitor.name)} that no page of the inspector sent`
      inspection.log.line('warn', 'inspector', text, { code: 'inspector' })
      const why =
        'Only a page of the inspector may change something. Over http, other than from this machine, that needs scripts; use https.'
      return refused(403, why, root)
    }
    const form = await readForm(req)
    if (!form) return { ...refused(413, 'The form is too long.', root), headers: { Connection: 'close' } }
    if (place === 'catch-up') return this.#startCatchUp(visitor, root)
    const action = Object.keys(VERBS).find((one): one is Action => one === word)
    if (action === undefined || !this.#source.act) return refused(404, 'There is no such action.', root)
    return this.#act(action, id, form.get('reason')?.trim() ?? '', visitor, root)
  }

  async #act(action: Action, id: string, reason: string, visitor: Visitor, root: string): Promise<Reply> {
    if (action === 'give-up' && reason === '') return refused(400, 'A reason is required.', root)
    const found = await this.#source.find(id, 0)
    if (!found) return refused(404, 'There is no such event.', root)
    const { kind, eventName, entity } = found.row
    const problem = await this.#source.act?.(action, id, reason)
    if (problem !== undefined) return refused(409, problem, root)
    const why = reason === '' ? '' : `, ${quote(reason, 1_000)}`
    const text = `Inspector: ${quote(visitor.name)} ${VERBS[action]} ${quote(id)}${why}`
    const about = { kind, eventName, entityId: entity?.id, inboxId: id }
    this.#settings.inspection.log.action(text, { code: 'inspector', ...about })
    return redirect(303, action === 'purge' ? '../../?done=purge' : `../${encodeURIComponent(id)}?done=${action}`)
  }

  /** A run may take long: nobody waits for it. */
  #startCatchUp(visitor: Visitor, root: string): Reply {
    const { webhook, inspection } = this.#settings
    const catchUp = catchUpOf(webhook)
    if (!catchUp) return refused(404, 'This webhook has no catch-up.', root)
    inspection.log.action(`Inspector: ${quote(visitor.name)} started a catch-up`, { code: 'inspector' })
    this.#lastReport = 'A catch-up is running.'
    catchUp().then(
      (report) =>
        (this.#lastReport = `The last catch-up recovered ${report.recoveredTotal ?? 0} of ${report.polled ?? 0}.`),
      (error: unknown) => (this.#lastReport = `The last catch-up failed: ${describe(error)}`),
    )
    return redirect(303, './?done=catch-up')
  }
}

type CatchUp = () => Promise<{ recoveredTotal?: number; polled?: number }>

function catchUpOf(webhook: ResolvedInspector['webhook']): CatchUp | undefined {
  const { catchUp } = webhook as { catchUp?: CatchUp }
  return catchUp
}

function refused(status: number, why: string, root: string): Reply {
  return page(status, messagePage(status === 403 ? 'Not allowed' : 'Not done', why, root))
}
