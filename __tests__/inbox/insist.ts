/** Retries a call that a busy machine could not answer in time, as the webhook and the deliverer do. */
export async function insist<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'unavailable') throw error
    }
  }
}
