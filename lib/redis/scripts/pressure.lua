--[[
  Part of scripts that read what the reporters of a backfill have measured.

  Reports are a hash: reporter -> [epoch ms, pressure, reason, ms for which it counts, 1 where unknown], JSON. Processes of earlier
  versions report there as well, with the first three, and read these.
]]
-- The highest pressure is rounded to so many steps: each change of the rate is logged and published.
local PRESSURE_STEPS = 20
local EARLIER_TTL_MS = 5000

-- Name of the throttle of a reporter, which is `owner|number|name of the throttle`; nil of the quota.
local function throttle_of(reporter)
  return string.match(reporter, '^[^|]*|%d+|(.*)$')
end

-- The highest pressure of all reporters, its reason, the name of its throttle, '' for the quota, and 1 where it says nothing about
-- the load, else 0. Removes reports that no longer count: the reporter may have died.
local function highest_pressure(reports_key, now)
  local highest, highest_reason, highest_throttle, highest_unknown = 0, '', '', 0
  local reports = redis.call('HGETALL', reports_key)
  for i = 1, #reports, 2 do
    local is_json, report = pcall(cjson.decode, reports[i + 1])
    if is_json then
      local at, reported, reported_reason, counts_for, reported_unknown = unpack(report)
      reported_unknown = reported_unknown or 0
      if now - at >= (counts_for or EARLIER_TTL_MS) then
        redis.call('HDEL', reports_key, reports[i])
      elseif reported > highest or (reported == highest and reported_unknown < highest_unknown) then
        highest, highest_reason, highest_throttle = reported, reported_reason, throttle_of(reports[i]) or ''
        highest_unknown = reported_unknown
      end
    end
  end
  if highest > 0 then
    highest = math.max(1, math.floor(highest * PRESSURE_STEPS + 0.5)) / PRESSURE_STEPS
  end
  return highest, highest_reason, highest_throttle, highest_unknown
end
