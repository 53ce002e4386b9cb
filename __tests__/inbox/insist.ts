/** Repeats a call while it fails with `unavailable`, because a busy machine may not answer it in time. */
export async function insist<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'unavailable') throw error
    }
  }
}
