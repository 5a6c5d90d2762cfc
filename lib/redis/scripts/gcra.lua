--[[
  Part of scripts that pace ranges. Generic cell rate algorithm (GCRA, ITU-T I.371), a range being a cell: `tat` is the
  theoretical arrival time, the start time of the next range, in epoch microseconds.
]]
local SECOND, MARGIN, ROUNDING = 1000000, 1000, 0.001
-- One range above the rate is allowed in a second, or this share of it. Processes start ranges some ms too late or too early for
-- each other, which nothing here knows of: the late starts that are known take half of it.
local ALLOWED = 0.02
-- Starts are late by this much in a process that is not busy. Room for ranges that started late is made so long after they were
-- due: before a second has passed since.
local USUAL_LATENESS, ROOM_AFTER = 2000, 900000

-- Workers that are late catch up, or they would never reach the rate: at once within the burst tolerance (half an
-- interval, or 0.3 % of a second), and by shortening each interval by up to 0.6 %. Both are smaller where more
-- cells would start in some second than `allowed`.
local function tolerances_within(every, allowed)
  local shortening = math.max(0, math.min(every * 0.006, every - (SECOND + MARGIN) / allowed))
  local burst_tolerance =
    math.max(0, math.min(math.max(every / 2, 3000), allowed * (every - shortening) - SECOND - MARGIN))
  return shortening, burst_tolerance
end

local function allowed_in_a_second(every, share)
  local rate = SECOND / every
  return math.max(math.floor(rate + 1 + ROUNDING), math.floor(rate * (1 + share) + ROUNDING))
end

local function tolerances(every)
  if every <= 0 then
    return 0, 0
  end
  return tolerances_within(every, allowed_in_a_second(every, ALLOWED))
end

-- The tolerances of a range of so many rows, a row being a cell: ranges of different sizes follow each other, so the rows of
-- the last in a second are beyond the limit, and those before it are not, or all of them together by 2 %.
local function row_tolerances(every_row, rows)
  local rate = SECOND / every_row
  local allowed = math.max(math.floor(rate + 1 + ROUNDING), math.floor(rate * (1 + ALLOWED) + ROUNDING) - rows + 1)
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

-- Ranges that were due while their process stood still start once it goes on. A second that begins after they were
-- due, and before they start, has them beside its own: where these are more than the tolerances leave free, room is made for
-- them, a time in which no range starts. One such time in the second is enough for all that started late in it, so it comes late.
--   stored     what the last call returned as text, `room|from|started|extra`:
--     room     microseconds to make room for, 0 for none
--     from     start time from which on they are left out
--     started  when ranges last started late; those that were due before, and start later, are in the same seconds
--     extra    time of the ranges that such a second has beside its own
--   ranges, lateness   ranges that a process has started late, and the largest lateness of them
local function note_late_starts(stored, every, now, ranges, lateness)
  local room, from, started, extra = string.match(stored or '', '^(%d+)|(%d+)|(%d+)|(%d+)$')
  local late = {
    room = tonumber(room or '') or 0,
    from = tonumber(from or '') or 0,
    started = tonumber(started or '') or 0,
    extra = tonumber(extra or '') or 0,
  }
  -- No range was claimed for as long: its second is over.
  if late.from < now - SECOND then
    late.room = 0
  end
  local own = math.min(lateness - USUAL_LATENESS, ranges * every)
  if own <= 0 then
    return late
  end
  local due = now - lateness
  if due < late.started then
    late.extra = late.extra + own
  else
    late.started, late.extra = now, own
  end
  local shortening, burst_tolerance = tolerances(every)
  local free = allowed_in_a_second(every, ALLOWED / 2) * (every - shortening) - burst_tolerance - SECOND - 2 * MARGIN
  local needed = late.extra - math.max(0, free)
  if needed > 0 then
    late.from = late.room > 0 and math.min(late.from, due + ROOM_AFTER) or due + ROOM_AFTER
    late.room = math.max(late.room, needed)
  end
  return late
end

local function format_late_starts(late)
  return string.format('%.0f|%.0f|%.0f|%.0f', late.room, late.from, late.started, late.extra)
end
