/** The behaviour of the callback, selected by the beginning of the order ID. */

/** It does not end. */
export const HELD = 'held'
/** It throws `RejectEvent`. */
export const REJECTED = 'rejected'
/** It throws an error. */
export const FAILING = 'failing'
