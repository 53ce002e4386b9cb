/** What creation says against a wrong option. */
import { isTradecloudWebhookError } from '../../../lib/errors/errors'

/** Message of the `invalid_option` that `create` throws. Throws where it throws anything else, or nothing. */
export function refusalOf(create: () => unknown): string {
  try {
    create()
  } catch (error) {
    if (isTradecloudWebhookError(error) && error.code === 'invalid_option') return error.message
    throw error
  }
  throw new Error('was accepted')
}
