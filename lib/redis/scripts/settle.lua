--[[
  Settles a range that did not simply succeed: what is done is counted, what failed for good is
  quarantined, and what is to be tried again takes its place, all in one step.

  KEYS     see prelude.lua
  ARGV[1]  index
  ARGV[2]  claims with which it was taken up: a worker that was overtaken settles nothing
  ARGV[3]  attempts, and
  ARGV[4]  digest of the payload, that it had then: nor does one that says it twice, or one that a crash of
           Redis gave the claims of another
  ARGV[5]  rows done
  ARGV[6]  1 when the range counts as done, 0 when it counts as failed, -1 when its successors replace it
  ARGV[7]  number of successors
  ARGV[8]  number of failures
  ARGV[9]  last error, JSON, or empty
  then for each successor: attempts, ms that it must wait, rows, payload
  then for each failure: id, rows, record

  The first successor keeps the index; the others get new ones. Their jobs are named by index and claims,
  so that no job of an earlier try is taken for them.

  Returns { 'settled', 1 when the next cycle should come at once, status now, index and job of each
  successor... } | { 'gone' }
]]
even_without_memory()
local index = ARGV[1]
local entry = redis.call('HGET', WORK, index)
local was = entry and parse(entry)
if not was or was.claims ~= tonumber(ARGV[2]) or was.attempts ~= tonumber(ARGV[3])
  or redis.sha1hex(was.payload) ~= ARGV[4] then
  return { 'gone' }
end
local outcome, successors, failures = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
redis.call('HDEL', WORK, index)

local at, kept, placed = 10, 0, {}
for i = 1, successors do
  local own = index
  if i > 1 then
    own = redis.call('HINCRBY', RUN, 'next', 1) - 1
  end
  local claims, wait = i == 1 and was.claims or 0, tonumber(ARGV[at + 1])
  local job = string.format('%da%d', own, claims)
  redis.call('HSET', WORK, own, format({
    claims = claims,
    returns = claims,
    attempts = tonumber(ARGV[at]),
    not_before = wait > 0 and string.format('%.0f', millis() + wait) or '0',
    job = job,
    rows = tonumber(ARGV[at + 2]),
    payload = ARGV[at + 3],
  }))
  kept = kept + tonumber(ARGV[at + 2])
  placed[#placed + 1] = own
  placed[#placed + 1] = job
  at = at + 4
end
local rows_failed = 0
for _ = 1, failures do
  if quarantine(ARGV[at], ARGV[at + 2]) == 1 then
    rows_failed = rows_failed + tonumber(ARGV[at + 1])
  end
  at = at + 3
end

redis.call('HINCRBY', RUN, 'rowsDone', ARGV[5])
redis.call('HINCRBY', RUN, 'rowsFailed', rows_failed)
redis.call('HINCRBY', RUN, 'progress', math.max(0, was.rows - kept))
if outcome == 1 then
  redis.call('HINCRBY', RUN, 'done', 1)
elseif outcome == 0 then
  redis.call('HINCRBY', RUN, 'failed', 1)
end
local more = outcome == -1 and successors - 1 or successors
if more > 0 then
  redis.call('HINCRBY', RUN, 'planned', more)
end
if ARGV[9] ~= '' then
  redis.call('HSET', RUN, 'lastError', ARGV[9])
end
if failures > 0 then
  emit('quarantined', ARGV[9])
end
local answer = { 'settled', low_water(), finish_if_drained() }
for i = 1, #placed do
  answer[#answer + 1] = placed[i]
end
return answer
