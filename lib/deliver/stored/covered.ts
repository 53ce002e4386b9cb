/** What a delivery covers for the catch-up, where that was not known when its event was stored. */
import { arrivalOf, type Arrival } from '../../inbox/catch-up/arrivals'
import type { WebhookEvent } from '../../events/events'
import type { Trigger } from '../../events/trigger'
import { instantOf } from '../../tradecloud/entity-state'
import type { InboxDelivery } from '../../inbox/inbox'
import type { ResolveOptions } from '../resolve-event'

export interface Covered {
  arrival?: Arrival | undefined
}

/** Whether `coveredBy` may differ from what was recorded when the event was stored. */
export function coversLater(trigger: Trigger, { replay, event }: InboxDelivery, { mode }: ResolveOptions): boolean {
  return trigger.type === 'id' || (replay && !event.found) || mode === 'always'
}

/** Before the callback, which may change the event. `undefined`: what was recorded is right. */
export function coveredBy(trigger: Trigger, event: WebhookEvent, { replay }: InboxDelivery): Arrival | undefined {
  if (trigger.type === 'id' || replay) return arrivalOf(event)
  // The API was behind: the callback does not get the header or shipment that the body had.
  const isBehind = instantOf(event.lastUpdatedAt) < instantOf(trigger.event.lastUpdatedAt)
  return isBehind ? arrivalOf(event) : undefined
}
