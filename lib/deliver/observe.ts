/** Reports a delivery without an inbox to `telemetry`. */
import { answerFor } from '../answer/respond'
import type { DeliveryEnd, DeliveryStart, Telemetry } from '../answer/telemetry'
import { TradecloudWebhookError } from '../errors/errors'
import type { Trigger } from '../events/trigger'
import type { TraceContext } from '../inbox/stored-event'
import { GIVEN_BACK, type AttemptResult } from './attempt'

export interface Observable {
  trigger: Trigger
  trace: TraceContext | undefined
}

export async function observe(
  telemetry: Telemetry,
  delivery: Observable,
  deliver: () => Promise<AttemptResult>,
): Promise<AttemptResult> {
  const startedAt = performance.now()
  const observed = telemetry.delivery(startOf(delivery))
  const result = await observed.run(deliver)
  observed.end(endOf(result, performance.now() - startedAt))
  return result
}

function startOf({ trigger, trace }: Observable): DeliveryStart {
  const { kind, requestId, receivedAt } = trigger
  const eventName = trigger.type === 'body' ? trigger.eventName : undefined
  const entityId = trigger.type === 'id' ? trigger.id : trigger.entity?.id
  return { kind, eventName, entityId, requestId, receivedAt, replay: false, trace }
}

function endOf(result: AttemptResult, durationMs: number): DeliveryEnd {
  const { outcome, deliveryId, attempt, detail = outcome, cause } = result
  const common = { outcome, deliveryId, attempt, durationMs }
  if (outcome === 'delivered') return { ...common, result: 'delivered' }
  if (result === GIVEN_BACK) return { ...common, result: 'given-back' }
  const isFinal = answerFor(result, '', 'final').givenUp
  const error = new TradecloudWebhookError(outcome, detail, { cause })
  return { ...common, result: isFinal ? 'dead' : 'retry', error }
}
