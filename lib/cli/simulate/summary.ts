/** The summary of a simulation on the terminal: a table of events that were not delivered, and the counts. */
import { styled, terminalWidth, type Style } from '../output'
import { count } from '../printable'
import { layOut, type Column } from '../table'
import type { SimulatedEvent, SimulationModel } from './model'

const STYLES: Partial<Record<SimulatedEvent['fate'], Style>> = {
  'given up': 'red',
  'still retrying': 'yellow',
  unreachable: 'yellow',
  lost: 'yellow',
}
const MAX_ROWS = 100

const COLUMNS: Column<SimulatedEvent>[] = [
  { title: 'ORDER', text: ({ orderId }) => orderId, min: 14, keep: 'end' },
  { title: 'EVENT', text: ({ eventName }) => eventName, min: 18 },
  { title: 'RESULT', text: ({ fate }) => fate, style: ({ fate }) => STYLES[fate] },
  { title: 'ATTEMPTS', text: ({ attempts }) => String(attempts) },
  { title: 'STATUS', text: ({ status }) => (status === undefined ? '' : String(status)) },
  { title: 'DETAIL', text: ({ detail = '' }) => detail, min: 16, rank: 1 },
]

export function summaryOf(model: SimulationModel): string {
  const { counts, repeated, recovered, api, orders, events } = model
  const rows = events.filter(({ fate }) => fate !== 'delivered').slice(0, MAX_ROWS)
  const table = layOut(rows, COLUMNS, terminalWidth())
  const parts: Array<[number, string, Style]> = [
    [counts.delivered, `delivered${repeated > 0 ? ` (${count(repeated)} after repeats)` : ''}`, 'green'],
    [counts['given up'], 'given up: Tradecloud would not send them again', 'red'],
    [counts['still retrying'], 'still being repeated', 'yellow'],
    [counts.unreachable, 'without a connection', 'yellow'],
    [counts.lost, `lost on purpose (${count(recovered)} of their orders fetched from the API since)`, 'yellow'],
  ]
  const lines = parts
    .filter(([number], i) => number > 0 || i === 0)
    .map(([number, text, style]) => styled(number > 0 ? style : undefined, `${count(number)} ${text}`))
  return [
    ...(rows.length > 0 ? [table.title, ...rows.map((row) => table.line(row)), ''] : []),
    `${count(orders, 'order')}, ${count(events.length, 'event')}:`,
    ...lines.map((line) => `  ${line}`),
    `The API was asked for ${count(api.orderRequests, 'order')}, with ${count(api.logins, 'login')} and ${count(api.polls, 'poll')}.`,
    '',
  ].join('\n')
}
