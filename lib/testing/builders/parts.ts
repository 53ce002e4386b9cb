/** What orders and shipments share: the two parties, documents, message meta, and the format of numbers and dates. */
import type { MessageMeta, Party, TradecloudDocument } from '../../schema'
import { MAX_ENTRIES, text, wholeNumber, type BuilderOptions } from './options'
import { Seeded } from './seeded'

/** IDs of the two parties of all orders and shipments; the seed selects only the order or shipment. */
export const BUYER_ID = '3e0f6d52-41c7-4d3b-9f0c-7a5e2b8c1d60'
export const SUPPLIER_ID = '5c1d7f02-8a3e-4f7b-b6d4-1e9a2c3b4d5f'
/** The numbers with which each party refers to the other. */
export const ACCOUNTS = { supplierAccountNumber: '540830', buyerAccountNumber: '340760' }
export const TERMS = {
  incotermsCode: 'DAP',
  incoterms: 'IJmuiden',
  paymentTermsCode: '30D',
  paymentTerms: '30 days net',
}

/** Values that are computed before the parts of an order or shipment are built. */
export interface Plan {
  seeded: Seeded
  id: string
  version: number
  lastUpdatedAt: string
  documents: number
}

interface PlanOptions extends BuilderOptions {
  documents?: number | undefined
}

export function plan(options: PlanOptions, defaultDocuments: number): Omit<Plan, 'id'> {
  const { seed = 1, version = 1, documents = defaultDocuments } = options
  const seeded = new Seeded(wholeNumber('seed', seed, 0, Number.MAX_SAFE_INTEGER))
  const milliseconds = wholeNumber('version', version, 0, 2 ** 31 - 1) * 1000 + seeded.number(0, 999, 'milliseconds')
  const { lastUpdatedAt = new Date(Date.UTC(2026, 10, 20, 13, 45) + milliseconds).toISOString() } = options
  return {
    seeded,
    version,
    lastUpdatedAt: text('lastUpdatedAt', lastUpdatedAt),
    documents: wholeNumber('documents', documents, 0, MAX_ENTRIES),
  }
}

/** The message ID depends on the sizes, so that two events with different sizes are two messages. */
export function messageMeta(plan: Plan, builder: string, eventName: string, sizes: number[]): MessageMeta {
  const { seeded, id, version, documents, lastUpdatedAt } = plan
  const companyId = eventName.endsWith('ByBuyer') ? BUYER_ID : SUPPLIER_ID
  return {
    messageId: seeded.uuid('message', id, builder, eventName, version, lastUpdatedAt, documents, ...sizes),
    source: {
      traceId: seeded.uuid('trace', id, version),
      userId: new Seeded(0).uuid('user', companyId),
      companyId,
    },
    createdDateTime: lastUpdatedAt,
  }
}

/** Documents that are alternately stored at Tradecloud (`objectId`) and at the supplier (`url`). */
export function documents({ seeded, documents: count }: Plan, party: string, holder: string): TradecloudDocument[] {
  return list(count, (index) => {
    const code = `DOC-${digits(seeded.seed, 5)}-${holder}-${party}-${index + 1}`
    const described = { code, revision: 'A', name: 'Drawing', description: 'As built', type: 'General' }
    if (index % 2 === 0) return { ...described, objectId: seeded.uuid('document', party, holder, index) }
    return { ...described, url: `https://files.flenzen.example/${code}.pdf` }
  })
}

export const buyerAddress = () => ({
  names: ['Noordzee Machines B.V.', 'Department 4'],
  addressLines: ['Havenweg 12', 'Building 6'],
  postalCode: '1976 BX',
  city: 'IJmuiden',
  countryCodeIso2: 'NL',
})

const supplierAddress = () => ({
  names: ['Flenzen B.V.'],
  addressLines: ['Staalweg 3'],
  postalCode: '5651 GH',
  city: 'Eindhoven',
  countryCodeIso2: 'NL',
})

export const buyerParty = (): Party => ({ id: '8712345000011', idScheme: 'GLN', ...buyerAddress() })
export const supplierParty = (): Party => ({ id: '8712345000035', idScheme: 'GLN', ...supplierAddress() })

export function list<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index))
}

export const digits = (number: number, length = 4): string => String(number).padStart(length, '0')

/** The date that is `days` after 4 January 2027, as `YYYY-MM-DD`. */
export const day = (days: number): string => new Date(Date.UTC(2027, 0, 4 + days)).toISOString().slice(0, 10)
