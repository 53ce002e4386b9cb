/** What the command line can do, and the error for those who ask for something else. */

export const USAGE = `Usage: tradecloud-webhook inbox <directory> <command>

Looks into the folder of a file inbox, and puts events back into their line.
Works beside the server that owns the folder, and without one.

Commands
  list                  Shows the events in the inbox, the oldest first.
  show <id>             Shows one event and all that happened to it.
  replay <id>…          Delivers events again: dead and quarantined ones at the
                        end of the line of their order or shipment, waiting
                        ones at once.
  replay --all          All that match the filters; by default the dead ones.
  purge                 Removes dead or quarantined events for good. Never
                        those that wait.

Filters of list, replay --all and purge
  --state <state>       waiting (those at a callback included), dead or
                        quarantined. purge needs it: dead or quarantined.
  --kind <kind>         order, orderDocuments, shipment or unknown.
  --event-name <name>   Such as OrderLinesAcceptedBySupplier.
  --entity <id>         ID of the order or shipment.
  --before <time>       Received before this time in ISO 8601: 2026-05-31 is
                        midnight UTC, 2026-05-31T08:00 is local time.

Options
  --json                list: one JSON object a line. show: one JSON object;
                        its body is text, or base64 where it is not UTF-8.
  --body                show: writes the body alone, byte for byte.
  --no-wait             replay: ends once the events are queued. Without it,
                        waits for the server to deliver them, until nothing
                        has happened for 15 seconds.
  --yes                 purge: does not ask.
  -h, --help            Shows this.

Exit code: 0 done; 1 failed, or not all were queued or removed; 2 wrong use.
`

/** Somebody asked for what cannot be: ends with exit code 2. */
export class UsageError extends Error {}

/** Something went wrong: ends with exit code 1. The message is all that there is to say. */
export class Failure extends Error {}

export const LOG = 'See the log of the server.'
