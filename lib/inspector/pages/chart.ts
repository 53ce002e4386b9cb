/** A chart and table of the events of the last day, by hour and state. */
import { count } from '../../views/text'
import type { Overview, Tone } from '../source/source'
import { html, type Html } from '../../views/html'

const HOUR_MS = 3_600_000
const HOURS = 24
const WIDTH = 720
const HEIGHT = 150
const LEFT = 44
const BOTTOM = 22
const TOP = 10
/** The order of the states in a bar, from bottom to top. */
const TONES: readonly Tone[] = ['good', 'waits', 'busy', 'odd', 'bad']

interface Series {
  state: string
  tone: Tone
  /** Number of events in each hour, oldest hour first. */
  counts: number[]
  total: number
}

export function chart(hours: NonNullable<Overview['hours']>, now = Date.now()): Html {
  const first = now - (now % HOUR_MS) - (HOURS - 1) * HOUR_MS
  const series = seriesOf(hours, first)
  const totals = Array.from({ length: HOURS }, (_, i) => series.reduce((sum, { counts }) => sum + (counts[i] ?? 0), 0))
  const max = Math.max(1, ...totals)
  const times = totals.map((_, i) => new Date(first + i * HOUR_MS).toISOString().slice(11, 16))
  const summary = series.map(({ state, total }) => `${count(total)} ${state}`).join(', ')
  const step = (WIDTH - LEFT) / HOURS
  const scale = (HEIGHT - TOP - BOTTOM) / max
  const bars = totals.map((_, i) => {
    let y = HEIGHT - BOTTOM
    return series.map(({ counts, tone, state }) => {
      const number = counts[i] ?? 0
      if (number === 0) return undefined
      // A minimum height, so that a single event among thousands is visible.
      const height = Math.max(2, number * scale)
      y -= height
      const box = html`x="${fixed(LEFT + i * step + 2)}" y="${fixed(y)}" width="${fixed(step - 4)}"
      height="${fixed(height)}"`
      return html`<rect class="${tone}" ${box}><title>${times[i]}: ${count(number)} ${state}</title></rect>`
    })
  })
  const labels = times.map(
    (time, i) => i % 4 === 0 && html`<text x="${fixed(LEFT + i * step)}" y="${HEIGHT - 6}" class="axis">${time}</text>`,
  )
  const legend = series.map(
    ({ state, tone, total }) => html`<li><span class="dot ${tone}"></span>${state} ${count(total)}</li>`,
  )
  return html`<figure class="chart">
    <figcaption>Events of the last 24 hours by the hour in which they were received (UTC)</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${summary === '' ? 'No events' : summary}">
      <line x1="${LEFT}" x2="${WIDTH}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}" class="line" />
      <line x1="${LEFT}" x2="${WIDTH}" y1="${TOP}" y2="${TOP}" class="line" />
      <text x="${LEFT - 6}" y="${TOP + 4}" class="axis end">${count(max)}</text>
      <text x="${LEFT - 6}" y="${HEIGHT - BOTTOM + 4}" class="axis end">0</text>
      ${bars}${labels}
    </svg>
    <ul class="legend">
      ${legend}
    </ul>
    <details data-key="figures">
      <summary>The figures as a table</summary>
      ${figures(series, times)}
    </details>
  </figure>`
}

function seriesOf(hours: NonNullable<Overview['hours']>, first: number): Series[] {
  const found = new Map<string, Series>()
  for (const { hour, state, tone, count: number } of hours) {
    const at = Math.floor((hour.getTime() - first) / HOUR_MS)
    if (at < 0 || at >= HOURS) continue
    const series = found.get(state) ?? { state, tone, counts: Array<number>(HOURS).fill(0), total: 0 }
    found.set(state, series)
    series.counts[at] = (series.counts[at] ?? 0) + number
    series.total += number
  }
  return [...found.values()].sort((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone))
}

function figures(series: readonly Series[], times: readonly string[]): Html {
  const rows = times.map((time, i) => {
    const isEmpty = series.every(({ counts }) => counts[i] === 0)
    if (isEmpty) return undefined
    const cells = series.map(({ counts }) => html`<td>${count(counts[i] ?? 0)}</td>`)
    return html`<tr>
      <th scope="row">${time}</th>
      ${cells}
    </tr>`
  })
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Figures by hour">
    <table>
      <thead>
        <tr>
          <th scope="col">Hour</th>
          ${series.map(({ state }) => html`<th scope="col">${state}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

function fixed(number: number): string {
  return number.toFixed(1)
}
