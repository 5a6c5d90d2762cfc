--[[
  Starts a run, unless one is active.

  KEYS     see prelude.lua
    7      sorted set of the runs of the backfill: run id, scored by start
    8      string: id of the run that an earlier request with the same idempotency key started
  ARGV
    1      name of the backfill
    2      id of the new run
    3      idempotency key of the request, or ''
    4      seconds for which that key is kept
    5...   field and value of each field of the run

  Reply    { 'started', run id }
           { 'past', run id } when its field finishBy is not in the future: nothing was changed
           { 'repeated', run id } when an earlier request has the same idempotency key
           { 'active', run id, status } when a run is active
]]
local RUNS, IDEMPOTENT_RUN = KEYS[7], KEYS[8]
local name, id, idempotency_key, idempotency_seconds = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if idempotency_key ~= '' then
  local earlier_id = redis.call('GET', IDEMPOTENT_RUN)
  if earlier_id then
    return { 'repeated', earlier_id }
  end
end

local active_id = redis.call('HGET', ACTIVE, name)
if active_id then
  local status = redis.call('HGET', RUN_PREFIX .. active_id, 'status')
  if status then
    return { 'active', active_id, status }
  end
end

local now = now_ms()
for i = 5, #ARGV, 2 do
  if ARGV[i] == 'finishBy' and tonumber(ARGV[i + 1]) <= now then
    return { 'past', id }
  end
end
redis.call('HSET', RUN, 'id', id, 'name', name, 'status', 'running', 'startedAt', now, 'seq', 0, 'next', 0,
  'planned', 0, 'done', 0, 'failed', 0, 'rowsDone', 0, 'rowsFailed', 0, 'progress', 0,
  'cycle', 0, 'lowCycle', -1, 'nextCycleAt', now, 'target', 0, 'exhausted', 0)
redis.call('HSET', RUN, unpack(ARGV, 5))
record_state(now)
redis.call('HSET', ACTIVE, name, id)
redis.call('ZADD', RUNS, now, id)
if idempotency_key ~= '' then
  redis.call('SET', IDEMPOTENT_RUN, id, 'EX', idempotency_seconds)
end

local started_by, start_reason, dry_run, params, undoes, canary_rows, canary_max_failures, finish_by =
  unpack(redis.call('HMGET', RUN, 'startedBy', 'startReason', 'dryRun', 'paramsShown', 'undoes', 'canaryRows',
    'canaryMaxFailures', 'finishBy'))
local data = cjson.encode({
  by = text_or_null(started_by), reason = text_or_null(start_reason), dryRun = dry_run == '1', undoes = undoes or nil,
  finishBy = finish_by and tonumber(finish_by) or nil,
  canary = canary_rows and { rows = tonumber(canary_rows), maxFailures = tonumber(canary_max_failures) } or nil,
})
if params then
  -- As it is: cjson would write an empty array as an object, and long numbers shortened.
  data = string.sub(data, 1, -2) .. ',"params":' .. params .. '}'
end
emit('started', data)
mirror_hold(RUN, global_hold(now), now)
return { 'started', id }
