/** Errors that end a command. Only their message is shown. */

/** The command was used wrongly: exit code 2. */
export class UsageError extends Error {}

/** Any other failure: exit code 1. */
export class Failure extends Error {}
