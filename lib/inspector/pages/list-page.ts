/** The first page: counters, chart, search and events. */
import { KINDS, MAX_AGE_MS } from '../../views/inbox'
import { count, duration } from '../../views/text'
import type { Filter, Overview, Page, Source } from '../source/source'
import { chart } from './chart'
import { html, verbatim, type Html } from '../../views/html'
import { eventTable } from './layout'

export interface ListView {
  source: Source
  overview: Overview
  page: Page
  filter: Filter
  /** Position of the page in the list; `undefined` for the first page. */
  after: string | undefined
  /** `undefined` if there is no catch-up. */
  catchUp?: { state: string } | undefined
}

export function listPage({ source, overview, page, filter, after, catchUp }: ListView): Html {
  return html`<h1>${source.title}</h1>
    <div id="overview" data-part>${counters(overview)} ${overview.hours && chart(overview.hours)}</div>
    ${searchForm(source, filter)}
    <div id="events" data-part>
      ${page.rows.length === 0 ? emptyText(filter) : eventTable(page.rows, '', 'Newest events first')}
      ${pager(filter, page.next, after)}
    </div>
    ${catchUp && catchUpForm(catchUp.state)}`
}

function counters({ counts, oldestWaitingAt, oldestWaitingMs }: Overview): Html {
  const items = counts.map(
    ({ state, tone, count: number }) =>
      html`<li class="${tone}">
        <a href="?state=${encodeURIComponent(state)}"> <span class="number">${count(number)}</span> ${state}</a>
      </li>`,
  )
  const isOld = (oldestWaitingMs ?? 0) > MAX_AGE_MS
  const oldest =
    oldestWaitingAt !== undefined && oldestWaitingMs !== undefined
      ? html`<p class="oldest ${isOld && 'late'}">
          The oldest waiting event has waited for <strong>${duration(oldestWaitingMs)}</strong>, since
          <time datetime="${oldestWaitingAt}">${oldestWaitingAt}</time>.
        </p>`
      : undefined
  return html`${
    items.length > 0 &&
    html`<ul class="counters">
      ${items}
    </ul>`
  }${oldest}`
}

function searchForm({ states }: Source, { text, state, kind, eventName }: Filter): Html {
  const known = state === undefined || states.includes(state) ? states : [...states, state]
  return html`<form class="search" role="search" method="get" action="./">
    <label
      >Order, shipment or event ID
      <input type="search" name="q" value="${verbatim(text ?? '')}" placeholder="PO-2026/00013"
    /></label>
    <label
      >State
      <select name="state">
        ${options(known, state)}
      </select></label
    >
    <label
      >Kind
      <select name="kind">
        ${options(KINDS, kind)}
      </select></label
    >
    <label>Event name <input name="event" value="${verbatim(eventName ?? '')}" /></label>
    <button>Search</button> <a class="all" href="./">Show all</a>
  </form>`
}

function options(values: readonly string[], selected: string | undefined): Html[] {
  const all = html`<option value="">any</option>`
  const some = values.map(
    (value) => html`<option value="${verbatim(value)}" ${value === selected && html` selected`}>${value}</option>`,
  )
  return [all, ...some]
}

function emptyText(filter: Filter): Html {
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  return html`<p class="empty">${isFiltered ? 'There are no such events.' : 'There are no events yet.'}</p>`
}

function pager(filter: Filter, next: string | undefined, after: string | undefined): Html | undefined {
  if (next === undefined && after === undefined) return undefined
  return html`<nav aria-label="Pages">
    ${after !== undefined && html`<a href="${linkTo(filter)}">Newest events</a>`}
    ${next !== undefined && html`<a href="${linkTo(filter, next)}" rel="next">Older events</a>`}
  </nav>`
}

function linkTo({ text, state, kind, eventName }: Filter, after?: string): string {
  const all = { q: text, state, kind, event: eventName, after }
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? './' : `?${new URLSearchParams(given).toString()}`
}

function catchUpForm(state: string): Html {
  return html`<section>
    <h2>Catch up</h2>
    <p>Looks in the Tradecloud API for changes that did not arrive, and delivers them.</p>
    <p id="catch-up" data-part>${state}</p>
    <form method="post" action="catch-up"><button>Catch up now</button></form>
  </section>`
}
