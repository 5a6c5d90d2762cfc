--[[
  Reads how much of the budget of a context is used, and by which runs.

  KEYS     see prelude.lua; of 1 to 6 only the active runs are used
    7...   see budget.lua

  Reply    { epoch ms, ranges in process, then of each running run: id, backfill, weight ('' where it is not known), 1 where it
           shares the ranges, else 0, ranges in process, `budgetWait` of the run }
]]
local now = now_ms()
local expired, held, of_run = {}, tonumber(redis.call('HGET', PERMITS, 'total') or '') or 0, {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', string.format('%.0f', now))) do
  expired[member] = true
end
local permits = redis.call('HGETALL', PERMITS)
for i = 1, #permits, 2 do
  local run, count = string.match(permits[i], '^([^|]*)|'), tonumber(permits[i + 1]) or 0
  if expired[permits[i]] then
    held = held - count
  elseif run then
    of_run[run] = (of_run[run] or 0) + count
  end
end
local reply, listed = { now, math.max(0, held) }, {}

-- `shares`: whether it has asked for ranges lately.
local function list(run, weight, shares)
  local name, status, wait = unpack(redis.call('HMGET', RUN_PREFIX .. run, 'name', 'status', 'budgetWait'))
  if status == 'running' and not listed[run] then
    listed[run] = true
    local ranges = of_run[run] or 0
    for _, value in ipairs({ run, name, weight, (shares or ranges > 0) and 1 or 0, ranges, wait or '' }) do
      reply[#reply + 1] = value
    end
  end
end

local queue = open_fair_queue(BUDGET_QUEUE, '', 0, now)
for _, entry in ipairs(queue.recent) do
  list(entry.run, tostring(entry.weight), true)
end
for _, entry in ipairs(queue.old) do
  list(entry.run, tostring(entry.weight), false)
end
for _, run in ipairs(redis.call('HVALS', ACTIVE)) do
  list(run, '', false)
end
return reply
