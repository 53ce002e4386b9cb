/**
 * Determines which changes a delivery covers; the catch-up treats these changes as arrived. This is needed only if they
 * may differ from the changes that were recorded when the event was stored.
 */
import { arrivalOf, type Arrival } from '../../inbox/catch-up/arrivals'
import type { WebhookEvent } from '../../events/events'
import type { Trigger } from '../../events/trigger'
import { instantOf } from '../../events/entity'
import type { InboxDelivery } from '../../inbox/inbox'
import type { ResolveOptions } from '../resolve-event'

export interface Covered {
  arrival?: Arrival | undefined
}

/** Whether the result of `coveredBy` may differ from what was recorded when the event was stored. */
export function coversLater(trigger: Trigger, { replay, event }: InboxDelivery, { mode }: ResolveOptions): boolean {
  return trigger.type === 'id' || (replay && !event.found) || mode === 'always'
}

/** Called before the callback, which may change the event. Returns `undefined` if the existing record is right. */
export function coveredBy(trigger: Trigger, event: WebhookEvent, { replay }: InboxDelivery): Arrival | undefined {
  if (trigger.type === 'id' || replay) return arrivalOf(event)
  // If the fetched state is older than the body, the callback gets the header or shipment in that older state, so the
  // arrival that was recorded for the body would be wrong.
  const isBehind = instantOf(event.lastUpdatedAt) < instantOf(trigger.event.lastUpdatedAt)
  return isBehind ? arrivalOf(event) : undefined
}
