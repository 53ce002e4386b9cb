/**
 * The tables of an inbox, in the SQL of SQLite. A change to them needs a new version, and a step that upgrades tables
 * of the previous version.
 */

/** Stored in `PRAGMA user_version` (SQLite) or the table `meta` (PostgreSQL). Tables of a later version are refused. */
export const SCHEMA_VERSION = 1

/**
 * The tables. Times are milliseconds since 1970, except `expires`, `renewed` and `reported`, which are on the clock of
 * leases.
 *
 * `queues` has one row per order or shipment with events to deliver. An event without either has a row of its own. A
 * row holds the kind, event name, size and due time of the first event to deliver. `key` is reversed like
 * `reversed_entity_id`, so that both find IDs by their end. Only settled events are in `events_by_entity`, because an
 * index of new events would cost a tenth of the time to store them.
 *
 * `former_callbacks` holds the callbacks of processes that have ended, and the number of minutes since then, as counted
 * by the remaining processes.
 *
 * `events.event` never changes and identifies the body; `events.seq` is the position in the queue. A duplicate is
 * recognised by its ID. A duplicate of a `repeatable` event is recognised by its `key`; a `key` has one row per
 * `occurrence`. A GET trigger is never a duplicate; its `occurrence` is NULL.
 *
 * `catch_ups`, `cursors`, `seen`, `arrivals` and `run_requests` belong to the catch-up. The process with the `token` of
 * `catch_ups` may poll until `expires`. `seen` holds the time on the API's clock at which something was first seen.
 * `arrivals` holds the parts that events have brought; `event` is the last event that brought the part.
 *
 * In `processes`, `lease` is the number of renewals by the process. `renewed` is the time of the last renewal, on the
 * clock of leases. `clock` is the boot to which this time belongs.
 */
export const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE processes (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, identity TEXT,
  lease INTEGER NOT NULL, renewed INTEGER NOT NULL, clock TEXT NOT NULL, wanted TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE former_callbacks (id TEXT PRIMARY KEY, name TEXT NOT NULL, wanted TEXT NOT NULL, minutes INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE queues (
  queue INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL, event_name TEXT NOT NULL,
  bytes INTEGER NOT NULL, due INTEGER NOT NULL, owner TEXT, token INTEGER
);
CREATE INDEX queues_by_kind ON queues (name, kind, due, bytes) WHERE owner IS NULL;
CREATE INDEX queues_by_event_name ON queues (name, kind, event_name, due, bytes) WHERE owner IS NULL;
CREATE INDEX queues_by_owner ON queues (owner) WHERE owner IS NOT NULL;
CREATE TABLE events (
  event INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, key TEXT, occurrence INTEGER, queue INTEGER,
  state INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, event_name TEXT, reversed_entity_id TEXT,
  received INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, first_attempt INTEGER,
  replay INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL, has_body INTEGER NOT NULL, settled INTEGER, outcome TEXT,
  reason TEXT, found INTEGER NOT NULL DEFAULT 0, head TEXT NOT NULL
);
CREATE INDEX events_by_key ON events (key, occurrence) WHERE key IS NOT NULL;
CREATE INDEX events_by_queue ON events (queue, seq) WHERE state < 2;
CREATE INDEX events_by_state ON events (state, event, bytes, received);
CREATE INDEX events_by_entity ON events (reversed_entity_id, event) WHERE reversed_entity_id IS NOT NULL AND state >= 2;
CREATE INDEX found_events ON events (name, bytes) WHERE found = 1 AND state < 2;
CREATE INDEX events_by_settled ON events (state, settled) WHERE state = 2;
CREATE INDEX kept_bodies ON events (state, has_body, settled, bytes) WHERE state = 2 AND has_body = 1;
CREATE TABLE bodies (part INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE uploads (event INTEGER PRIMARY KEY, begun INTEGER NOT NULL);
CREATE TABLE attempts (
  event INTEGER NOT NULL, number INTEGER NOT NULL, begun INTEGER NOT NULL, ended INTEGER, outcome TEXT, reason TEXT,
  PRIMARY KEY (event, number)
) WITHOUT ROWID;
CREATE TABLE catch_ups (
  name TEXT PRIMARY KEY, used INTEGER NOT NULL, token TEXT, expires INTEGER, boot TEXT
) WITHOUT ROWID;
CREATE TABLE cursors (name TEXT NOT NULL, scope TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, scope)) WITHOUT ROWID;
CREATE TABLE seen (
  name TEXT NOT NULL, scope TEXT NOT NULL, what TEXT NOT NULL, clock INTEGER NOT NULL, PRIMARY KEY (name, scope, what)
) WITHOUT ROWID;
CREATE TABLE arrivals (
  entity TEXT NOT NULL, form TEXT NOT NULL, part TEXT NOT NULL, hash TEXT NOT NULL, changed INTEGER NOT NULL,
  list TEXT NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (entity, form, part, hash)
) WITHOUT ROWID;
CREATE INDEX arrivals_by_time ON arrivals (list, changed);
CREATE TABLE run_requests (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, request TEXT NOT NULL, state TEXT NOT NULL, report TEXT,
  created INTEGER NOT NULL, reported INTEGER NOT NULL, boot TEXT NOT NULL
) WITHOUT ROWID;
`
