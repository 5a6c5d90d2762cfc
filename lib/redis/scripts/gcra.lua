--[[
  Part of scripts that pace ranges. Generic cell rate algorithm (GCRA, ITU-T I.371), a range being a cell: `tat` is the
  theoretical arrival time, the start time of the next range, in epoch microseconds.
]]
local SECOND, MARGIN, ROUNDING = 1000000, 1000, 0.001

-- Workers that are late catch up, or they would never reach the rate: at once within the burst tolerance (half an
-- interval, or 0.3 % of a second), and by shortening each interval by up to 0.6 %. Both are smaller where more
-- cells would start in some second than `allowed`.
local function tolerances_within(every, allowed)
  local shortening = math.max(0, math.min(every * 0.006, every - (SECOND + MARGIN) / allowed))
  local burst_tolerance =
    math.max(0, math.min(math.max(every / 2, 3000), allowed * (every - shortening) - SECOND - MARGIN))
  return shortening, burst_tolerance
end

-- One range above the rate is allowed in a second, or 2 %.
local function tolerances(every)
  if every <= 0 then
    return 0, 0
  end
  local rate = SECOND / every
  local allowed = math.max(math.floor(rate + 1 + ROUNDING), math.floor(rate * 1.02 + ROUNDING))
  return tolerances_within(every, allowed)
end

-- The tolerances of a range of so many rows, a row being a cell: ranges of different sizes follow each other, so the rows of
-- the last in a second are beyond the limit, and those before it are not, or all of them together by 2 %.
local function row_tolerances(every_row, rows)
  local rate = SECOND / every_row
  local allowed = math.max(math.floor(rate + 1 + ROUNDING), math.floor(rate * 1.02 + ROUNDING) - rows + 1)
  local shortening, burst_tolerance = tolerances_within(every_row, allowed)
  return rows * shortening, burst_tolerance
end

-- `tat` and backlog once nothing is owed for the time before the burst tolerance. The backlog is the time to catch up by
-- shorter intervals, a second at most. Ranges that started late are close to those that follow: these start later by as much,
-- and catch up likewise.
local function caught_up(tat, backlog, burst_tolerance, now, lateness)
  if tat < now - burst_tolerance then
    backlog = math.min(SECOND, backlog + now - burst_tolerance - tat)
    tat = now - burst_tolerance
  end
  return tat + lateness, math.min(SECOND, backlog + lateness)
end
