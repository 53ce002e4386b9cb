/**
 * The page of a simulation, served on a local port. It reloads itself, and can be saved as a file because it refers to
 * no other file.
 */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { html, shown, type Html } from '../../views/html'
import { count } from '../printable'
import type { SimulatedEvent, SimulationModel } from './model'

const STYLE = `:root { color-scheme: light dark; font-family: system-ui, sans-serif }
body { max-width: 72rem; margin: 1.5rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #8886; vertical-align: top; overflow-wrap: anywhere }
dl { display: flex; flex-wrap: wrap; gap: 0.3rem 2rem } dl div { display: flex; gap: 0.5rem } dd { margin: 0; font-weight: 600 }
.delivered { color: #1a7f4b } .bad { color: #c0392b; font-weight: 600 } .waits { color: #b26b00 }`
/**
 * The style is not part of the template below, because the indentation of the template would change the bytes of the
 * style. The Content-Security-Policy contains a hash of these bytes.
 */
const STYLE_ELEMENT = html(Object.assign([`<style>${STYLE}</style>`], { raw: [] }))
const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}
const RELOAD_S = 2
/** Maximum number of events on the page; `--json` contains all. */
const MAX_ROWS = 2_000

export interface ResultPage {
  url: string
  close: () => void
}

/** Rejects if no port can be opened. */
export async function servePage(modelOf: () => SimulationModel): Promise<ResultPage> {
  const server: Server = createServer((req, res) => {
    const { port } = server.address() as AddressInfo
    // Refuses other host names: a web page may let its host name resolve to this machine (DNS rebinding).
    const isOurs = [`127.0.0.1:${port}`, `localhost:${port}`].includes(req.headers.host ?? '')
    const status = !isOurs ? 403 : req.url === '/' ? 200 : 404
    const body = status === 200 ? pageOf(modelOf(), RELOAD_S) : 'There is nothing here.'
    res.writeHead(status, { ...HEADERS, 'Content-Length': Buffer.byteLength(body) })
    res.end(req.method === 'HEAD' ? undefined : body)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** `reloadS` is the interval in seconds at which the page reloads; absent for the final page. */
export function pageOf(model: SimulationModel, reloadS?: number): string {
  const { events, to, counts, repeated, recovered, api, orders } = model
  const numbers: Array<[string, number]> = [
    ['orders', orders],
    ['delivered', counts.delivered],
    ['of these repeated', repeated],
    ['on their way', counts['on its way']],
    ['given up', counts['given up']],
    ['not delivered yet', counts['still retrying'] + counts.unreachable],
    ['lost on purpose', counts.lost],
    ['of these fetched since', recovered],
    ['API: logins', api.logins],
    ['orders fetched', api.orderRequests],
    ['polls', api.polls],
  ]
  const reload = reloadS !== undefined && !model.done && html`<meta http-equiv="refresh" content="${reloadS}" />`
  const rows = events.slice(-MAX_ROWS).reverse().map(rowOf)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${reload}
        <title>Simulated Tradecloud</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <h1>Simulated Tradecloud</h1>
        <p>Events go to ${shown(to)}. The API is at ${api.baseUrl}: user ${api.username}, password ${api.password}.</p>
        <dl>
          ${numbers.map(
            ([name, number]) =>
              html`<div>
                <dt>${name}</dt>
                <dd>${count(number)}</dd>
              </div>`,
          )}
        </dl>
        <table>
          <caption>
            The result of each event${events.length > MAX_ROWS && `, the latest ${count(MAX_ROWS)}`}
          </caption>
          <thead>
            <tr>
              <th>Order</th>
              <th>Event</th>
              <th>Result</th>
              <th>Attempts</th>
              <th>Last response</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </body>
    </html> `.text
}

function rowOf({ orderId, eventName, fate, attempts, status, detail }: SimulatedEvent): Html {
  const tone = fate === 'delivered' ? 'delivered' : fate === 'on its way' || fate === 'lost' ? 'waits' : 'bad'
  const last = [status, detail].filter((part) => part !== undefined).join(' ')
  return html`<tr>
    <td>${shown(orderId)}</td>
    <td>${eventName}</td>
    <td class="${tone}">${fate}</td>
    <td>${attempts}</td>
    <td>${shown(last)}</td>
  </tr> `
}
