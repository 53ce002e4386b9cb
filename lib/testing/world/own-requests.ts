/** Changes of your own company, as the API shows them: lines that the company issues, and its open requests. */
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
    // Only the status shows a `reconfirmation` or a `reschedule`, because Tradecloud does not document where it stores
    // these requests.
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

/** Selects a request; `chance` is a random number from 0 up to, but not including, 1. */
export function ownRequest(party: 'buyer' | 'supplier', chance: number): OwnRequest {
  const all = REQUESTS[party]
  const found = all[Math.floor(chance * all.length)]
  if (found === undefined) throw new RangeError(`no request at ${chance}`)
  return found
}

/** The change with which the other company approves a request: the request is closed and the line confirmed. */
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
