/** The Lua script that stores an event. */
import { SHARED } from './shared'

/**
 * Arguments: id, dedupe key, header, body, line, quarantine reason or '', '1' where it may merge, bytes, their limit,
 * milliseconds of receipt. Returns `queued`, `duplicate`, `merged`, `full` or `taken`, and 1 where the line must be woken.
 */
export const ACCEPT = `${SHARED}
local id, dedupe, header, body, line, reason, merges = unpack(ARGV, 1, 7)
local size, limit, received = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10]
local state = reason ~= '' and 'quarantined' or 'waiting'

local old, oldState
local known = redis.call('GET', key('known', dedupe))
if known then
  if string.sub(known, 1, 1) == '+' then return { 'duplicate', 0 } end
  old = string.sub(known, 2)
  oldState = redis.call('HGET', key('event', old), 'state')
  if oldState == 'waiting' or oldState == 'running' then return { 'duplicate', 0 } end
  if oldState == 'quarantined' and state == 'quarantined' then return { 'duplicate', 0 } end
end
if merges == '1' and redis.call('EXISTS', key('trigger', line)) == 1 then return { 'merged', 0 } end
if not (oldState and old == id) and redis.call('EXISTS', key('event', id)) == 1 then return { 'taken', 0 } end

local used = tonumber(redis.call('HGET', key('counters'), counter(state)) or 0)
if oldState and counter(oldState) == counter(state) then
  used = used - redis.call('HGET', key('event', old), 'size')
end
if used + size > limit then return { 'full', 0 } end

if oldState then remove(old, oldState) end
local seq = redis.call('HINCRBY', key('counters'), 'sequence', 1)
redis.call('HSET', key('event', id), 'header', header, 'body', body, 'size', size, 'state', state, 'seq', seq,
  'received', received, 'key', dedupe, 'line', line, 'merges', merges, 'attempts', 0, 'due', now)
redis.call('SET', key('known', dedupe), '=' .. id)
redis.call('ZADD', key(state), seq, id)
count(state, size)
if state == 'quarantined' then
  redis.call('HSET', key('event', id), 'reason', reason)
  return { 'queued', 0 }
end
mergeInto(id, line, merges)
return { 'queued', enqueue(id, line) and 1 or 0 }
`
