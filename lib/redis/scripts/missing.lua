--[[
  One page of the outstanding ranges that no job carries (any more), or whose job waits longer than it was
  told to, as after a jump of some process's clock.

  KEYS     see prelude.lua
  ARGV[1]  where the last page ended, 0 at first
  ARGV[2]  ranges to look at, about
  ARGV[3]  what stands before the job suffix in the key of a job
  ARGV[4]  the same in the id of a job
  ARGV[5]  key of BullMQ's set of delayed jobs

  Returns { where the next page begins, '0' at the end; then job suffix and ms to wait of each such job,
  -1 ms where it exists and is overdue }
]]
local OVERDUE_MS = 5000
local page = redis.call('HSCAN', WORK, ARGV[1], 'COUNT', ARGV[2])
local answer, seen, now = { page[1] }, {}, millis()
for i = 2, #page[2], 2 do
  local work = parse(page[2][i])
  local wait = tonumber(work.not_before) - now
  if not seen[work.job] then
    if redis.call('EXISTS', ARGV[3] .. work.job) == 0 then
      answer[#answer + 1] = work.job
      answer[#answer + 1] = string.format('%.0f', math.max(0, wait))
    elseif work.not_before ~= '0' and wait < -OVERDUE_MS
      and redis.call('ZSCORE', ARGV[5], ARGV[4] .. work.job) then
      answer[#answer + 1] = work.job
      answer[#answer + 1] = '-1'
    end
  end
  seen[work.job] = true
end
return answer
