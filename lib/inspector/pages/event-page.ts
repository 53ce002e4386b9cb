/** The page of one event: its fields, its history, its body, and the possible actions. */
import type { HistoryLine } from '../../views/event'
import type { Action, Details, Row } from '../source/source'
import { bodySection } from './body'
import { html, shown, type Html } from '../../views/html'
import { ago, badge, eventTable } from './layout'

export interface EventView {
  details: Details
  related: readonly Row[]
  /** False if the visitor may not see bodies, if no bodies are kept, or if only an update of the page is rendered. */
  showsBody: boolean
  actions: readonly Action[]
}

export function eventPage({ details, related, showsBody, actions }: EventView): Html {
  const { row, fields, history, waitsBehind } = details
  const id = encodeURIComponent(row.id)
  const title = row.entity
    ? shown(row.entity.id, { max: 200, keep: 'end' })
    : shown(row.eventName ?? row.kind ?? row.id)
  return html`<h1>${title}</h1>
    <div id="event" data-part>
      <p>${badge(row.state, row.tone)} received ${ago(row.receivedAt)}</p>
      <dl>
        ${fields.map(
          ([label, value]) =>
            html`<dt>${label}</dt>
              <dd>
                ${value === waitsBehind ? html`<a href="${encodeURIComponent(value)}">${value}</a>` : shown(value)}
              </dd>`,
        )}
      </dl>
      ${actions.length > 0 && html`<section class="actions" aria-label="Actions">${actions.map((one) => actionForm(one, id))}</section>`}
      <section aria-labelledby="history">
        <h2 id="history">History</h2>
        <ol class="history">
          ${history.map(historyLine)}
        </ol>
      </section>
    </div>
    ${showsBody && bodySection(details, `${id}/body`)}
    <div id="related" data-part>
      ${
        related.length > 0 &&
        html`<section>
          <h2>Other events of the same ${row.entity?.kind ?? 'order'}</h2>
          ${eventTable(related, '../', 'Other events of the same order or shipment')}
        </section>`
      }
    </div>`
}

function historyLine({ at, text, outcome, reason }: HistoryLine): Html {
  const result = outcome !== undefined && html`: <strong>${shown(outcome)}</strong>`
  return html`<li>
    <time datetime="${at}">${at}</time> ${text}${result}${reason !== undefined && html`, ${shown(reason)}`}
  </li> `
}

function actionForm(action: Action, id: string): Html {
  if (action === 'replay') return html`<form method="post" action="${id}/replay"><button>Replay</button></form>`
  if (action === 'give-up')
    return html`<details data-key="give-up">
      <summary>Give up…</summary>
      <form method="post" action="${id}/give-up">
        <p>The event is kept as dead, and the events behind it are delivered.</p>
        <label>Reason <input name="reason" required maxlength="1000" /></label> <button>Give up</button>
      </form>
    </details>`
  return html`<details data-key="purge">
    <summary>Purge…</summary>
    <form method="post" action="${id}/purge">
      <p>The event and its body are removed permanently.</p>
      <button>Remove permanently</button>
    </form>
  </details>`
}
