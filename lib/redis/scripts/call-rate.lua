--[[
  Part of scripts that grant calls to a third party. After it asked to wait the rate is lower, and grows each second
  (additive increase, multiplicative decrease); see decrease-quota.lua.
]]
-- Calls a second in force, 0 where no limit is known. `limit`: those that are allowed, 0 for no limit.
local function call_rate(quota_key, limit, now)
  local stored_rate, since, step = unpack(redis.call('HMGET', quota_key, 'rate', 'since', 'step'))
  if not stored_rate then
    return limit
  end
  local increased = tonumber(stored_rate) + tonumber(step) * math.max(0, now - tonumber(since)) / 1000000
  return limit > 0 and math.min(limit, increased) or increased
end

-- `tat` by the rate in force: what a far lower rate has put off must not delay the calls of this one.
local function current_tat(quota_key, tat, interval, longest_wait, now)
  local latest = now + longest_wait + interval
  if tat <= latest then
    return tat
  end
  -- The third party may have asked to wait until then.
  local since = tonumber(redis.call('HGET', quota_key, 'since') or '') or 0
  latest = math.max(latest, since + interval)
  if tat <= latest then
    return tat
  end
  redis.call('HSET', quota_key, 'moment', string.format('%.0f', latest))
  return latest
end
