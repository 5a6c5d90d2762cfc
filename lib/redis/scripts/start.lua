--[[
  Begins a run, unless one is active.

  KEYS     see prelude.lua
  KEYS[7]  runs         zset: ids of the runs of the backfill, scored by their start
  KEYS[8]  idempotency  string: id of the run that the same request began before
  ARGV[1]  name of the backfill
  ARGV[2]  id of the new run
  ARGV[3]  idempotency key of the request, or empty
  ARGV[4]  seconds for which that key is remembered
  ARGV[5..] fields and values of the run

  Returns { 'started', id } | { 'repeated', id } | { 'active', id, status }
]]
local name, id, key = ARGV[1], ARGV[2], ARGV[3]

if key ~= '' then
  local before = redis.call('GET', KEYS[8])
  if before then
    return { 'repeated', before }
  end
end

local active = redis.call('HGET', ACTIVE, name)
if active then
  local status = redis.call('HGET', string.gsub(RUN, id .. '$', '') .. active, 'status')
  if status then
    return { 'active', active, status }
  end
end

local now = millis()
redis.call('HSET', RUN, 'id', id, 'name', name, 'status', 'running', 'startedAt', now, 'seq', 0, 'next', 0,
  'planned', 0, 'done', 0, 'failed', 0, 'rowsDone', 0, 'rowsFailed', 0, 'progress', 0,
  'cycle', 0, 'lowCycle', -1, 'nextCycleAt', now, 'target', 0, 'exhausted', 0)
redis.call('HSET', RUN, unpack(ARGV, 5))
redis.call('HSET', ACTIVE, name, id)
redis.call('ZADD', KEYS[7], now, id)
if key ~= '' then
  redis.call('SET', KEYS[8], id, 'EX', ARGV[4])
end
local said = redis.call('HMGET', RUN, 'startedBy', 'startReason', 'dryRun')
local function told(text)
  return text and text ~= '' and text or cjson.null
end
emit('started', cjson.encode({ by = told(said[1]), reason = told(said[2]), dryRun = said[3] == '1' }))
return { 'started', id }
