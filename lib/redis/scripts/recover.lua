--[[
  Makes a run again that Redis lost, from what the caller put together under keys of its own. Whoever comes
  second changes nothing.

  KEYS     see prelude.lua
  KEYS[7]  runs             zset: ids of the runs of the backfill, scored by their start
  KEYS[8]  retried          zset of `snapshot.lua`
  KEYS[9]  staged work
  KEYS[10] staged failures
  KEYS[11] staged order
  ARGV[1]  name of the backfill
  ARGV[2]  id of the run
  ARGV[3]  what stands before the id in the key of a run
  ARGV[4]  number of staged entries
  ARGV[5]  number of staged failures
  ARGV[6..] fields and values of the run

  Returns 'recovered' | 'present' (it was there) | 'other' (another run is active) | 'incomplete' (what was
  staged is gone)
]]
local function forget(answer)
  redis.call('UNLINK', KEYS[9], KEYS[10], KEYS[11])
  return answer
end

local name, id = ARGV[1], ARGV[2]
if redis.call('HGET', RUN, 'status') then
  return forget('present')
end
local other = redis.call('HGET', ACTIVE, name)
if other and other ~= id and redis.call('HGET', ARGV[3] .. other, 'status') then
  return forget('other')
end
if redis.call('HLEN', KEYS[9]) ~= tonumber(ARGV[4]) or redis.call('ZCARD', KEYS[11]) ~= tonumber(ARGV[5]) then
  return forget('incomplete')
end

redis.call('UNLINK', RUN, WORK, FAILURES, ORDER, KEYS[8])
for key, staged in pairs({ [WORK] = KEYS[9], [FAILURES] = KEYS[10], [ORDER] = KEYS[11] }) do
  if redis.call('EXISTS', staged) == 1 then
    redis.call('RENAME', staged, key)
    redis.call('PERSIST', key)
  end
end
for i = 6, #ARGV, 2 do
  redis.call('HSET', RUN, ARGV[i], ARGV[i + 1])
end
local status = redis.call('HGET', RUN, 'status')
redis.call('ZADD', KEYS[7], redis.call('HGET', RUN, 'startedAt'), id)
if status == 'running' or status == 'paused' then
  redis.call('HSET', ACTIVE, name, id)
  redis.call('HSET', RUN, 'nextCycleAt', millis())
  emit(status == 'running' and 'resumed' or 'paused', '{"recovered":true,"by":"nestjs-backfill"}')
  finish_if_drained()
end
return 'recovered'
