/** The changes that an operator can make. A change needs a POST from a page of this site, and is always logged. */
import type { IncomingMessage } from 'node:http'
import type { CatchUpReport } from '../catch-up/catch-up-options'
import { describe } from '../log/describe-error'
import { quote } from '../bytes/quote'
import { count } from '../views/text'
import { readForm } from './form'
import type { ResolvedInspector } from './options'
import { messagePage } from './pages/layout'
import { page, redirect, type Reply } from './respond'
import type { Action, Source } from './source/source'
import { isFromThisSite, type Visitor } from './visitor'

const VERBS: Readonly<Record<Action, string>> = { replay: 'replayed', 'give-up': 'gave up', purge: 'purged' }

interface Asked {
  place: string
  id: string
  action: string
}

export class Changes {
  readonly #settings: ResolvedInspector
  readonly #source: Source
  #catchUpState = ''
  #isCatchingUp = false
  readonly #changed: () => void

  /** `changed` is called when a catch-up that was started here has ended. */
  constructor(settings: ResolvedInspector, source: Source, changed: () => void) {
    this.#settings = settings
    this.#source = source
    this.#changed = changed
  }

  /** `undefined` if the inspector allows no changes, or if the webhook has no catch-up. */
  get catchUp(): { state: string } | undefined {
    const { access, inspection } = this.#settings
    return access === 'operate' && inspection.catchUp ? { state: this.#catchUpState } : undefined
  }

  async handle(
    req: IncomingMessage,
    visitor: Visitor,
    { place, id, action: word }: Asked,
    root: string,
  ): Promise<Reply> {
    const { access, inspection } = this.#settings
    if (access !== 'operate') return refused(403, 'This inspector allows no changes.', root)
    if (!isFromThisSite(req)) {
      const text = `Inspector: refused a change by ${quote(visitor.name)} that no page of the inspector sent`
      inspection.log.line('warn', 'inspector', text, { code: 'inspector' })
      const why =
        'Changes are accepted only from a page of the inspector. Use https: over http, they require JavaScript, except on this machine.'
      return refused(403, why, root)
    }
    const form = await readForm(req)
    if (!form) return { ...refused(413, 'The form is too long.', root), headers: { Connection: 'close' } }
    if (place === 'catch-up' && id === '') return this.#startCatchUp(visitor, root)
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

  /** Starts a run of the catch-up. The response does not wait for its end, because a run may take a long time. */
  #startCatchUp(visitor: Visitor, root: string): Reply {
    const { catchUp, closing, log } = this.#settings.inspection
    if (!catchUp) return refused(404, 'This webhook has no catch-up.', root)
    if (this.#isCatchingUp) return refused(409, 'A catch-up that was started here is still running.', root)
    log.action(`Inspector: ${quote(visitor.name)} started a catch-up`, { code: 'inspector' })
    this.#isCatchingUp = true
    this.#catchUpState = 'A catch-up is running.'
    catchUp({ signal: closing })
      .then(reportOf, (error: unknown) => `The last catch-up failed: ${describe(error)}`)
      .then((state) => {
        this.#catchUpState = state
        this.#isCatchingUp = false
        this.#changed()
      })
      .catch(() => undefined)
    return redirect(303, './?done=catch-up')
  }
}

function reportOf({ polled, recoveredTotal, error }: CatchUpReport): string {
  const found = `${count(recoveredTotal)} of ${count(polled, 'change')} had not arrived`
  if (error) return `The last catch-up could not be completed: ${describe(error)} Until then, ${found}.`
  return `The last catch-up is complete: ${found}.`
}

function refused(status: number, why: string, root: string): Reply {
  return page(status, messagePage(status === 403 ? 'Not allowed' : 'Not done', why, root))
}
