/**
 * The Lua scripts of a turn: the time for which one process hands out the events of one line, held by a lease.
 * A turn may send each of them again when it does not know whether it ran.
 */
import { SHARED } from './shared'

/**
 * Takes or keeps the lease and begins the head of the line, or lets go of the lease: one script, so that no event which
 * comes in between is overlooked. Arguments: line, token, name of the run, lease in milliseconds, most bytes of a body.
 * Returns `busy`; `empty`; `later` and milliseconds; `large` and the bytes of the body, with the lease; or `event`, id,
 * header, body, attempt, begin of attempt 1, '1' for a replay.
 */
export const BEGIN = `${SHARED}
local line, token, run = unpack(ARGV, 1, 3)
local leaseMs, most = tonumber(ARGV[4]), tonumber(ARGV[5])
local lease = redis.call('GET', key('lease', line))
if lease and lease ~= token then return { 'busy' } end

local id, event
repeat
  id = redis.call('LINDEX', key('line', line), 0)
  if not id then
    redis.call('DEL', key('lease', line))
    redis.call('ZREM', key('lines'), line)
    return { 'empty' }
  end
  event = redis.call('HMGET', key('event', id), 'state', 'run', 'due', 'first')
  -- A head without an event would block its line for ever.
  if not event[1] then redis.call('LPOP', key('line', line)) end
until event[1]

-- Else this turn began it already, and the reply was lost.
if event[1] ~= 'running' or event[2] ~= run then
  if tonumber(event[3]) > now then
    redis.call('DEL', key('lease', line))
    redis.call('ZADD', key('lines'), event[3], line)
    return { 'later', event[3] - now }
  end
  local bytes = redis.call('HSTRLEN', key('event', id), 'body')
  if bytes > most then
    redis.call('SET', key('lease', line), token, 'PX', leaseMs)
    redis.call('ZADD', key('lines'), now + leaseMs, line)
    return { 'large', bytes }
  end
  if event[1] == 'waiting' then move(id, 'waiting', 'running') end
  redis.call('HINCRBY', key('event', id), 'attempts', 1)
  redis.call('HSET', key('event', id), 'run', run, 'first', event[4] or now)
  if redis.call('GET', key('trigger', line)) == id then redis.call('DEL', key('trigger', line)) end
end
redis.call('SET', key('lease', line), token, 'PX', leaseMs)
redis.call('ZADD', key('lines'), now + leaseMs, line)
local stored = redis.call('HMGET', key('event', id), 'header', 'body', 'attempts', 'first', 'replay')
return { 'event', id, stored[1], stored[2], stored[3], stored[4], stored[5] or '' }
`

/**
 * Notes what became of an event. The lease stays: the turn goes on, or is released. The run in the event decides and not
 * the lease: one that ran out while nobody else took the event is no loss. Arguments: id, dedupe key, run, result, reason,
 * and in milliseconds the delay of a retry and for how long a delivered event is remembered. Returns 1, or 0 when the event
 * is not this turn's any more.
 */
export const SETTLE = `${SHARED}
local id, dedupe, run, result, reason = unpack(ARGV, 1, 5)
local delayMs, rememberMs = tonumber(ARGV[6]), tonumber(ARGV[7])
local event = redis.call('HMGET', key('event', id), 'state', 'run', 'line', 'merges')
if event[2] ~= run or event[1] ~= 'running' then
  -- Noted before, and the reply was lost?
  if event[2] == run then return 1 end
  return redis.call('GET', key('known', dedupe)) == '+' .. run and 1 or 0
end
local line = event[3]
-- Both ways begin with a write that Redis allows when its memory is full, which lets the rest pass: settling frees memory.
if result == 'retry' then
  move(id, 'running', 'waiting')
  redis.call('HSET', key('event', id), 'due', now + delayMs, 'reason', reason)
  mergeInto(id, line, event[4])
  return 1
end
redis.call('LREM', key('line', line), 1, id)
if result == 'delivered' then
  remove(id, 'running')
  redis.call('SET', key('known', dedupe), '+' .. run, 'PX', rememberMs)
else
  move(id, 'running', result)
  redis.call('HSET', key('event', id), 'reason', reason)
end
return 1
`

/**
 * Arguments: line, id of the event that runs or '', token, run, lease in milliseconds. Returns 1, or 0 when the lease is
 * lost: held by another turn, or run out after another turn had the event.
 */
export const RENEW = `${SHARED}
local line, id, token, run = unpack(ARGV, 1, 4)
local leaseMs = tonumber(ARGV[5])
local lease = redis.call('GET', key('lease', line))
if lease and lease ~= token then return 0 end
if not lease then
  local event = redis.call('HMGET', key('event', id), 'state', 'run')
  if event[1] ~= 'running' or event[2] ~= run then return 0 end
end
redis.call('SET', key('lease', line), token, 'PX', leaseMs)
redis.call('ZADD', key('lines'), now + leaseMs, line)
return 1
`

/**
 * Ends a turn. An event that it began and did not hand out is as if it had not been begun. Arguments: line, token, run.
 * Returns in how many milliseconds the line must be woken; -1: not at all, it is empty or another turn has it.
 */
export const RELEASE = `${SHARED}
local line, token, run = ARGV[1], ARGV[2], ARGV[3]
local lease = redis.call('GET', key('lease', line))
if lease and lease ~= token then return -1 end
redis.call('DEL', key('lease', line))
local id = redis.call('LINDEX', key('line', line), 0)
if not id then
  redis.call('ZREM', key('lines'), line)
  return -1
end
local event = redis.call('HMGET', key('event', id), 'state', 'run', 'due', 'merges')
if event[1] == 'running' and event[2] == run then
  move(id, 'running', 'waiting')
  if redis.call('HINCRBY', key('event', id), 'attempts', -1) == 0 then redis.call('HDEL', key('event', id), 'first') end
  mergeInto(id, line, event[4])
end
local due = tonumber(event[3] or now)
redis.call('ZADD', key('lines'), due, line)
return math.max(0, due - now)
`

/** Arguments: how many at most. Returns lines that somebody must look at: their head is due, and nobody has them. */
export const OVERDUE = `${SHARED}
return redis.call('ZRANGEBYSCORE', key('lines'), '-inf', now, 'LIMIT', 0, ARGV[1])
`
