/** What a company changes itself, as far as the API shows it: lines that it issues, and its open requests. */
import type { LineChange } from './changes'

interface OwnRequest {
  request: string
  eventName: string
  line: Omit<LineChange, 'id'>
}

const inProgress = (inProgressStatus: string) => ({ processStatus: 'InProgress', inProgressStatus })
const open = { status: 'Open' }

const REQUESTS: Record<'buyer' | 'supplier', OwnRequest[]> = {
  buyer: [
    { request: 'issue', eventName: 'OrderLinesIssuedByBuyer', line: { status: { processStatus: 'Issued' } } },
    {
      request: 'buyerReopen',
      eventName: 'OrderLinesReopenRequestedByBuyer',
      line: { status: inProgress('OpenBuyerReopenRequest'), buyerLine: { requests: { reopenRequest: open } } },
    },
    // Where these are kept is not documented: the status alone tells.
    {
      request: 'reconfirmation',
      eventName: 'OrderLinesReconfirmationRequestedByBuyer',
      line: { status: inProgress('OpenBuyerReconfirmationRequest') },
    },
  ],
  supplier: [
    {
      request: 'proposal',
      eventName: 'OrderChangesProposedBySupplier',
      line: { status: inProgress('OpenSupplierProposal'), supplierLine: { requests: { proposal: open } } },
    },
    {
      request: 'supplierReopen',
      eventName: 'OrderLinesReopenRequestedBySupplier',
      line: { status: inProgress('OpenSupplierReopenRequest'), supplierLine: { requests: { reopenRequest: open } } },
    },
    {
      request: 'reschedule',
      eventName: 'OrderLinesShipmentRescheduleRequestedBySupplier',
      line: { status: inProgress('OpenSupplierShipmentRescheduleRequest') },
    },
  ],
}

/** One of them; `chance` is from 0 up to 1. */
export function ownRequest(party: 'buyer' | 'supplier', chance: number): OwnRequest {
  const all = REQUESTS[party]
  const found = all[Math.floor(chance * all.length)]
  if (found === undefined) throw new RangeError(`no request at ${chance}`)
  return found
}

/** The other company agrees: the request is closed, the line is confirmed. */
export function answerTo(request: string, id: string): LineChange {
  const status = { processStatus: 'Confirmed', inProgressStatus: null }
  const approved = { status: 'Approved' }
  switch (request) {
    case 'buyerReopen':
      return { id, status, buyerLine: { requests: { reopenRequest: approved } } }
    case 'proposal':
      return { id, status, supplierLine: { requests: { proposal: approved } } }
    case 'supplierReopen':
      return { id, status, supplierLine: { requests: { reopenRequest: approved } } }
    default:
      return { id, status }
  }
}
