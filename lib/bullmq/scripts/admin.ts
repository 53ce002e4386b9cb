/** The Lua scripts for people: to look at events, deliver them again, and remove them. */
import { SHARED } from './shared'

const ENTRY = `
local function entry(id)
  local event = redis.call('HMGET', key('event', id), 'header', 'state', 'attempts', 'reason', 'due', 'seq')
  if not event[1] then return nil end
  return { event[1], event[2], event[3], redis.call('HSTRLEN', key('event', id), 'body'), event[4] or '', event[5],
    event[6] }
end
`

/**
 * Arguments: sequence number after which to begin, how many at most, states. Returns header, state, attempts, bytes of the
 * body, reason, when due, and sequence number, of each.
 */
export const PAGE = `${SHARED}${ENTRY}
local after, limit = ARGV[1], tonumber(ARGV[2])
local found = {}
for index = 3, #ARGV do
  local ids = redis.call('ZRANGEBYSCORE', key(ARGV[index]), '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
  for at = 1, #ids, 2 do found[#found + 1] = { ids[at], tonumber(ids[at + 1]) } end
end
table.sort(found, function(a, b) return a[2] < b[2] end)
local page = {}
for at = 1, math.min(limit, #found) do page[#page + 1] = entry(found[at][1]) end
return page
`

/** Arguments: id. Returns what PAGE does for one, and the body; nothing where it is not there. */
export const SHOW = `${SHARED}${ENTRY}
local shown = entry(ARGV[1])
if not shown then return {} end
shown[#shown + 1] = redis.call('HGET', key('event', ARGV[1]), 'body')
return shown
`

/** Arguments: id. Returns 1 and the line to wake, or 0. */
export const REPLAY = `${SHARED}
local id = ARGV[1]
local event = redis.call('HMGET', key('event', id), 'state', 'line', 'merges')
local state, line = event[1], event[2]
if not state or state == 'running' then return { 0, '' } end
-- The first write is one that Redis allows when its memory is full.
redis.call('HDEL', key('event', id), 'first', 'reason')
redis.call('HSET', key('event', id), 'attempts', 0, 'replay', '1', 'due', now)
if state ~= 'waiting' then
  move(id, state, 'waiting')
  mergeInto(id, line, event[3])
  enqueue(id, line)
elseif redis.call('LINDEX', key('line', line), 0) == id and redis.call('EXISTS', key('lease', line)) == 0 then
  redis.call('ZADD', key('lines'), now, line)
end
return { 1, line }
`

/** Arguments: id, the state that it must be in (dead or quarantined). Returns 1 when it was removed. */
export const PURGE = `${SHARED}
local id, state = ARGV[1], ARGV[2]
local event = redis.call('HMGET', key('event', id), 'state', 'key')
if event[1] ~= state then return 0 end
if redis.call('GET', key('known', event[2])) == '=' .. id then redis.call('DEL', key('known', event[2])) end
remove(id, state)
return 1
`

/** Returns the four counts, bytes, quarantineBytes, and when the oldest that waits and that runs were received, or ''. */
export const STATS = `${SHARED}
local function oldest(state)
  local id = redis.call('ZRANGE', key(state), 0, 0)[1]
  return id and redis.call('HGET', key('event', id), 'received') or ''
end
local counters = redis.call('HMGET', key('counters'), 'bytes', 'quarantineBytes')
return { redis.call('ZCARD', key('waiting')), redis.call('ZCARD', key('running')), redis.call('ZCARD', key('dead')),
  redis.call('ZCARD', key('quarantined')), counters[1] or '0', counters[2] or '0', oldest('waiting'), oldest('running') }
`
