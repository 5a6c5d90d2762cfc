--[[
  Adds planned ranges to the run and moves the cursor, in one step. Optimistic concurrency: refused unless sequence
  and cursor are those that the plan was made from, so that two planners neither plan the same ranges nor skip any.
  Both are compared, because after a crash of Redis planners may know the same sequence and different cursors.
  While the canary of the run has no verdict, its rows are counted here, and ranges that would exceed them are refused.

  KEYS     see prelude.lua
  ARGV
    1      sequence of the cursors that the plan was made from
    2      field of the cursor
    3      new cursor, JSON
    4      1 when the whole source is planned, else 0
    5      names of the partitions that are planned, JSON
    6      ranges that share a job
    7      cursor that the plan was made from, JSON
    8      data of the event `verifying`, JSON, or ''
    9      1 when the run ends with failures if nothing is outstanding, else 0
    10     number of fields to set in the same step
    11     number of failures of rows that count as done
    12...  field and value of each field
    ...    id, rows and record of each failure
    ...    rows and payload of each range
    last   version of the handler, see `is_held_for_version`

  Reply    { 'reserved', index of the first range, status of the run }
           { 'stale', sequence now }
           { 'stopped', status of the run } also where the run is not for this version of the handler, and while all runs
           are held
]]
local handler = table.remove(ARGV)
local plan_sequence, cursor_field, cursor, now_exhausted = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local partitions_done, ranges_per_job, plan_cursor = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local verifying_data, ends, field_count = ARGV[8], ARGV[9], tonumber(ARGV[10])
local failure_count = tonumber(ARGV[11])
local FIRST_FIELD = 12
local FIRST_FAILURE = FIRST_FIELD + 2 * field_count
local FIRST_RANGE = FIRST_FAILURE + 3 * failure_count
local status, sequence, next_index = unpack(redis.call('HMGET', RUN, 'status', 'seq', 'next'))
if status ~= 'running' or is_held_for_version(handler) or global_hold(now_ms()) then
  return { 'stopped', status or '' }
end
if sequence ~= plan_sequence or (redis.call('HGET', RUN, cursor_field) or 'null') ~= plan_cursor then
  return { 'stale', sequence }
end

local canary, canary_rows, handed_out = unpack(redis.call('HMGET', RUN, 'canary', 'canaryRows', 'canaryHandedOut'))
if canary == 'running' then
  for at = FIRST_RANGE, #ARGV, 2 do
    handed_out = handed_out + tonumber(ARGV[at])
  end
  if tonumber(handed_out) > tonumber(canary_rows) then
    return { 'stale', sequence }
  end
  redis.call('HSET', RUN, 'canaryHandedOut', string.format('%.0f', handed_out))
end

local first, count = tonumber(next_index), (#ARGV - FIRST_RANGE + 1) / 2
local job
for i = 0, count - 1 do
  local rows, payload = ARGV[FIRST_RANGE + 2 * i], ARGV[FIRST_RANGE + 2 * i + 1]
  if i % ranges_per_job == 0 then
    job = job_suffix(first + i, 'x', math.min(ranges_per_job, count - i))
  end
  redis.call('HSET', WORK, first + i, format_new_entry(job, rows, payload))
end
redis.call('HSET', RUN, 'seq', sequence + 1, 'next', first + count, cursor_field, cursor,
  'exhausted', now_exhausted, 'partitionsDone', partitions_done)
redis.call('HINCRBY', RUN, 'planned', count)
if field_count > 0 then
  redis.call('HSET', RUN, unpack(ARGV, FIRST_FIELD, FIRST_FAILURE - 1))
end
local rows_failed = 0
for at = FIRST_FAILURE, FIRST_RANGE - 1, 3 do
  if quarantine(ARGV[at], ARGV[at + 2]) then
    rows_failed = rows_failed + tonumber(ARGV[at + 1])
  end
end
if rows_failed > 0 then
  redis.call('HINCRBY', RUN, 'rowsDone', 0 - rows_failed)
  redis.call('HINCRBY', RUN, 'rowsFailed', rows_failed)
  emit('quarantined', redis.call('HGET', RUN, 'lastError'))
end
-- Pages that a verification counts or reads, and parts of the source that have no rows, have no ranges to acknowledge.
if field_count > 0 or (count == 0 and cursor ~= plan_cursor) then
  record_activity()
end
if verifying_data ~= '' and string.match(redis.call('HGET', RUN, 'stateSince') or '', '^%l+') ~= public_state() then
  record_state()
end
if verifying_data ~= '' then
  emit('verifying', verifying_data)
end
if ends == '1' and redis.call('HLEN', WORK) == 0 and not is_being_retried() then
  -- Another cycle: after a retry, the last acknowledgement asks for one once for each cycle.
  redis.call('HINCRBY', RUN, 'cycle', 1)
  return { 'reserved', first, end_run() }
end
return { 'reserved', first, finish_if_drained() }
