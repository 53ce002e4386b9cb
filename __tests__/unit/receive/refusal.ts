import { isTradecloudWebhookError } from '../../../lib/errors/errors'

/** The message of the `invalid_option` error that `create` throws. Fails if it throws another error or none. */
export function refusalOf(create: () => unknown): string {
  try {
    create()
  } catch (error) {
    if (isTradecloudWebhookError(error) && error.code === 'invalid_option') return error.message
    throw error
  }
  throw new Error('was accepted')
}
