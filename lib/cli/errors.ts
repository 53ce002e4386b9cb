/** How a command ends without success. The message is all that is shown. */

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}

/** Anything else: exit code 1. */
export class Failure extends Error {}
