--[[
  Takes failures back into the run as outstanding work, and sets an ended run going again.

  KEYS     see prelude.lua
  KEYS[7]  retried  zset: `sequence|id` of failures that the ledger is still to be told of
  then for each piece of work: payload, rows, ranges it was counted as failed, number of failures it
  stands for, their ids

  A piece of which a failure is gone (somebody else retries it) is left out. Returns { 'taken', status
  now, index and job of each piece... } | { 'refused', why }
]]
local run = redis.call('HMGET', RUN, 'status', 'name', 'id', 'ledger', 'failureSequence')
if not run[1] then
  return { 'refused', 'it is gone from Redis' }
end
if run[1] == 'cancelled' then
  return { 'refused', 'it is cancelled' }
end
local active = redis.call('HGET', ACTIVE, run[2])
if active and active ~= run[3] then
  return { 'refused', 'another run is active' }
end

local placed, at = {}, 1
while at <= #ARGV do
  local payload, rows, ranges, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local whole = true
  for i = 1, count do
    whole = whole and redis.call('HEXISTS', FAILURES, ARGV[at + 3 + i]) == 1
  end
  if whole then
    for i = 1, count do
      redis.call('HDEL', FAILURES, ARGV[at + 3 + i])
      redis.call('ZREM', ORDER, ARGV[at + 3 + i])
      if run[4] == '1' then
        redis.call('ZADD', KEYS[7], redis.call('HINCRBY', RUN, 'retrySequence', 1), run[5] .. '|' .. ARGV[at + 3 + i])
      end
    end
    local index = redis.call('HINCRBY', RUN, 'next', 1) - 1
    local job = index .. 'a0'
    redis.call('HSET', WORK, index, '0|0|0|0|' .. job .. '|' .. rows .. '|' .. payload)
    -- Subtracted, not negated: the negation of 0 is -0, which is no integer to Redis.
    redis.call('HINCRBY', RUN, 'rowsFailed', 0 - rows)
    redis.call('HINCRBY', RUN, 'progress', 0 - rows)
    redis.call('HINCRBY', RUN, 'failed', 0 - ranges)
    redis.call('HINCRBY', RUN, 'planned', 1 - ranges)
    placed[#placed + 1] = index
    placed[#placed + 1] = job
  end
  at = at + 4 + count
end

if #placed > 0 and (run[1] == 'completed' or run[1] == 'failed') then
  redis.call('HSET', RUN, 'status', 'running', 'finishedAt', '', 'reason', '', 'nextCycleAt', '')
  redis.call('HSET', ACTIVE, run[2], run[3])
  emit('resumed', '{"retry":true}')
end
local answer = { 'taken', redis.call('HGET', RUN, 'status') }
for i = 1, #placed do
  answer[#answer + 1] = placed[i]
end
return answer
