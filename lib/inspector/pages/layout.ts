import { duration } from '../../views/text'
import type { Row, Tone } from '../source/source'
import { html, shown, type Html, type HtmlPart } from '../../views/html'

export interface Layout {
  title: string
  /** Relative path to the first page. It is relative because a proxy may add a prefix to the path. */
  root: string
  content: HtmlPart
  /** The result of the action that has just been carried out. */
  notice?: { text: string; tone: Tone } | undefined
  /** True if the page is updated continuously. */
  isLive?: boolean
}

export function layout({ title, root, content, notice, isLive = false }: Layout): Html {
  const live = isLive && html` data-live="${root}live"`
  return html`<!doctype html>
    <html lang="en" ${live}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} – Tradecloud webhook</title>
        <link rel="stylesheet" href="${root}inspector.css" />
        <script src="${root}inspector.js" defer></script>
      </head>
      <body>
        <header>
          <a class="home" href="${root}">Tradecloud webhook</a>
          <p id="live" role="status">
            ${isLive && html`<noscript>Without scripts, reload the page to update it.</noscript>`}
          </p>
        </header>
        <main>
          ${notice && html`<p class="notice ${notice.tone}" role="status">${shown(notice.text)}</p>`} ${content}
        </main>
      </body>
    </html> `
}

export function messagePage(title: string, text: string, root: string): Html {
  const content = html`<h1>${title}</h1>
    <p>${shown(text)}</p>
    <p><a href="${root}">Go to the first page</a></p>`
  return layout({ title, root, content })
}

export function badge(state: string, tone: Tone): Html {
  return html`<span class="badge ${tone}">${state}</span>`
}

/** Renders an age such as `3m ago`, with the exact time as its title. */
export function ago(time: string, now = Date.now()): Html {
  return html`<time datetime="${time}" title="${time}">${duration(now - Date.parse(time))} ago</time>`
}

/** `caption` is shown above the table, and names it for screen readers. */
export function eventTable(rows: readonly Row[], root: string, caption: string): Html {
  const lines = rows.map(
    ({ id, entity, state, tone, kind, eventName, receivedAt, attempts, note }) =>
      html`<tr>
        <th scope="row">
          <a href="${root}event/${encodeURIComponent(id)}"
            >${entity ? shown(entity.id, { max: 80, keep: 'end' }) : html`<code>${shown(id, { max: 13 })}</code>`}</a
          >
        </th>
        <td data-label="State">${badge(state, tone)}</td>
        <td data-label="Event">${shown(eventName ?? kind ?? '', { max: 80 })}</td>
        <td data-label="Received">${ago(receivedAt)}</td>
        <td data-label="Tries">${attempts}</td>
        <td data-label="Why">${shown(note ?? '', { max: 200 })}</td>
      </tr> `,
  )
  return html`<div class="scroll">
    <table class="events">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Order or shipment</th>
          <th scope="col">State</th>
          <th scope="col">Event</th>
          <th scope="col">Received</th>
          <th scope="col">Tries</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`
}
