--[[
  Restores a run that Redis lost, from keys that the caller has staged. A run that is there is not changed.

  KEYS     see prelude.lua
    7      sorted set of the runs of the backfill: run id, scored by start
    8      sorted set of retried failures, see snapshot.lua
    9      staged outstanding ranges, becomes KEYS[2]
    10     staged failures, becomes KEYS[3]
    11     staged order of the failures, becomes KEYS[4]
    12     sorted set of the rows of the sample, see add-sample.lua
  ARGV
    1      name of the backfill
    2      run id
    3      number of staged ranges
    4      number of staged failures
    5...   field and value of each field of the run; 'sample' has the members and scores of KEYS[12], JSON

  Reply    'recovered'
           'present'     the run is there
           'other'       another run of the backfill is active
           'incomplete'  Redis lost the staged keys
]]
local RUNS, RETRIED, STAGED_WORK, STAGED_FAILURES, STAGED_ORDER = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local SAMPLE = KEYS[12]
local name, id, range_count, failure_count = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function discard_staged(reply)
  redis.call('UNLINK', STAGED_WORK, STAGED_FAILURES, STAGED_ORDER)
  return reply
end

if redis.call('HGET', RUN, 'status') then
  return discard_staged('present')
end
local active_id = redis.call('HGET', ACTIVE, name)
if active_id and active_id ~= id and redis.call('HGET', RUN_PREFIX .. active_id, 'status') then
  return discard_staged('other')
end
if redis.call('HLEN', STAGED_WORK) ~= range_count or redis.call('ZCARD', STAGED_ORDER) ~= failure_count then
  return discard_staged('incomplete')
end

redis.call('UNLINK', RUN, WORK, FAILURES, FAILURE_ORDER, RETRIED, SAMPLE)
for key, staged in pairs({ [WORK] = STAGED_WORK, [FAILURES] = STAGED_FAILURES, [FAILURE_ORDER] = STAGED_ORDER }) do
  if redis.call('EXISTS', staged) == 1 then
    redis.call('RENAME', staged, key)
    redis.call('PERSIST', key)
  end
end
for i = 5, #ARGV, 2 do
  if ARGV[i] == 'sample' then
    for _, row in ipairs(cjson.decode(ARGV[i + 1])) do
      redis.call('ZADD', SAMPLE, row[2], row[1])
    end
  else
    redis.call('HSET', RUN, ARGV[i], ARGV[i + 1])
  end
end
local status, started_at = unpack(redis.call('HMGET', RUN, 'status', 'startedAt'))
redis.call('ZADD', RUNS, started_at, id)
if status == 'running' or status == 'paused' then
  redis.call('HSET', ACTIVE, name, id)
  redis.call('HSET', RUN, 'nextCycleAt', now_ms())
  emit(status == 'running' and 'resumed' or 'paused', '{"recovered":true,"by":"nestjs-backfill"}')
  mirror_hold(RUN, global_hold(now_ms()), now_ms())
  finish_if_drained()
end
return 'recovered'
