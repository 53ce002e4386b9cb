/**
 * What all Lua scripts of the inbox begin with: the names of its keys, the time of Redis, and the steps that several of
 * them take. A script runs as a whole or not at all, and alone.
 *
 * Keys below the base, all in one hash slot:
 * - `event:<id>` hash: header, body, size, state, seq, received, key, line, merges, attempts, first, due, reason, replay,
 *   and the name of the run that it is in or was last in
 * - `known:<dedupe key>`: `=<id>` while the event is here, `+<name of its run>` for a while after it was delivered
 * - `line:<line>` list: the events of one entity that wait or run, in the order in which they were accepted
 * - `lease:<line>`: the token of the turn that hands out the line's events
 * - `trigger:<line>`: the trigger with an ID that waits, into which others merge
 * - `lines` sorted set: lines that are not empty, by when somebody must look at them next: the head is due, or the lease
 *   has run out
 * - `waiting`, `running`, `dead`, `quarantined` sorted sets: IDs by sequence number
 * - `counters` hash: sequence, bytes, quarantineBytes; `fence`: written so that WAITAOF has something to wait for
 */
export const SHARED = `
local base = KEYS[1]
local function key(name, of) return of and base .. name .. ':' .. of or base .. name end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function counter(state) return state == 'quarantined' and 'quarantineBytes' or 'bytes' end
local function count(state, bytes) redis.call('HINCRBY', key('counters'), counter(state), bytes) end

-- Changes the state of an event, and what is counted by it.
local function move(id, from, to)
  local event = redis.call('HMGET', key('event', id), 'seq', 'size')
  redis.call('ZREM', key(from), id)
  redis.call('ZADD', key(to), event[1], id)
  redis.call('HSET', key('event', id), 'state', to)
  if counter(from) ~= counter(to) then
    count(from, -event[2])
    count(to, event[2])
  end
end

-- Removes an event that is in no line (any more).
local function remove(id, state)
  local size = redis.call('HGET', key('event', id), 'size')
  redis.call('DEL', key('event', id))
  redis.call('ZREM', key(state), id)
  count(state, -size)
end

-- Puts an event at the end of its line. True when the line was empty: then somebody must be woken.
local function enqueue(id, line)
  local first = redis.call('RPUSH', key('line', line), id) == 1
  if first then redis.call('ZADD', key('lines'), now, line) end
  return first
end

-- One that waits again stands for those that come, unless another does.
local function mergeInto(id, line, merges)
  if merges == '1' then redis.call('SET', key('trigger', line), id, 'NX') end
end
`
