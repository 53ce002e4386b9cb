/** Selects changes by their origin: a poll also returns the changes that the user's own company made. */
import { invalidOption } from '../errors/errors'
import type { Order, OrderLine, Shipment, SingleDeliveryOrder, SingleDeliveryOrderLine } from '../schema'
import { isThenable } from '../wait/thenable'
import { isObject, stateOf, textOf, type Json } from '../events/entity'
import type { EntitySnapshot, Part } from '../inbox/catch-up/parts'

/**
 * A change that the catch-up found. `want` is called for each changed line of an order, with only that line in `lines`,
 * and for the header, with no line.
 */
export type FoundChange =
  | {
      kind: 'order'
      id: string
      /** The order in the form that is polled; `lines` have the same form. */
      order: Order | SingleDeliveryOrder
      lines: Array<OrderLine | SingleDeliveryOrderLine>
      header: boolean
    }
  | { kind: 'shipment'; id: string; shipment: Shipment; lines: []; header: boolean }

/**
 * `'all'`, or a function whose result depends only on its argument. A change for which it returns false is skipped, and
 * is not recorded as arrived.
 */
export type Want = 'all' | ((found: FoundChange) => boolean)

export function isWanted(want: Want, { kind, id, content }: EntitySnapshot, { line }: Part): boolean {
  if (want === 'all') return true
  const part = { id, header: line === undefined }
  const wanted =
    kind === 'shipment'
      ? want({ kind, shipment: content, lines: [], ...part })
      : want({ kind, order: content, lines: line ? [line] : [], ...part })
  return checked(wanted)
}

/** Refuses a promise: it would always count as true, and its unhandled rejection would end the process. */
function checked(wanted: boolean): boolean {
  if (!isThenable<unknown>(wanted)) return wanted
  wanted.then(undefined, () => undefined)
  throw invalidOption('catchUp.want', 'returned a promise; it must return true or false')
}

/** By party: the values of `inProgressStatus` which mean that a request or proposal of this party is unanswered. */
const OPEN = {
  buyer: ['OpenBuyerReopenRequest', 'OpenBuyerReconfirmationRequest'],
  supplier: ['OpenSupplierProposal', 'OpenSupplierReopenRequest', 'OpenSupplierShipmentRescheduleRequest'],
}

/**
 * For the option `want`: leaves out order lines that wait for an answer from the other company, as Tradecloud's
 * documentation recommends. These are lines with an open request or proposal of your own. For a buyer, lines in
 * `Issued` are left out too. A header change is left out if it has exactly the time of change of such a line. Shipments
 * are always wanted.
 */
export function notOwnRequest(party: 'buyer' | 'supplier'): (found: FoundChange) => boolean {
  if (!(party in OPEN))
    throw invalidOption('notOwnRequest', `must be given 'buyer' or 'supplier', not ${party as string}`)
  return (found) => {
    if (found.kind === 'shipment') return true
    if (!found.header) return !found.lines.every((line) => isOwn(party, line as Json))
    const { lines } = found.order
    const { lastUpdatedAt } = stateOf('order', found.order as Json)
    return !(Array.isArray(lines) ? (lines as unknown[]) : []).some(
      (line) => isObject(line) && stateOf('order', line).lastUpdatedAt === lastUpdatedAt && isOwn(party, line),
    )
  }
}

function isOwn(party: 'buyer' | 'supplier', line: Json): boolean {
  const { processStatus, inProgressStatus } = part(line, 'status')
  if (party === 'buyer' && processStatus === 'Issued') return true
  if (OPEN[party].includes(textOf(inProgressStatus) ?? '')) return true
  const { proposal, reopenRequest } = part(part(line, `${party}Line`), 'requests')
  return [proposal, reopenRequest].some((request) => isObject(request) && request.status === 'Open')
}

function part(value: Json, name: string): Json {
  const inner = value[name]
  return isObject(inner) ? inner : {}
}
