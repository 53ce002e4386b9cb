import type { EventKind } from '../../events/events'
import { KINDS } from '../../views/inbox'
import type { Changes } from '../changes'
import { page, type Reply } from '../respond'
import type { Filter, Source } from '../source/source'
import { SHOWN_BYTES } from './body'
import { eventPage } from './event-page'
import { layout, messagePage } from './layout'
import { listPage } from './list-page'

const PAGE_SIZE = 50
const MAX_RELATED = 20
const MAX_SEARCH = 1_000
/** How many bytes of a body are read to recognise its format. */
const BEGINNING_BYTES = 64

export class Views {
  readonly #access: 'list' | 'read' | 'operate'
  readonly #source: Source
  readonly #changes: Changes

  constructor(access: 'list' | 'read' | 'operate', source: Source, changes: Changes) {
    this.#access = access
    this.#source = source
    this.#changes = changes
  }

  async list(query: URLSearchParams): Promise<Reply> {
    const source = this.#source
    const filter = filterOf(query)
    const after = wordOf(query, 'after')
    const [overview, found] = await Promise.all([source.overview(), source.list(filter, PAGE_SIZE, after)])
    const { catchUp } = this.#changes
    const content = listPage({ source, overview, page: found, filter, after, catchUp })
    return page(200, layout({ title: source.title, root: './', content, notice: this.#noticeFor(query), isLive: true }))
  }

  /** The body of an event never changes, so it is not read for an update of the page. */
  async event(id: string, query: URLSearchParams): Promise<Reply> {
    const showsBody = this.#access !== 'list' && !query.has('part')
    const details = await this.#source.find(id, showsBody ? SHOWN_BYTES : 0)
    if (!details) return noSuchEvent
    const { entity } = details.row
    const found = entity && (await this.#source.list({ text: entity.id }, MAX_RELATED + 1))
    const related = (found?.rows ?? []).filter(
      (row) => row.id !== details.row.id && row.entity?.id === entity?.id && row.entity?.kind === entity?.kind,
    )
    const actions = this.#access === 'operate' && this.#source.act ? details.actions : []
    const hasBody = this.#source.act !== undefined
    const content = eventPage({ details, related, showsBody: showsBody && hasBody, actions })
    const title = entity?.id.slice(-80) ?? details.row.eventName?.slice(0, 80) ?? id
    return page(200, layout({ title, root: '../', content, notice: this.#noticeFor(query), isLive: true }))
  }

  async body(id: string): Promise<Reply> {
    if (this.#access === 'list') return page(403, messagePage('Not allowed', 'Bodies are not shown here.', '../../'))
    const source = this.#source
    const details = await source.find(id, source.bodyPieces ? BEGINNING_BYTES : Infinity)
    if (details?.body === undefined || details.size === 0)
      return page(404, messagePage('Not found', 'There is no body, or it is no longer kept.', '../../'))
    const { body, size } = details
    const name = `event-${id.replace(/[^\w-]/g, '_').slice(0, 64)}`
    return {
      status: 200,
      type: 'application/octet-stream',
      body: source.bodyPieces ? { size, pieces: source.bodyPieces(id) } : body,
      headers: { 'Content-Disposition': `attachment; filename="${name}.${extensionOf(body)}"` },
    }
  }

  #noticeFor(query: URLSearchParams) {
    const text = DONE[wordOf(query, 'done') ?? '']
    return text === undefined ? undefined : ({ text, tone: 'good' } as const)
  }
}

const DONE: Readonly<Record<string, string | undefined>> = {
  replay: 'The event was queued and is delivered again.',
  'give-up': 'The event was given up.',
  purge: 'The event was removed.',
  'catch-up': 'The catch-up has begun.',
}

const noSuchEvent = page(404, messagePage('No such event', 'It was removed, or it is no longer kept.', '../'))

function filterOf(query: URLSearchParams): Filter {
  const kind = wordOf(query, 'kind')
  return {
    text: wordOf(query, 'q'),
    state: wordOf(query, 'state'),
    kind: KINDS.find((one): one is EventKind => one === kind),
    eventName: wordOf(query, 'event'),
  }
}

/** An empty form field counts as not filled in. */
function wordOf(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name)?.trim().slice(0, MAX_SEARCH)
  return value === '' ? undefined : value
}

function extensionOf(body: Buffer): string {
  const start = body
    .toString('utf8', 0, BEGINNING_BYTES)
    .replace(/^\ufeff/, '')
    .trimStart()
  return start.startsWith('<') ? 'xml' : /^[[{]/.test(start) ? 'json' : 'bin'
}
