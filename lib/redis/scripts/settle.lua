--[[
  Settles a range that did not simply succeed, in one step: counts what is done, quarantines what failed for good,
  and puts what is to be tried again in its place.

  KEYS     see prelude.lua
  ARGV
    1      index
    2      claims of the entry when this worker claimed it (fencing token)
    3      attempts of the entry then
    4      SHA-1 of its payload then. With attempts it refuses a settlement that is sent twice, and a worker whose
           index and claims were given to another after Redis lost data in a crash.
    5      rows done
    6      outcome: the range counts as 'done' or as 'failed', or is 'replaced' by its successors
    7      number of successors
    8      number of failures
    9      last error, JSON, or ''
    10     rows that are missing
    11     rows that are given to the handler again because others wrote or locked them
    12     name of the partition
    13...  of each successor: attempts, ms to wait, rows, payload
    ...    of each failure: id, rows, record
    last   version of the handler, see `is_held_for_version`

  The first successor keeps the index, the others get new ones.

  Reply    { 'settled', 1 when the next cycle should come at once, else 0, status of the run, number of the initial
             failures, index and job suffix of each successor... }
             The number is 0 where this settlement is none of them; see `count_initial_failure`.
           { 'gone' } when this worker no longer has the range
]]
allow_writes_without_memory()
local handler = table.remove(ARGV)
local index, claims, attempts, digest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local rows_done, outcome, last_error = ARGV[5], ARGV[6], ARGV[9]
local successor_count, failure_count = tonumber(ARGV[7]), tonumber(ARGV[8])
local text = redis.call('HGET', WORK, index)
local settled = text and parse_entry(text)
if not settled or settled.claims ~= claims or settled.attempts ~= attempts
  or redis.sha1hex(settled.payload) ~= digest or is_held_for_version(handler) then
  return { 'gone' }
end
redis.call('HDEL', WORK, index)

local at, rows_left, placed = 13, 0, {}
for i = 1, successor_count do
  local successor_attempts, wait_ms, rows, payload =
    tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3]
  local successor_index, successor_claims = index, settled.claims
  if i > 1 then
    successor_index, successor_claims = redis.call('HINCRBY', RUN, 'next', 1) - 1, 0
  end
  local job = job_suffix(successor_index, 'a', successor_claims)
  redis.call('HSET', WORK, successor_index, format_entry({
    claims = successor_claims,
    releases = successor_claims,
    attempts = successor_attempts,
    not_before = wait_ms > 0 and string.format('%.0f', now_ms() + wait_ms) or '0',
    job = job,
    rows = rows,
    payload = payload,
  }))
  rows_left = rows_left + rows
  placed[#placed + 1] = successor_index
  placed[#placed + 1] = job
  at = at + 4
end
local rows_failed = 0
for _ = 1, failure_count do
  local id, rows, record = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  if quarantine(id, record) then
    rows_failed = rows_failed + rows
  end
  at = at + 3
end

redis.call('HINCRBY', RUN, 'rowsDone', rows_done)
redis.call('HINCRBY', RUN, 'rowsFailed', rows_failed)
count_progress(math.max(0, settled.rows - rows_left), ARGV[12])
count_missing(tonumber(ARGV[10]))
count_rechecked(tonumber(ARGV[11]))
if outcome ~= 'replaced' then
  redis.call('HINCRBY', RUN, outcome, 1)
end
if outcome == 'done' and rows_done == '0' and failure_count > 0 then
  redis.call('HINCRBY', RUN, 'fruitless', 1)
end
local newly_planned = outcome == 'replaced' and successor_count - 1 or successor_count
if newly_planned > 0 then
  redis.call('HINCRBY', RUN, 'planned', newly_planned)
end
-- A range that is only tried again, or split, has done nothing.
if outcome ~= 'replaced' or rows_done ~= '0' or rows_left < settled.rows then
  record_activity()
end
if last_error ~= '' and successor_count > 0 then
  redis.call('HINCRBY', RUN, 'retries', 1)
end
if last_error ~= '' then
  redis.call('HSET', RUN, 'lastError', last_error)
end
if failure_count > 0 then
  emit('quarantined', last_error)
end
local initial_failures = attempts == 0 and last_error ~= '' and count_initial_failure() or 0
return { 'settled', low_water(), finish_if_drained(), initial_failures, unpack(placed) }
