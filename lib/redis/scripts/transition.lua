--[[
  Moves a run from one status to another.

  KEYS     see prelude.lua
  ARGV[1]  status wanted
  ARGV[2]  event to tell
  ARGV[3]  reason, or empty
  ARGV[4]  data of the event, JSON
  ARGV[5..] statuses from which the move is allowed

  Returns { 'moved' | 'already' | 'refused', status before, status now }; `status before` is empty where
  the run is gone.
]]
even_without_memory()
local wanted, event, reason = ARGV[1], ARGV[2], ARGV[3]
local before = redis.call('HGET', RUN, 'status')
if not before then
  return { 'refused', '', '' }
end
if before == wanted then
  return { 'already', before, before }
end
local allowed = false
for i = 5, #ARGV do
  allowed = allowed or ARGV[i] == before
end
if not allowed then
  return { 'refused', before, before }
end

local run = redis.call('HMGET', RUN, 'name', 'id')
redis.call('HSET', RUN, 'status', wanted, 'reason', reason)
if wanted == 'running' then
  redis.call('HSET', RUN, 'nextCycleAt', millis(), 'finishedAt', '')
  redis.call('HSET', ACTIVE, run[1], run[2])
elseif wanted == 'cancelled' then
  redis.call('HSET', RUN, 'finishedAt', millis(), 'dropped', redis.call('HLEN', WORK))
  redis.call('HDEL', ACTIVE, run[1])
  redis.call('UNLINK', WORK)
end
emit(event, ARGV[4])
return { 'moved', before, finish_if_drained() }
