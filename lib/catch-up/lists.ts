/** The lists that a catch-up polls, their cursors, and how each is read. */
import { TradecloudApiError, type TradecloudClient } from '../api'
import type { Json } from '../events/entity'
import type { EntityKind } from '../inbox/catch-up/parts'
import type { ResolvedCatchUp } from './catch-up-options'
import type { CatchUpSource } from './run-options'
import type { Scope } from '../inbox/catch-up/storage'

export interface List extends Scope {
  /** `false`: never. Otherwise polled while any process that shares the inbox has a callback for it. */
  polls: boolean | undefined
  source: CatchUpSource
}

const PATHS = {
  order: { deliverySchedule: 'order-search/poll', singleDelivery: 'order-search/poll/single-delivery' },
  shipment: { deliverySchedule: 'shipment/poll', singleDelivery: 'shipment/poll' },
} as const

export function listsOf(client: TradecloudClient, options: ResolvedCatchUp): List[] {
  return [
    listOf(client, { kind: 'order', form: options.form }, options.orders, options.orderFilters),
    listOf(client, { kind: 'shipment', form: 'deliverySchedule' }, options.shipments, options.shipmentFilters),
  ]
}

function listOf(
  client: TradecloudClient,
  { kind, form }: Omit<Scope, 'key'>,
  polls: boolean | undefined,
  filters: object,
): List {
  const { baseUrl, username = '' } = client.account()
  return {
    ...{ kind, form, polls },
    // The API user is part of the key, because users may see different orders.
    key: JSON.stringify([kind, form, baseUrl, username, filters]),
    source: {
      read: (after, signal) => client.readPages(PATHS[kind][form], { lastUpdatedAfter: after, filters, signal }),
      // In single delivery form, the API has no request for a single order.
      fetch: async (id, signal) => (form === 'singleDelivery' ? undefined : fetchOne(client, kind, id, signal)),
    },
  }
}

async function fetchOne(
  client: TradecloudClient,
  kind: EntityKind,
  id: string,
  signal: AbortSignal,
): Promise<Json | undefined> {
  try {
    const { entity } = await client.fetchEntity(kind, id, { signal })
    return entity
  } catch (error) {
    if (error instanceof TradecloudApiError && (error.code === 'not_found' || error.code === 'invalid_id'))
      return undefined
    throw error
  }
}
