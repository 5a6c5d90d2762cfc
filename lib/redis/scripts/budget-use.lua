--[[
  Reads how much of the budget of a context is used, and by which runs.

  KEYS     see prelude.lua; 1 to 6 are not used
    7...   see budget.lua

  Reply    { ranges in process, then of each run that asked lately: id, backfill, weight, ranges or calls that it waits for }
]]
local now = now_ms()
local held = tonumber(redis.call('HGET', PERMITS, 'total') or '') or 0
for _, member in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', string.format('%.0f', now))) do
  held = held - (tonumber(redis.call('HGET', PERMITS, member) or '') or 0)
end
local reply = { math.max(0, held) }
for _, entry in ipairs(open_fair_queue(BUDGET_QUEUE, '', 0, now).recent) do
  local name, status = unpack(redis.call('HMGET', RUN_PREFIX .. entry.run, 'name', 'status'))
  if status == 'running' then
    reply[#reply + 1] = entry.run
    reply[#reply + 1] = name
    reply[#reply + 1] = tostring(entry.weight)
    reply[#reply + 1] = entry.want
  end
end
return reply
