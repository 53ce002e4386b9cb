/** Again and again while the machine is too busy to answer in time. The webhook and the deliverer try again then, too. */
export async function insist<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'unavailable') throw error
    }
  }
}
