/** What the callback does depends on the beginning of the order ID. */

/** The callback does not end. */
export const HELD = 'held'
/** The callback throws a `RejectEvent`. */
export const REJECTED = 'rejected'
/** The callback throws an error. */
export const FAILING = 'failing'
