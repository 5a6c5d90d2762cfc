--[[
  Moves failures back to the outstanding work of their run, and resumes a run that has ended.

  KEYS     see prelude.lua
    7      sorted set of retried failures, see snapshot.lua
  ARGV
    1      sequence of the newest failure to retry
    2...   of each new range: payload, name of its partition, rows, ranges that count as failed for it, number of its
           failures, their ids
    last 4 version of the handler that the run adopts, or '' where it keeps its own; 'hold' where the adopted
           handler holds on another version; id of the retry, or ''; ms for which the retry keeps the run from
           ending, until its next page, 0 after its last one

  A range is left out where one of its failures is gone, because another request retries it, or has failed again since.

  Reply    { 'taken', status of the run, position among the new ranges, index and job suffix of each that was added... }
           { 'refused', reason }
]]
local hold_ms, retry_id = tonumber(table.remove(ARGV)), table.remove(ARGV)
local adopted_policy, adopted_version = table.remove(ARGV), table.remove(ARGV)
local newest = tonumber(ARGV[1])
local status, name, id, has_ledger, failure_sequence, version =
  unpack(redis.call('HMGET', RUN, 'status', 'name', 'id', 'ledger', 'failureSequence', 'version'))
if not status then
  return { 'refused', 'it is gone from Redis' }
end
if status == 'cancelled' then
  return { 'refused', 'it is cancelled' }
end
local adopts = adopted_version ~= '' and adopted_version ~= version
if adopts and (status == 'running' or status == 'paused') then
  return { 'refused', 'only a run that has ended adopts a version by a retry; pause and resume it with that version' }
end
local active_id = redis.call('HGET', ACTIVE, name)
if active_id and active_id ~= id then
  return { 'refused', 'another run is active' }
end

local function all_stored(failure_ids)
  for _, failure_id in ipairs(failure_ids) do
    local sequence = tonumber(redis.call('ZSCORE', FAILURE_ORDER, failure_id) or '')
    if not sequence or sequence > newest then
      return false
    end
  end
  return true
end

local placed, at, position = {}, 2, -1
while at <= #ARGV do
  position = position + 1
  local payload, partition, rows = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local failed_ranges, failure_count = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local failure_ids = {}
  for i = 1, failure_count do
    failure_ids[i] = ARGV[at + 4 + i]
  end
  if all_stored(failure_ids) then
    for _, failure_id in ipairs(failure_ids) do
      redis.call('HDEL', FAILURES, failure_id)
      redis.call('ZREM', FAILURE_ORDER, failure_id)
      if has_ledger == '1' then
        redis.call('ZADD', KEYS[7], redis.call('HINCRBY', RUN, 'retrySequence', 1), failure_sequence .. '|' .. failure_id)
      end
    end
    local index = redis.call('HINCRBY', RUN, 'next', 1) - 1
    local job = job_suffix(index, 'a', 0)
    redis.call('HSET', WORK, index, format_new_entry(job, rows, payload))
    -- Subtracted, not negated: -0 is no integer to Redis.
    redis.call('HINCRBY', RUN, 'rowsFailed', 0 - rows)
    count_progress(0 - rows, partition)
    redis.call('HINCRBY', RUN, 'failed', 0 - failed_ranges)
    redis.call('HINCRBY', RUN, 'planned', 1 - failed_ranges)
    placed[#placed + 1] = position
    placed[#placed + 1] = index
    placed[#placed + 1] = job
  end
  at = at + 5 + failure_count
end

if #placed > 0 and (status == 'completed' or status == 'failed') then
  -- A run whose verification has not ended goes on with it once nothing is outstanding.
  local next_cycle_at = redis.call('HGET', RUN, 'exhausted') == '1' and '' or now_ms()
  redis.call('HSET', RUN, 'status', 'running', 'finishedAt', '', 'reason', '', 'nextCycleAt', next_cycle_at)
  if adopts then
    adopt_version(adopted_version, adopted_policy)
  end
  record_state()
  redis.call('HSET', ACTIVE, name, id)
  emit('resumed', '{"retry":true}')
  mirror_hold(RUN, global_hold(now_ms()), now_ms())
end

-- Failures that fail again before the next page is retried would end the run, and the next page resume it.
if retry_id ~= '' and hold_ms > 0 then
  redis.call('HSET', RUN, 'retryId', retry_id, 'retryUntil', now_ms() + hold_ms)
elseif retry_id ~= '' and redis.call('HGET', RUN, 'retryId') == retry_id then
  redis.call('HDEL', RUN, 'retryId', 'retryUntil')
  finish_if_drained()
end
return { 'taken', redis.call('HGET', RUN, 'status'), unpack(placed) }
