--[[
  Scans outstanding ranges for jobs that are missing or overdue. A job is missing when it was lost or never added,
  and overdue when BullMQ still delays it long after its time, as when the clock of the process that added it was
  ahead.

  KEYS     see prelude.lua
  ARGV
    1      cursor of HSCAN, 0 to begin
    2      entries to scan, about
    3      prefix of the keys of this run's jobs in BullMQ, which a job suffix follows
    4      prefix of the ids of these jobs, which a job suffix follows
    5      key of BullMQ's set of delayed jobs

  Reply    { next cursor, '0' at the end, then of each such job: suffix, and ms that it has to wait or 'overdue' }
]]
local cursor, count, job_key_prefix, job_id_prefix, delayed_jobs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local OVERDUE_MS = 5000
local next_cursor, fields = unpack(redis.call('HSCAN', WORK, cursor, 'COUNT', count))
local reply, checked, now = { next_cursor }, {}, now_ms()
for i = 2, #fields, 2 do
  local entry = parse_entry(fields[i])
  local job, wait = entry.job, tonumber(entry.not_before) - now
  if not checked[job] then
    if redis.call('EXISTS', job_key_prefix .. job) == 0 then
      reply[#reply + 1] = job
      reply[#reply + 1] = string.format('%.0f', math.max(0, wait))
    elseif entry.not_before ~= '0' and wait < -OVERDUE_MS
      and redis.call('ZSCORE', delayed_jobs, job_id_prefix .. job) then
      reply[#reply + 1] = job
      reply[#reply + 1] = 'overdue'
    end
  end
  checked[job] = true
end
return reply
